//! The folders that dom0's state is read from.

use std::path::PathBuf;

/// The folders that dom0's state is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roots {
    /// Where sysfs is mounted.
    pub sys: PathBuf,
    /// Where procfs is mounted.
    pub proc: PathBuf,
    /// The folder of POSIX shared memory.
    pub shm: PathBuf,
}

impl Roots {
    /// Returns the folders of the running system.
    pub(crate) fn live() -> Self {
        Self {
            sys: "/sys".into(),
            proc: "/proc".into(),
            shm: "/dev/shm".into(),
        }
    }
}
