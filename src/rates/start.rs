//! Since when the counters of a domain go on, if that is not since the older of two snapshots.

use super::device::{is_same_disk, is_same_nic, were_reset};
use crate::snapshot::{Disk, Domain, Nic, Snapshot, TraceTotals};

/// A domain at the time from which its rates are: as it was first seen. Each of its devices is as it was when its
/// counters began.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    pub(super) domain: Domain,
    /// The totals of the trace in the snapshot of the domain; `None` if that was not traced.
    pub(super) trace: Option<TraceTotals>,
}

impl Start {
    /// Starts with a domain of this snapshot.
    pub fn new(domain: &Domain, snapshot: &Snapshot) -> Self {
        Self {
            domain: domain.clone(),
            trace: snapshot.host.trace,
        }
    }

    /// Starts anew with each device of the domain that is not in the snapshot before, or was reset since then.
    pub fn restart_devices(&mut self, before: &Domain, now: &Domain) {
        let domain = &mut self.domain;
        restart(
            &mut domain.nics,
            begun(&before.nics, &now.nics, nic_goes_on),
            is_same_nic,
        );
        restart(
            &mut domain.disks,
            begun(&before.disks, &now.disks, disk_goes_on),
            is_same_disk,
        );
    }
}

/// Returns whether the counters of all devices of a domain go on from those of the snapshot before.
pub fn devices_go_on(before: &Domain, now: &Domain) -> bool {
    let mut nics = begun(&before.nics, &now.nics, nic_goes_on);
    let mut disks = begun(&before.disks, &now.disks, disk_goes_on);
    nics.next().is_none() && disks.next().is_none()
}

fn nic_goes_on(old: &Nic, new: &Nic) -> bool {
    is_same_nic(old, new) && !were_reset(&old.counters, &new.counters)
}

fn disk_goes_on(old: &Disk, new: &Disk) -> bool {
    is_same_disk(old, new) && !were_reset(&old.counters, &new.counters)
}

/// Returns the devices that go on from none of those before.
fn begun<'a, D>(
    before: &'a Option<Vec<D>>,
    now: &'a Option<Vec<D>>,
    goes_on: fn(&D, &D) -> bool,
) -> impl Iterator<Item = &'a D> {
    let goes_on = move |new| before.iter().flatten().any(|old| goes_on(old, new));
    now.iter().flatten().filter(move |new| !goes_on(new))
}

/// Replaces the devices that began anew, and appends those that there were none of.
fn restart<'a, D: Clone + 'a>(
    devices: &mut Option<Vec<D>>,
    begun: impl Iterator<Item = &'a D>,
    is_same: fn(&D, &D) -> bool,
) {
    for device in begun {
        let devices = devices.get_or_insert_default();
        devices.retain(|old| !is_same(old, device));
        devices.push(device.clone());
    }
}
