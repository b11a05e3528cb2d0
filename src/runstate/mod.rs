//! From the records of Xen's trace buffers to how long each vCPU ran, waited for a pCPU, was blocked or was offline,
//! and for whom it waited. Pure: no I/O.
//!
//! [`Runstates`] takes the records as they are read. `merge` puts those of all pCPUs in order, `pcpus` knows who runs
//! where, and [`Times`] are the figures of a vCPU.
//!
//! Nothing is made up. A record says what the state was before, so a vCPU whose state is unknown is known back to
//! when its records became complete. If a pCPU lost records, the states that it may have changed are unknown in that
//! time, and the time counts as unknown, not as less of something else.

mod expected;
mod merge;
mod pcpus;
mod record;
mod states;
#[cfg(test)]
mod tests;
mod times;

pub use expected::{expected, with_idle};
pub use record::{IDLE, Record, VcpuId, What};
pub use states::{Expected, Runstates, Stretch, Traced};
pub use times::Times;
