//! Which series there are.

use clap::Args;

use crate::snapshot::Collect;

/// What a scrape contains beyond the host and its domains. Its fields are options of `xenscope export`.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// Export each domain's vCPUs (a hypercall for each vCPU)
    #[arg(long = "collector.vcpus")]
    pub vcpus: bool,

    /// Export how long domains and vCPUs wait for a pCPU
    ///
    /// Traces with Xen's trace buffers, which belong to the whole host, for as long as it runs.
    #[arg(long = "collector.ready")]
    pub ready: bool,

    /// Export no NICs
    #[arg(long = "no-collector.nics")]
    pub no_nics: bool,

    /// Export no disks
    #[arg(long = "no-collector.disks")]
    pub no_disks: bool,

    /// Export no pCPUs
    #[arg(long = "no-collector.pcpus")]
    pub no_pcpus: bool,
}

/// All that a scrape may contain.
pub(super) const EVERYTHING: Collect = Collect {
    details: false,
    affinities: false,
    scheduling: false,
    paging_pools: false,
    macs: false,
    audit_inputs: false,
    ..Collect::ALL
};

impl Series {
    /// Returns what has to be collected.
    pub fn collect(self) -> Collect {
        let (nics, disks) = (!self.no_nics, !self.no_disks);
        Collect {
            vcpus: self.vcpus,
            state_times: self.ready,
            nics,
            nic_counters: nics,
            disks,
            disk_counters: match disks {
                true => EVERYTHING.disk_counters,
                false => Collect::NOTHING.disk_counters,
            },
            driver_domains: nics || disks,
            ..EVERYTHING
        }
    }
}
