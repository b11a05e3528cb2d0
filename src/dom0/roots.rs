//! Where dom0 shows itself.

use std::path::PathBuf;

/// The folders that dom0 shows itself in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roots {
    /// Where sysfs is mounted.
    pub sys: PathBuf,
    /// Where procfs is mounted.
    pub proc: PathBuf,
    /// Where POSIX shared memory has its files.
    pub shm: PathBuf,
}

impl Roots {
    /// Those of the running system.
    pub(crate) fn live() -> Self {
        Self {
            sys: "/sys".into(),
            proc: "/proc".into(),
            shm: "/dev/shm".into(),
        }
    }
}
