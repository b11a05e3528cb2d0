//! From one look to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Change, Device, Event};
use crate::snapshot::{Boot, Disk, DomId, Domain, Identity, Nic, Note, ShutdownReason, Snapshot};

/// How long a domain that shut down to reboot may take to come again, from the last thing that
/// happened to it on, in nanoseconds. What happened is told one by one when it does not.
const REBOOT_NS: u64 = 10_000_000_000;

/// What is known of the domains so far. It grows with the domains that there are, not with time.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The boot that the last look was at; `None` before the first.
    boot: Option<Boot>,
    blind: bool,
    domains: BTreeMap<Identity, Life>,
    /// Domains that shut down to reboot, and all that was seen of it.
    rebooting: BTreeMap<Identity, Reboot>,
}

/// A domain as it was last seen.
#[derive(Clone, Debug)]
struct Life {
    name: Option<Arc<str>>,
    paused: bool,
    shutdown: Option<ShutdownReason>,
    /// It is dead, and holds something still.
    dead: bool,
    /// What it had when it ran first, or had last after that; `None` before.
    size: Option<Size>,
    nics: BTreeMap<u32, String>,
    disks: BTreeMap<u32, String>,
    /// It comes again after a reboot, and has not run since.
    returning: bool,
}

#[derive(Clone, Copy, Debug)]
struct Size {
    vcpus: u32,
    target: Option<u64>,
    max: Option<u64>,
}

#[derive(Clone, Debug)]
struct Reboot {
    /// When something was seen of it last, on the snapshots' clock.
    last_ns: u64,
    events: Vec<Event>,
    life: Life,
}

impl History {
    /// What happened between the last look and this one. The first at each boot of the host tells
    /// what exists.
    pub fn look(&mut self, snapshot: &Snapshot) -> Vec<Event> {
        let mut events = Vec::new();
        if self.boot.is_some_and(|boot| !boot.is_same(&snapshot.boot)) {
            events = std::mem::take(self).end_of_boot(snapshot);
        }
        self.look_at_store(snapshot, &mut events);
        let there: BTreeSet<Identity> = snapshot.domains.iter().map(Domain::identity).collect();
        let gone: Vec<Identity> = self.domains.keys().copied().collect();
        for identity in gone {
            if !there.contains(&identity)
                && let Some(life) = self.domains.remove(&identity)
                && !life.dead
            {
                let destroyed = life.event(snapshot.time, identity, Change::Destroyed);
                self.tell(identity, &life, vec![destroyed], snapshot, &mut events);
            }
        }
        for domain in &snapshot.domains {
            self.look_at(domain, snapshot, &mut events);
        }
        self.give_up_reboots(snapshot.stamp.at_ns, &mut events);
        self.boot = Some(snapshot.boot);
        events
    }

    /// Tells that all domains went, and that the host booted: this is the first look at its new boot.
    fn end_of_boot(self, snapshot: &Snapshot) -> Vec<Event> {
        let time = snapshot.time;
        // No domain comes again under a new id any more.
        let mut events: Vec<Event> = self
            .rebooting
            .into_values()
            .flat_map(|reboot| reboot.events)
            .collect();
        let left = self.domains.into_iter().filter(|(_, life)| !life.dead);
        events.extend(left.map(|(identity, life)| life.event(time, identity, Change::Destroyed)));
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

    fn look_at_store(&mut self, snapshot: &Snapshot, events: &mut Vec<Event>) {
        let mut blind = false;
        for note in &snapshot.notes {
            let change = match note {
                Note::XenstoreStale { why, .. } => {
                    blind = true;
                    if self.blind {
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
        self.blind = blind;
    }

    fn look_at(&mut self, domain: &Domain, snapshot: &Snapshot, events: &mut Vec<Event>) {
        let identity = domain.identity();
        let mut seen = Vec::new();
        let mut life = match self.domains.remove(&identity) {
            Some(life) => life,
            None if self.boot.is_none() => {
                let life = Life::at_first_look(domain);
                if !life.dead {
                    seen.push(life.event(snapshot.time, identity, Change::Existing));
                }
                life
            }
            None => match self.take_rebooted(identity) {
                Some((old_id, life)) => {
                    seen.push(life.event(snapshot.time, identity, Change::Rebooted { old_id }));
                    life
                }
                None => {
                    let mut life = Life::created();
                    life.name.clone_from(&domain.name);
                    seen.push(life.event(snapshot.time, identity, Change::Created));
                    life.name = None;
                    life
                }
            },
        };
        if !life.dead {
            for change in life.changes(domain) {
                seen.push(life.event(snapshot.time, identity, change));
            }
        }
        self.tell(identity, &life, seen, snapshot, events);
        self.domains.insert(identity, life);
    }

    /// Tells what was seen of a domain, or keeps it while the domain may come again.
    fn tell(
        &mut self,
        identity: Identity,
        life: &Life,
        seen: Vec<Event>,
        snapshot: &Snapshot,
        events: &mut Vec<Event>,
    ) {
        let reboots = |event: &Event| {
            let reason = ShutdownReason::Reboot;
            // Without a uuid nothing could tell it when it comes again.
            event.change == Change::Shutdown { reason } && !identity.uuid.is_nil()
        };
        for event in seen {
            let now_ns = snapshot.stamp.at_ns;
            match self.rebooting.get_mut(&identity) {
                Some(reboot) if event.change != Change::Resumed => {
                    reboot.last_ns = now_ns;
                    reboot.events.push(event);
                }
                Some(_) => {
                    // It did not go for the reboot.
                    let reboot = self.rebooting.remove(&identity);
                    events.extend(reboot.into_iter().flat_map(|reboot| reboot.events));
                    events.push(event);
                }
                None if reboots(&event) => {
                    let reboot = Reboot {
                        last_ns: now_ns,
                        events: vec![event],
                        life: life.clone(),
                    };
                    self.rebooting.insert(identity, reboot);
                }
                None => events.push(event),
            }
        }
    }

    /// The reboot that this new domain is the other end of: the id that it had, and what it was.
    fn take_rebooted(&mut self, new: Identity) -> Option<(DomId, Life)> {
        let old = match self.rebooting.contains_key(&new) {
            true => new,
            false => *self.rebooting.keys().find(|old| old.uuid == new.uuid)?,
        };
        let life = self.rebooting.remove(&old)?.life;
        if let Some(old) = self.domains.get_mut(&old) {
            // What is left of it is no news.
            old.dead = true;
        }
        let life = Life {
            paused: false,
            shutdown: None,
            dead: false,
            size: None,
            returning: true,
            ..life
        };
        Some((old.id, life))
    }

    /// Tells what was kept of domains that do not come again.
    fn give_up_reboots(&mut self, now_ns: u64, events: &mut Vec<Event>) {
        self.rebooting.retain(|_, reboot| {
            let hopeful = now_ns.saturating_sub(reboot.last_ns) < REBOOT_NS;
            if !hopeful {
                events.append(&mut reboot.events);
            }
            hopeful
        });
    }
}

impl Life {
    /// A domain that has just been made: bare and paused.
    fn created() -> Self {
        Self {
            name: None,
            paused: true,
            shutdown: None,
            dead: false,
            size: None,
            nics: BTreeMap::new(),
            disks: BTreeMap::new(),
            returning: false,
        }
    }

    fn at_first_look(domain: &Domain) -> Self {
        Self {
            name: domain.name.clone(),
            paused: domain.states.paused,
            shutdown: domain.states.shutdown,
            dead: domain.states.dying,
            size: Some(Size::of(domain)),
            nics: nics(domain.nics.as_deref().unwrap_or_default()),
            disks: disks(domain.disks.as_deref().unwrap_or_default()),
            returning: false,
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

    /// What changed since it was last seen, which is brought up to date.
    fn changes(&mut self, domain: &Domain) -> Vec<Change> {
        let mut changes = Vec::new();
        // A name that goes says that the domain is being taken apart, or nothing at all.
        if let Some(name) = &domain.name
            && self.name.as_ref() != Some(name)
        {
            changes.push(match self.name.replace(name.clone()) {
                Some(old_name) => Change::Renamed { old_name },
                None => Change::Named,
            });
        }
        let runs = !domain.states.paused;
        if self.returning {
            // Its devices come again, and nothing is to be told but what came of it in the end.
            if runs || domain.states.dying {
                self.returning = false;
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
        if !self.returning {
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
            self.dead = true;
            changes.push(Change::Destroyed);
        }
        changes
    }

    fn devices(&mut self, domain: &Domain, changes: &mut Vec<Change>) {
        if let Some(new) = &domain.disks {
            let (came, went) = (Change::DiskAttached, Change::DiskDetached);
            compare(&mut self.disks, disks(new), came, went, changes);
        }
        if let Some(new) = &domain.nics {
            let (came, went) = (Change::NicAttached, Change::NicDetached);
            compare(&mut self.nics, nics(new), came, went, changes);
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
            // Not known is not another one.
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

/// Tells which devices went and which came, and makes `old` the new ones.
fn compare(
    old: &mut BTreeMap<u32, String>,
    new: BTreeMap<u32, String>,
    came: fn(Device) -> Change,
    went: fn(Device) -> Change,
    changes: &mut Vec<Change>,
) {
    let device = |(&id, device): (&u32, &String)| Device {
        id,
        device: device.clone(),
    };
    let gone = old.iter().filter(|(id, _)| !new.contains_key(id));
    changes.extend(gone.map(device).map(went));
    let there = new.iter().filter(|(id, _)| !old.contains_key(id));
    changes.extend(there.map(device).map(came));
    *old = new;
}
