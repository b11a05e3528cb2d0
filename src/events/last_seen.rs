//! The state in which a domain was last seen, and what has changed since.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::event::{Change, Device, Event};
use crate::snapshot::{Disk, Domain, Identity, Nic, Scheduling, ShutdownReason};

/// The state in which a domain was last seen.
#[derive(Clone, Debug)]
pub(super) struct LastSeen {
    pub(super) name: Option<Arc<str>>,
    paused: bool,
    shutdown: Option<ShutdownReason>,
    /// It is dying, and its end has been reported.
    pub(super) is_destroyed: bool,
    /// Its vCPUs, its memory and its share when it first ran, or later; `None` before it ran.
    size: Option<Size>,
    nics: BTreeMap<u32, String>,
    disks: BTreeMap<u32, String>,
    /// It was created again after a reboot, and has not run since.
    is_restarting: bool,
}

#[derive(Clone, Copy, Debug)]
struct Size {
    vcpus: u32,
    target: Option<u64>,
    max: Option<u64>,
    /// Its weight and its cap, as they were last collected.
    share: Option<(u16, Option<u16>)>,
}

impl LastSeen {
    /// Returns the state of a domain that has just been created: bare and paused.
    pub(super) fn created() -> Self {
        Self {
            name: None,
            paused: true,
            shutdown: None,
            is_destroyed: false,
            size: None,
            nics: BTreeMap::new(),
            disks: BTreeMap::new(),
            is_restarting: false,
        }
    }

    pub(super) fn existing(domain: &Domain) -> Self {
        Self {
            name: domain.name.clone(),
            paused: domain.states.paused,
            shutdown: domain.states.shutdown,
            is_destroyed: domain.states.dying,
            size: Some(Size::of(domain)),
            nics: names(domain.nics.iter().flatten().map(of_nic)),
            disks: names(domain.disks.iter().flatten().map(of_disk)),
            is_restarting: false,
        }
    }

    /// Returns the state of the same domain after a reboot.
    pub(super) fn restarting(self) -> Self {
        Self {
            paused: false,
            shutdown: None,
            is_destroyed: false,
            size: None,
            is_restarting: true,
            ..self
        }
    }

    pub(super) fn event(&self, time: Timestamp, identity: Identity, change: Change) -> Event {
        Event {
            time,
            domain: Some(identity),
            name: self.name.clone(),
            change,
        }
    }

    /// Returns the changes since the domain was last seen, and updates the state.
    pub(super) fn changes(&mut self, domain: &Domain) -> Vec<Change> {
        let mut changes = Vec::new();
        // A name disappears while a domain is destroyed, or if XenStore does not answer.
        if let Some(name) = &domain.name
            && self.name.as_ref() != Some(name)
        {
            changes.push(match self.name.replace(name.clone()) {
                Some(old_name) => Change::Renamed { old_name },
                None => Change::Named,
            });
        }
        let runs = !domain.states.paused;
        if self.is_restarting {
            // After a reboot its devices are attached again. Report only those that differ in the
            // end.
            if runs || domain.states.dying {
                self.is_restarting = false;
                self.devices(domain, &mut changes);
            }
        } else {
            self.devices(domain, &mut changes);
            if self.paused != domain.states.paused {
                changes.push(if runs {
                    Change::Unpaused
                } else {
                    Change::Paused
                });
            }
        }
        if !self.is_restarting {
            self.paused = domain.states.paused;
        }
        match &mut self.size {
            Some(size) => size.changes(domain, &mut changes),
            None if runs => self.size = Some(Size::of(domain)),
            None => {}
        }
        let shutdown = domain.states.shutdown;
        match (self.shutdown, shutdown) {
            (None, Some(ShutdownReason::Crash)) => changes.push(Change::Crashed),
            (None, Some(reason)) => changes.push(Change::Shutdown { reason }),
            (Some(_), None) => changes.push(Change::Resumed),
            _ => {}
        }
        self.shutdown = shutdown;
        if domain.states.dying {
            self.is_destroyed = true;
            changes.push(Change::Destroyed);
        }
        changes
    }

    fn devices(&mut self, domain: &Domain, changes: &mut Vec<Change>) {
        if let Some(new) = &domain.disks {
            let (attached, detached) = (Change::DiskAttached, Change::DiskDetached);
            compare_devices(
                &mut self.disks,
                new.iter().map(of_disk),
                attached,
                detached,
                changes,
            );
        }
        if let Some(new) = &domain.nics {
            let (attached, detached) = (Change::NicAttached, Change::NicDetached);
            compare_devices(
                &mut self.nics,
                new.iter().map(of_nic),
                attached,
                detached,
                changes,
            );
        }
    }
}

impl Size {
    fn of(domain: &Domain) -> Self {
        Self {
            vcpus: domain.vcpus_online,
            target: domain.memory_target_bytes,
            max: domain.memory_max_bytes,
            share: domain.scheduling.and_then(Scheduling::share),
        }
    }

    fn changes(&mut self, domain: &Domain, changes: &mut Vec<Change>) {
        let old = *self;
        let new = Self::of(domain);
        *self = Self {
            // What is unknown is not a change.
            target: new.target.or(old.target),
            share: new.share.or(old.share),
            ..new
        };
        if old.vcpus != self.vcpus {
            changes.push(Change::Vcpus {
                old_online: old.vcpus,
                online: self.vcpus,
            });
        }
        if let (Some(old_bytes), Some(bytes)) = (old.target, self.target)
            && old_bytes != bytes
        {
            changes.push(Change::MemoryTarget { old_bytes, bytes });
        }
        if old.max != self.max {
            changes.push(Change::MemoryMax {
                old_bytes: old.max,
                bytes: self.max,
            });
        }
        if let (Some((old_weight, old_cap_percent)), Some((weight, cap_percent))) =
            (old.share, self.share)
        {
            if old_weight != weight {
                changes.push(Change::Weight { old_weight, weight });
            }
            if old_cap_percent != cap_percent {
                changes.push(Change::Cap {
                    old_cap_percent,
                    cap_percent,
                });
            }
        }
    }
}

fn of_nic(nic: &Nic) -> (u32, &str) {
    (nic.id, &nic.device)
}

fn of_disk(disk: &Disk) -> (u32, &str) {
    (disk.id, &disk.device)
}

fn names<'a>(devices: impl Iterator<Item = (u32, &'a str)>) -> BTreeMap<u32, String> {
    devices.map(|(id, name)| (id, name.to_owned())).collect()
}

/// Adds the detached and the attached devices to `changes`, and replaces `old` by `new`.
fn compare_devices<'a>(
    old: &mut BTreeMap<u32, String>,
    new: impl ExactSizeIterator<Item = (u32, &'a str)> + Clone,
    attached: fn(Device) -> Change,
    detached: fn(Device) -> Change,
    changes: &mut Vec<Change>,
) {
    let is_known = |(id, name)| old.get(&id).is_some_and(|old| *old == name);
    // As in nearly all samples; nothing is copied.
    if new.len() == old.len() && new.clone().all(is_known) {
        return;
    }
    let new = names(new);
    let device = |(&id, device): (&u32, &String)| Device {
        id,
        device: device.clone(),
    };
    let gone = old.iter().filter(|(id, _)| !new.contains_key(id));
    changes.extend(gone.map(device).map(detached));
    let added = new.iter().filter(|(id, _)| !old.contains_key(id));
    changes.extend(added.map(device).map(attached));
    *old = new;
}
