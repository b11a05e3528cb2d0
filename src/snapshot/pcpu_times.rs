//! The pCPUs of a snapshot, without the rest.

use jiff::Timestamp;

use super::boot::Boot;
use super::host::Pcpu;
use super::stamp::Stamp;

/// How long each pCPU has been idle, as one snapshot has it.
#[derive(Clone, Debug, PartialEq)]
pub struct PcpuTimes {
    /// Wall-clock time of the snapshot.
    pub time: Timestamp,
    /// The boot of the host in which it was taken.
    pub boot: Boot,
    /// When the idle times were read.
    pub stamp: Stamp,
    /// The pCPUs, see [`Host`](super::Host).
    pub pcpu: Vec<Pcpu>,
}
