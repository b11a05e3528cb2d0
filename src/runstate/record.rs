//! What the trace buffers say, one record at a time.

use crate::snapshot::{DomId, VcpuState};

/// The domain of the idle vCPUs, one for each pCPU (`DOMID_IDLE`, xen/xen.h).
pub const IDLE: DomId = DomId(0x7fff);

/// A vCPU, by the numbers that Xen traces it under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VcpuId {
    /// Its domain.
    pub domain: DomId,
    /// Its number in the domain; of an idle vCPU, the number of the pCPU.
    pub number: u32,
}

impl VcpuId {
    /// Returns whether it is a pCPU's idle vCPU, which is no domain's.
    pub fn is_idle(self) -> bool {
        self.domain == IDLE
    }
}

/// A record of the trace buffer of a pCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The pCPU that wrote it.
    pub pcpu: u32,
    /// When, in nanoseconds of the TSC, which all pCPUs share.
    pub at_ns: u64,
    /// What it says.
    pub what: What,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A vCPU changed its state. A vCPU that runs writes this on its own pCPU, also if it goes on running. Any pCPU
    /// may write that a vCPU woke up.
    Change {
        /// The vCPU.
        vcpu: VcpuId,
        /// Its state before.
        old: VcpuState,
        /// Its state from now on.
        new: VcpuState,
    },
    /// From now on records of this pCPU may be lost, until its next record.
    Lost,
    /// This pCPU's records are complete from now on.
    Complete,
}
