//! A snapshot with the rates since the one before it, and its parts with their rates.

use crate::rates::{DiskRates, DomainRates, HostRates, NicRates, Rate, Rates, StateRates};
use crate::snapshot::{
    Collect, Disk, Dom0Kernel, Domain, Host, Identity, Nic, Pcpu, Snapshot, Vcpu,
};

/// A snapshot and the rates since the one before it.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// The rates since the sample before.
    pub rates: &'a Rates,
}

/// A domain, its rates, and the snapshot that it is in.
#[derive(Clone, Copy, Debug)]
pub struct DomainSample<'a> {
    /// The domain.
    pub domain: &'a Domain,
    /// Its rates.
    pub rates: &'a DomainRates,
    /// The snapshot.
    pub snapshot: &'a Snapshot,
}

/// A vCPU and its CPU use.
#[derive(Clone, Copy, Debug)]
pub struct VcpuSample<'a> {
    /// The vCPU.
    pub vcpu: &'a Vcpu,
    /// CPU use in per cent of one pCPU.
    pub cpu_percent: Option<Rate>,
    /// The states that it was in.
    pub states: StateRates,
}

/// A NIC and its rates.
#[derive(Clone, Copy, Debug)]
pub struct NicSample<'a> {
    /// The NIC.
    pub nic: &'a Nic,
    /// Its rates.
    pub rates: &'a NicRates,
}

/// A disk and its rates.
#[derive(Clone, Copy, Debug)]
pub struct DiskSample<'a> {
    /// The disk.
    pub disk: &'a Disk,
    /// Its rates.
    pub rates: &'a DiskRates,
}

/// The host and its rates.
#[derive(Clone, Copy, Debug)]
pub struct HostSample<'a> {
    /// The host.
    pub host: &'a Host,
    /// Its rates.
    pub rates: &'a HostRates,
}

/// The statistics of dom0's kernel, and the rates of the host.
#[derive(Clone, Copy, Debug)]
pub struct Dom0Sample<'a> {
    /// The kernel's statistics.
    pub kernel: &'a Dom0Kernel,
    /// The host's rates, which include dom0's.
    pub rates: &'a HostRates,
}

/// A pCPU, its CPU use, and its host.
#[derive(Clone, Copy, Debug)]
pub struct PcpuSample<'a> {
    /// The pCPU.
    pub pcpu: &'a Pcpu,
    /// Per cent of the time that it was not idle.
    pub cpu_percent: Option<Rate>,
    /// Its host.
    pub host: &'a Host,
}

impl<'a> Sample<'a> {
    /// Returns the host with its rates.
    pub fn host(self) -> HostSample<'a> {
        HostSample {
            host: &self.snapshot.host,
            rates: &self.rates.host,
        }
    }

    /// Returns each domain with its rates.
    pub fn domains(self) -> impl Iterator<Item = DomainSample<'a>> {
        (0..).map_while(move |index| self.domain(index))
    }

    /// Returns each of these domains that there is, in this order; all domains if there are none of them.
    pub fn in_order(self, wanted: &[Identity]) -> Vec<DomainSample<'a>> {
        let all = || self.domains();
        match wanted {
            [] => all().collect(),
            wanted => {
                let named = |one: &Identity| all().find(|of| of.domain.identity() == *one);
                wanted.iter().filter_map(named).collect()
            }
        }
    }

    /// Returns the domain at this index in the snapshot; `None` past the last one.
    pub fn domain(self, index: usize) -> Option<DomainSample<'a>> {
        Some(DomainSample {
            domain: self.snapshot.domains.get(index)?,
            rates: self.rates.domains.get(index)?,
            snapshot: self.snapshot,
        })
    }
}

impl<'a> HostSample<'a> {
    /// Returns each pCPU with its CPU use.
    pub fn pcpus(self) -> impl Iterator<Item = PcpuSample<'a>> {
        let Self { host, rates } = self;
        let pcpus = host.pcpu.iter().zip(&rates.pcpu_percent);
        pcpus.map(move |(pcpu, &cpu_percent)| PcpuSample {
            pcpu,
            cpu_percent,
            host,
        })
    }

    /// Returns the statistics of dom0's kernel; `None` if they were not collected.
    pub fn dom0(self) -> Option<Dom0Sample<'a>> {
        let kernel = self.host.dom0.as_ref()?;
        Some(Dom0Sample {
            kernel,
            rates: self.rates,
        })
    }
}

impl<'a> DomainSample<'a> {
    /// Returns what was collected about it.
    pub fn collected(self) -> Collect {
        self.snapshot.collected.of(self.domain.identity())
    }

    /// Returns its vCPUs; `None` if they are unknown.
    pub fn vcpus(self) -> Option<impl Iterator<Item = VcpuSample<'a>>> {
        let vcpus = self.domain.vcpus.as_ref()?.iter();
        let rates = self.rates.vcpu_percent.iter().zip(&self.rates.vcpu_states);
        let sample = |(vcpu, (&cpu_percent, &states))| VcpuSample {
            vcpu,
            cpu_percent,
            states,
        };
        Some(vcpus.zip(rates).map(sample))
    }

    /// Returns its NICs; `None` if they are unknown.
    pub fn nics(self) -> Option<impl Iterator<Item = NicSample<'a>>> {
        let nics = self.domain.nics.as_ref()?.iter().zip(&self.rates.nics);
        Some(nics.map(|(nic, rates)| NicSample { nic, rates }))
    }

    /// Returns its disks; `None` if they are unknown.
    pub fn disks(self) -> Option<impl Iterator<Item = DiskSample<'a>>> {
        let disks = self.domain.disks.as_ref()?.iter().zip(&self.rates.disks);
        Some(disks.map(|(disk, rates)| DiskSample { disk, rates }))
    }
}
