//! dom0's kernel counters: the NICs and disks it serves to guests, and its own CPU time.
//!
//! A reader takes the [`Roots`] it reads below, believes no more of a file than a whole number in
//! its place, and reports `None` for anything else: half a number, garbage, a file that is gone.
//! The rest of the sample stands. What is wrong for longer than a device takes to come or go is a
//! [`Fault`].

mod bus;
mod cached_file;
mod counter;
#[cfg(test)]
mod fake_sysfs;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod kernel;
mod roots;
mod tapdisk;
#[cfg(test)]
mod tests;
mod vbd;
mod vif;

use std::collections::BTreeMap;
use std::io;
use std::mem;

use uuid::Uuid;

use crate::snapshot::{Collect, Disk, Dom0Kernel, DomId, Nic};
use bus::{Bus, Device};
use cached_file::FdBudget;

pub(crate) use roots::Roots;

/// dom0's kernel, and the files of devices that are kept open.
#[derive(Debug)]
pub(crate) struct Dom0 {
    roots: Roots,
    bus: Bus,
    budget: FdBudget,
    nics: BTreeMap<Device, vif::Files>,
    disks: BTreeMap<Device, vbd::Files>,
    /// What was wrong with devices in this sample, and which had something wrong in the one before.
    faults: Vec<Fault>,
    failed: Vec<String>,
}

/// A device whose counters could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What dom0's kernel calls it.
    pub device: String,
    /// Why they could not.
    pub why: String,
}

/// The devices that dom0's kernel serves, by domain and in the order of their ids; `None` when they
/// were not asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Devices {
    /// The NICs.
    pub nics: Option<BTreeMap<DomId, Vec<Nic>>>,
    /// The disks, those that tapdisk or a device model serves apart.
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
    /// The dom0 that shows itself in these folders. The files of devices are opened for each sample.
    pub(crate) fn new(roots: Roots) -> Self {
        Self {
            roots,
            bus: Bus::default(),
            budget: FdBudget::default(),
            nics: BTreeMap::new(),
            disks: BTreeMap::new(),
            faults: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Keeps the files of devices open from now on, as far as this process may, and raises its limit
    /// of open files for that: one system call for each file and sample instead of three.
    pub(crate) fn keep_open(&mut self) {
        self.budget = FdBudget::for_many();
    }

    /// What dom0's kernel says of itself. A field is `None` when its file is gone or makes no sense.
    pub(crate) fn kernel(&self) -> Dom0Kernel {
        kernel::kernel(&self.roots)
    }

    /// Reads the ID that dom0's kernel gave its boot; `None` if its file is gone or makes no sense.
    pub(crate) fn boot_id(&self) -> Option<Uuid> {
        kernel::boot_id(&self.roots)
    }

    /// The devices that dom0's kernel serves, with their counters: those that `of` has collected about
    /// the domain with an id, of the kinds that `any` has.
    ///
    /// # Errors
    /// When the kernel's list of devices is there and cannot be read.
    pub(crate) fn devices(
        &mut self,
        any: Collect,
        of: impl Fn(DomId) -> Collect,
    ) -> io::Result<Devices> {
        // Of a sample that failed before its end.
        self.faults.clear();
        let [mut vifs, mut vbds] = match any.nics || any.disks {
            true => self.bus.list(&self.roots, ["vif", "vbd"])?,
            false => Default::default(),
        };
        vifs.retain(|device| of(device.domain).nics);
        vbds.retain(|device| of(device.domain).disks);
        let (roots, budget, faults) = (&self.roots, &self.budget, &mut self.faults);
        Ok(Devices {
            nics: any.nics.then(|| {
                bus::by_domain(vifs, &mut self.nics, |device, files| {
                    let (nic, fault) = vif::nic(roots, device, files, budget)?;
                    faults
                        .extend(fault.map(|why| Fault::of("vif", device.domain, device.id, &why)));
                    Some(nic)
                })
            }),
            disks: any.disks.then(|| {
                bus::by_domain(vbds, &mut self.disks, |device, files| {
                    let (disk, fault) = vbd::disk(roots, device, files, budget)?;
                    faults
                        .extend(fault.map(|why| Fault::of("vbd", device.domain, device.id, &why)));
                    Some(disk)
                })
            }),
        })
    }

    /// Fills in the counters of a disk that a tapdisk serves.
    pub(crate) fn fill_in(&mut self, domain: DomId, disk: &mut Disk) {
        let fault = tapdisk::fill_in(&self.roots, domain, disk);
        self.faults
            .extend(fault.map(|why| Fault::of("vbd3", domain, disk.id, &why)));
    }

    /// What is wrong with devices at the end of a sample, and was in the one before: those that just
    /// come or go fail too.
    pub(crate) fn faults(&mut self) -> Vec<Fault> {
        let mut faults = mem::take(&mut self.faults);
        let now = faults.iter().map(|fault| fault.device.clone()).collect();
        let before = mem::replace(&mut self.failed, now);
        faults.retain(|fault| before.contains(&fault.device));
        faults
    }
}
