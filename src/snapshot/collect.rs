//! What a sample is asked to hold.

use serde::{Deserialize, Serialize};

/// What to collect beyond the figures of the domains and the host, which cost one hypercall each.
///
/// A field that was not collected is `None` in the snapshot. A field that was stored by a version
/// without it reads as not collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Collect {
    /// Names of domains and pools: a read in XenStore for each.
    pub names: bool,
    /// Memory targets: a read in XenStore for each domain.
    pub targets: bool,
    /// Static maxima and XenStore's uuids: two more.
    pub details: bool,
    /// vCPUs: a hypercall for each.
    pub vcpus: bool,
    /// Where vCPUs may run: another hypercall for each.
    pub affinities: bool,
    /// What the scheduler allows: a hypercall for each domain.
    pub scheduling: bool,
    /// NICs: a few files for each.
    pub nics: bool,
    /// Disks: a few files for each.
    pub disks: bool,
    /// MAC addresses of NICs: a read in XenStore for each.
    pub macs: bool,
    /// Where pCPUs are, NUMA nodes, CPU pools, the hypervisor's build, and dom0's kernel.
    pub host: bool,
    /// What only an audit compares: Xen's clock, what XenStore lists, a read for each domain with a
    /// backend and for each vCPU, and the free memory once more.
    pub audit_inputs: bool,
}

impl Collect {
    /// Everything there is.
    pub const ALL: Self = Self {
        names: true,
        targets: true,
        details: true,
        vcpus: true,
        affinities: true,
        scheduling: true,
        nics: true,
        disks: true,
        macs: true,
        host: true,
        audit_inputs: true,
    };
}
