//! Compares each snapshot with the state before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::event::{Change, Device, Event};
use crate::snapshot::{Boot, Disk, DomId, Domain, Identity, Nic, Note, ShutdownReason, Snapshot};

/// How long a domain that shut down to reboot may take to be created again, from its last event, in
/// nanoseconds. After that, its events are reported one by one.
const REBOOT_NS: u64 = 10_000_000_000;

/// Finds events by comparing each snapshot with the state before. Its size depends on the number of
/// domains, not on the number of snapshots.
///
/// ```
/// use xenscope::events::{Event, History};
/// use xenscope::snapshot::Snapshot;
///
/// /// Returns what happened from the first snapshot to the last.
/// fn events(snapshots: &[Snapshot]) -> Vec<Event> {
///     let mut history = History::default();
///     let events = snapshots.iter().flat_map(|snapshot| history.update(snapshot));
///     events.collect()
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The boot of the previous snapshot; `None` before the first.
    boot: Option<Boot>,
    xenstore_lost: bool,
    domains: BTreeMap<Identity, LastSeen>,
    /// Domains that shut down to reboot, with their events since then.
    rebooting: BTreeMap<Identity, Reboot>,
}

/// The state in which a domain was last seen.
#[derive(Clone, Debug)]
struct LastSeen {
    name: Option<Arc<str>>,
    paused: bool,
    shutdown: Option<ShutdownReason>,
    /// It is dying, and its end has been reported.
    is_destroyed: bool,
    /// Its vCPUs and memory when it first ran, or later; `None` before it ran.
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
}

#[derive(Clone, Debug)]
struct Reboot {
    /// The time of its last event, by the snapshots' clock.
    last_ns: u64,
    events: Vec<Event>,
    state: LastSeen,
}

impl History {
    /// Returns the events since the previous snapshot. For the first snapshot of each boot of the
    /// host, these are the existing domains.
    pub fn update(&mut self, snapshot: &Snapshot) -> Vec<Event> {
        let mut events = Vec::new();
        if self.boot.is_some_and(|boot| !boot.is_same(&snapshot.boot)) {
            events = std::mem::take(self).end_of_boot(snapshot);
        }
        self.update_xenstore(snapshot, &mut events);
        let existing: BTreeSet<Identity> = snapshot.domains.iter().map(Domain::identity).collect();
        let gone: Vec<Identity> = self.domains.keys().copied().collect();
        for identity in gone {
            if !existing.contains(&identity)
                && let Some(state) = self.domains.remove(&identity)
                && !state.is_destroyed
            {
                let destroyed = state.event(snapshot.time, identity, Change::Destroyed);
                self.report(identity, &state, vec![destroyed], snapshot, &mut events);
            }
        }
        for domain in &snapshot.domains {
            self.update_domain(domain, snapshot, &mut events);
        }
        self.expire_reboots(snapshot.stamp.at_ns, &mut events);
        self.boot = Some(snapshot.boot);
        events
    }

    /// Reports that all domains are destroyed and that the host booted. `snapshot` is the first of
    /// the new boot.
    fn end_of_boot(self, snapshot: &Snapshot) -> Vec<Event> {
        let time = snapshot.time;
        // No domain is created again with a new ID.
        let mut events: Vec<Event> = self
            .rebooting
            .into_values()
            .flat_map(|reboot| reboot.events)
            .collect();
        let left = self
            .domains
            .into_iter()
            .filter(|(_, state)| !state.is_destroyed);
        events.extend(left.map(|(identity, state)| state.event(time, identity, Change::Destroyed)));
        events.push(Event {
            time,
            domain: None,
            name: None,
            change: Change::HostBooted {
                xen_start: snapshot.boot.xen_start,
            },
        });
        events
    }

    fn update_xenstore(&mut self, snapshot: &Snapshot, events: &mut Vec<Event>) {
        let mut is_lost = false;
        for note in &snapshot.notes {
            let change = match note {
                Note::XenstoreStale { why, .. } => {
                    is_lost = true;
                    if self.xenstore_lost {
                        continue;
                    }
                    Change::XenstoreLost { why: why.clone() }
                }
                &Note::XenstoreBack { blind_ns } => Change::XenstoreBack { blind_ns },
                _ => continue,
            };
            events.push(Event {
                time: snapshot.time,
                domain: None,
                name: None,
                change,
            });
        }
        self.xenstore_lost = is_lost;
    }

    fn update_domain(&mut self, domain: &Domain, snapshot: &Snapshot, events: &mut Vec<Event>) {
        let identity = domain.identity();
        let mut new = Vec::new();
        let mut state = match self.domains.remove(&identity) {
            Some(state) => state,
            None if self.boot.is_none() => {
                let state = LastSeen::existing(domain);
                if !state.is_destroyed {
                    new.push(state.event(snapshot.time, identity, Change::Existing));
                }
                state
            }
            None => match self.take_rebooted(identity) {
                Some((old_id, state)) => {
                    new.push(state.event(snapshot.time, identity, Change::Rebooted { old_id }));
                    state
                }
                None => {
                    let mut state = LastSeen::created();
                    state.name.clone_from(&domain.name);
                    new.push(state.event(snapshot.time, identity, Change::Created));
                    state.name = None;
                    state
                }
            },
        };
        if !state.is_destroyed {
            for change in state.changes(domain) {
                new.push(state.event(snapshot.time, identity, change));
            }
        }
        self.report(identity, &state, new, snapshot, events);
        self.domains.insert(identity, state);
    }

    /// Reports a domain's new events, or keeps them while the domain may be created again.
    fn report(
        &mut self,
        identity: Identity,
        state: &LastSeen,
        new: Vec<Event>,
        snapshot: &Snapshot,
        events: &mut Vec<Event>,
    ) {
        let reboots = |event: &Event| {
            let reason = ShutdownReason::Reboot;
            // Without a UUID, the domain cannot be recognised when it is created again.
            event.change == Change::Shutdown { reason } && !identity.uuid.is_nil()
        };
        for event in new {
            let now_ns = snapshot.stamp.at_ns;
            match self.rebooting.get_mut(&identity) {
                Some(reboot) if event.change != Change::Resumed => {
                    reboot.last_ns = now_ns;
                    reboot.events.push(event);
                }
                Some(_) => {
                    // It did not end by the reboot.
                    let reboot = self.rebooting.remove(&identity);
                    events.extend(reboot.into_iter().flat_map(|reboot| reboot.events));
                    events.push(event);
                }
                None if reboots(&event) => {
                    let reboot = Reboot {
                        last_ns: now_ns,
                        events: vec![event],
                        state: state.clone(),
                    };
                    self.rebooting.insert(identity, reboot);
                }
                None => events.push(event),
            }
        }
    }

    /// Returns the reboot that created this domain: its previous ID and its previous state.
    fn take_rebooted(&mut self, created: Identity) -> Option<(DomId, LastSeen)> {
        let old = match self.rebooting.contains_key(&created) {
            true => created,
            false => *self.rebooting.keys().find(|old| old.uuid == created.uuid)?,
        };
        let state = self.rebooting.remove(&old)?.state;
        if let Some(old) = self.domains.get_mut(&old) {
            // The rest of its end is part of the reboot.
            old.is_destroyed = true;
        }
        let state = LastSeen {
            paused: false,
            shutdown: None,
            is_destroyed: false,
            size: None,
            is_restarting: true,
            ..state
        };
        Some((old.id, state))
    }

    /// Reports the events of domains that were not created again in time.
    fn expire_reboots(&mut self, now_ns: u64, events: &mut Vec<Event>) {
        self.rebooting.retain(|_, reboot| {
            let may_return = now_ns.saturating_sub(reboot.last_ns) < REBOOT_NS;
            if !may_return {
                events.append(&mut reboot.events);
            }
            may_return
        });
    }
}

impl LastSeen {
    /// Returns the state of a domain that has just been created: bare and paused.
    fn created() -> Self {
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

    fn existing(domain: &Domain) -> Self {
        Self {
            name: domain.name.clone(),
            paused: domain.states.paused,
            shutdown: domain.states.shutdown,
            is_destroyed: domain.states.dying,
            size: Some(Size::of(domain)),
            nics: nics(domain.nics.as_deref().unwrap_or_default()),
            disks: disks(domain.disks.as_deref().unwrap_or_default()),
            is_restarting: false,
        }
    }

    fn event(&self, time: Timestamp, identity: Identity, change: Change) -> Event {
        Event {
            time,
            domain: Some(identity),
            name: self.name.clone(),
            change,
        }
    }

    /// Returns the changes since the domain was last seen, and updates the state.
    fn changes(&mut self, domain: &Domain) -> Vec<Change> {
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
            compare_devices(&mut self.disks, disks(new), attached, detached, changes);
        }
        if let Some(new) = &domain.nics {
            let (attached, detached) = (Change::NicAttached, Change::NicDetached);
            compare_devices(&mut self.nics, nics(new), attached, detached, changes);
        }
    }
}

impl Size {
    fn of(domain: &Domain) -> Self {
        Self {
            vcpus: domain.vcpus_online,
            target: domain.memory_target_bytes,
            max: domain.memory_max_bytes,
        }
    }

    fn changes(&mut self, domain: &Domain, changes: &mut Vec<Change>) {
        let old = *self;
        *self = Self {
            // An unknown target is not a change.
            target: domain.memory_target_bytes.or(old.target),
            ..Self::of(domain)
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
    }
}

fn nics(nics: &[Nic]) -> BTreeMap<u32, String> {
    nics.iter()
        .map(|nic| (nic.id, nic.device.clone()))
        .collect()
}

fn disks(disks: &[Disk]) -> BTreeMap<u32, String> {
    disks
        .iter()
        .map(|disk| (disk.id, disk.device.clone()))
        .collect()
}

/// Adds the detached and the attached devices to `changes`, and replaces `old` by `new`.
fn compare_devices(
    old: &mut BTreeMap<u32, String>,
    new: BTreeMap<u32, String>,
    attached: fn(Device) -> Change,
    detached: fn(Device) -> Change,
    changes: &mut Vec<Change>,
) {
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
