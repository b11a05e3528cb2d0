//! A snapshot beside the rates since the one before it, and each of its parts beside its own.

use crate::rates::{DiskRates, DomainRates, HostRates, NicRates, Rate, Rates};
use crate::snapshot::{Collect, Disk, Dom0Kernel, Domain, Host, Nic, Pcpu, Snapshot, Vcpu};

/// A snapshot and the rates since the one before it.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// What happened since the last time.
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

/// A vCPU and its use.
#[derive(Clone, Copy, Debug)]
pub struct VcpuSample<'a> {
    /// The vCPU.
    pub vcpu: &'a Vcpu,
    /// CPU use in per cent of one pCPU.
    pub cpu_percent: Option<Rate>,
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

/// dom0 as its own kernel sees it, and the rates of the host.
#[derive(Clone, Copy, Debug)]
pub struct Dom0Sample<'a> {
    /// What its kernel says.
    pub kernel: &'a Dom0Kernel,
    /// The host's rates, dom0's among them.
    pub rates: &'a HostRates,
}

/// A pCPU, its use, and its host.
#[derive(Clone, Copy, Debug)]
pub struct PcpuSample<'a> {
    /// The pCPU.
    pub pcpu: &'a Pcpu,
    /// How much of it was not idle, in per cent.
    pub cpu_percent: Option<Rate>,
    /// Its host.
    pub host: &'a Host,
}

impl<'a> Sample<'a> {
    /// The host with its rates.
    pub fn host(self) -> HostSample<'a> {
        HostSample {
            host: &self.snapshot.host,
            rates: &self.rates.host,
        }
    }

    /// Each domain with its rates.
    pub fn domains(self) -> impl Iterator<Item = DomainSample<'a>> {
        (0..).map_while(move |place| self.domain(place))
    }

    /// The domain at this place among the snapshot's; `None` past the last one.
    pub fn domain(self, place: usize) -> Option<DomainSample<'a>> {
        Some(DomainSample {
            domain: self.snapshot.domains.get(place)?,
            rates: self.rates.domains.get(place)?,
            snapshot: self.snapshot,
        })
    }
}

impl<'a> HostSample<'a> {
    /// Each pCPU with its use.
    pub fn pcpus(self) -> impl Iterator<Item = PcpuSample<'a>> {
        let Self { host, rates } = self;
        let pcpus = host.pcpu.iter().zip(&rates.pcpu_percent);
        pcpus.map(move |(pcpu, &cpu_percent)| PcpuSample {
            pcpu,
            cpu_percent,
            host,
        })
    }

    /// dom0 as its own kernel sees it; `None` when it was not asked for.
    pub fn dom0(self) -> Option<Dom0Sample<'a>> {
        let kernel = self.host.dom0.as_ref()?;
        Some(Dom0Sample {
            kernel,
            rates: self.rates,
        })
    }
}

impl<'a> DomainSample<'a> {
    /// What was collected about it.
    pub fn collected(self) -> Collect {
        self.snapshot.collected.of(self.domain.identity())
    }

    /// Its vCPUs; `None` when they are not known.
    pub fn vcpus(self) -> Option<impl Iterator<Item = VcpuSample<'a>>> {
        let vcpus = self.domain.vcpus.as_ref()?.iter();
        let vcpus = vcpus.zip(&self.rates.vcpu_percent);
        Some(vcpus.map(|(vcpu, &cpu_percent)| VcpuSample { vcpu, cpu_percent }))
    }

    /// Its NICs; `None` when they are not known.
    pub fn nics(self) -> Option<impl Iterator<Item = NicSample<'a>>> {
        let nics = self.domain.nics.as_ref()?.iter().zip(&self.rates.nics);
        Some(nics.map(|(nic, rates)| NicSample { nic, rates }))
    }

    /// Its disks; `None` when they are not known.
    pub fn disks(self) -> Option<impl Iterator<Item = DiskSample<'a>>> {
        let disks = self.domain.disks.as_ref()?.iter().zip(&self.rates.disks);
        Some(disks.map(|(disk, rates)| DiskSample { disk, rates }))
    }
}
