//! dom0's kernel counters: the NICs and disks that it serves to guests, and its own CPU time.
//!
//! A reader takes the [`Roots`] that it reads below. A file must hold exactly what is expected,
//! such as one whole number; anything else is `None`, and the rest of the sample stays valid. A
//! device that cannot be read in two samples in a row has a [`Fault`].

mod bus;
mod cached_file;
mod counter;
#[cfg(test)]
mod fake_sysfs;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod kernel;
mod links;
mod netlink;
mod roots;
mod tapdisk;
#[cfg(test)]
mod tests;
mod vbd;
mod vif;

use std::collections::BTreeMap;
use std::io;
use std::mem;

use enum_map::EnumMap;
use uuid::Uuid;

use crate::snapshot::{Collect, Disk, DiskCounter, Dom0Kernel, DomId, Nic};
use bus::{Bus, Device};
use cached_file::FdBudget;
use links::Links;

pub(crate) use roots::Roots;

/// Reads dom0's kernel, and caches the open files of devices.
#[derive(Debug)]
pub(crate) struct Dom0 {
    roots: Roots,
    bus: Bus,
    budget: FdBudget,
    links: Links,
    nics: BTreeMap<Device, vif::Files>,
    disks: BTreeMap<Device, vbd::Files>,
    /// The faults of this sample, and the devices that had one in the sample before.
    faults: Vec<Fault>,
    failed: Vec<String>,
}

/// A device whose counters could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The kernel's name of the device.
    pub device: String,
    /// The reason.
    pub why: String,
}

/// The devices that dom0's kernel serves, by domain and in the order of IDs; `None` if they were
/// not collected.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Devices {
    /// The NICs.
    pub nics: Option<BTreeMap<DomId, Vec<Nic>>>,
    /// The disks, without those that tapdisk or a device model serves.
    pub disks: Option<BTreeMap<DomId, Vec<Disk>>>,
}

impl Fault {
    fn of(kind: &str, domain: DomId, id: u32, why: &io::Error) -> Self {
        Self {
            device: format!("{kind}-{domain}-{id}"),
            why: why.to_string(),
        }
    }
}

impl Dom0 {
    /// Reads the running system. The files of devices are opened and closed for each sample.
    pub(crate) fn live() -> Self {
        Self {
            links: Links::live(),
            ..Self::new(Roots::live())
        }
    }

    /// Reads dom0 below these folders, without netlink.
    fn new(roots: Roots) -> Self {
        Self {
            roots,
            bus: Bus::default(),
            budget: FdBudget::default(),
            links: Links::unsupported(),
            nics: BTreeMap::new(),
            disks: BTreeMap::new(),
            faults: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Keeps the files of devices open from now on, and raises the limit of open files for that as
    /// far as allowed. This saves two of three system calls for each file and sample.
    pub(crate) fn keep_open(&mut self) {
        self.budget = FdBudget::for_many();
    }

    /// Reads dom0's own figures from its kernel. A field is `None` if its file is missing or
    /// malformed.
    pub(crate) fn kernel(&self) -> Dom0Kernel {
        kernel::kernel(&self.roots)
    }

    /// Reads the ID of dom0's boot; `None` if its file is missing or malformed.
    pub(crate) fn boot_id(&self) -> Option<Uuid> {
        kernel::boot_id(&self.roots)
    }

    /// Reads the devices that dom0's kernel serves, with their counters. `any` says which kinds are
    /// collected at all, and `of` which of them for the domain with an ID.
    ///
    /// # Errors
    /// If the kernel's list of devices exists and cannot be read.
    pub(crate) fn devices(
        &mut self,
        any: Collect,
        of: impl Fn(DomId) -> Collect,
    ) -> io::Result<Devices> {
        // The faults may be left over from a sample that failed.
        self.faults.clear();
        let [mut vifs, mut vbds] = match any.nics || any.disks {
            true => self.bus.list(&self.roots, ["vif", "vbd"])?,
            false => Default::default(),
        };
        vifs.retain(|device| of(device.domain).nics);
        vbds.retain(|device| of(device.domain).disks);
        if any.nics {
            self.links.update(&self.roots, &vifs, any.nic_counters);
        }
        let (roots, links, budget) = (&self.roots, &self.links, &self.budget);
        let faults = &mut self.faults;
        // If netlink answers, a NIC is left to sysfs while its interface changes. Its open files
        // would stay readable if the interface leaves the namespace.
        let none = FdBudget::default();
        let nic_budget = if links.is_open() { &none } else { budget };
        Ok(Devices {
            nics: any.nics.then(|| {
                bus::by_domain(vifs, &mut self.nics, |device, files| {
                    let counted = of(device.domain).nic_counters;
                    if links.is_open() {
                        *files = vif::Files::default();
                    }
                    if let Some(nic) = links.nic(device, counted) {
                        return Some(nic);
                    }
                    let (nic, fault) = vif::nic(roots, device, counted, files, nic_budget)?;
                    faults
                        .extend(fault.map(|why| Fault::of("vif", device.domain, device.id, &why)));
                    Some(nic)
                })
            }),
            disks: any.disks.then(|| {
                bus::by_domain(vbds, &mut self.disks, |device, files| {
                    let wanted = of(device.domain).disk_counters;
                    let (disk, fault) = vbd::disk(roots, device, wanted, files, budget)?;
                    faults
                        .extend(fault.map(|why| Fault::of("vbd", device.domain, device.id, &why)));
                    Some(disk)
                })
            }),
        })
    }

    /// Fills in the `wanted` counters of a disk that a tapdisk serves.
    pub(crate) fn fill_in(
        &mut self,
        domain: DomId,
        wanted: EnumMap<DiskCounter, bool>,
        disk: &mut Disk,
    ) {
        let fault = tapdisk::fill_in(&self.roots, domain, wanted, disk);
        self.faults
            .extend(fault.map(|why| Fault::of("vbd3", domain, disk.id, &why)));
    }

    /// Returns the faults of devices that had one in the previous sample as well. A device that is
    /// being attached or detached can fail once.
    pub(crate) fn faults(&mut self) -> Vec<Fault> {
        let mut faults = mem::take(&mut self.faults);
        let now = faults.iter().map(|fault| fault.device.clone()).collect();
        let before = mem::replace(&mut self.failed, now);
        faults.retain(|fault| before.contains(&fault.device));
        faults
    }
}
