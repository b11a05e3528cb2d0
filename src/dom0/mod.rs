//! dom0's kernel counters: the NICs and disks it serves to guests, and its own CPU time.
//!
//! A reader takes the [`Roots`] it reads below, believes no more of a file than a whole number in
//! its place, and reports `None` for anything else: half a number, garbage, a file that is gone.
//! The rest of the sample stands.

mod bus;
mod counter;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod kernel;
mod tapdisk;
#[cfg(test)]
mod tree;
mod vbd;
mod vif;

use std::path::PathBuf;

pub use kernel::kernel;
pub use tapdisk::fill_in;
pub use vbd::{disk_name, disks};
pub use vif::nics;

/// The folders that dom0 shows itself in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Where sysfs is mounted.
    pub sys: PathBuf,
    /// Where procfs is mounted.
    pub proc: PathBuf,
    /// Where POSIX shared memory has its files.
    pub shm: PathBuf,
}

impl Roots {
    /// Those of the running system.
    pub fn live() -> Self {
        Self {
            sys: "/sys".into(),
            proc: "/proc".into(),
            shm: "/dev/shm".into(),
        }
    }
}
