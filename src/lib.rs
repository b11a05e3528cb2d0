//! xenscope: a dom0 monitor that asks the Xen hypervisor itself.
//!
//! Data flows one way:
//!
//! ```text
//! xen    (hypercalls) ─┐
//! xenstore (names)    ─┴─> source ──> snapshot ──> feed ─┬─> rates ──> view
//!                                                        └─> audit ─────┘
//! ```
//!
//! A [`source::Source`] takes [`snapshot::Snapshot`]s: raw cumulative counters and states. A
//! [`feed::Feed`] hands out each snapshot with the one before, live or from a recording.
//! [`rates::Rates`] is a pure function of two of them, with `None` for an unknown value. [`audit`]
//! checks them, and [`events::History`] reports what changed from one to the next. The views in
//! [`view`] turn all of it into text, and never collect. [`export`] serves such text over HTTP, in a
//! process without privileges.
//!
//! [`xen::Trace`] hands out the records of Xen's trace buffers. [`runstate::Runstates`] follows each vCPU's state
//! through them, and [`waits::Waits`] says who waited for a pCPU.

pub mod anonymous;
pub mod audit;
mod clock;
pub mod compare;
pub mod doctor;
mod dom0;
pub mod events;
pub mod export;
pub mod feed;
pub mod fields;
pub mod filter;
#[cfg(test)]
mod fixtures;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod interval;
pub mod moment;
pub mod pressure;
pub mod rates;
pub mod recording;
pub mod report;
pub mod repositories;
pub mod runstate;
mod sample;
pub mod selector;
pub mod snapshot;
pub mod source;
pub mod text;
pub mod tracer;
mod units;
pub mod view;
pub mod waits;
pub mod xen;
mod xenstore;
mod xentop;
