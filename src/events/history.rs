//! Compares each snapshot with the state before.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::event::{Change, Event};
use super::last_seen::LastSeen;
use crate::snapshot::{Boot, DomId, Domain, Identity, Note, ShutdownReason, Snapshot};

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
///     let mut events: Vec<Event> = events.collect();
///     events.extend(history.finish());
///     events
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

#[derive(Clone, Debug)]
struct Reboot {
    /// The time of its last event, by the snapshots' clock.
    last_ns: u64,
    events: Vec<Event>,
    state: LastSeen,
}

impl History {
    /// Begins with what there was before the first snapshot of a span of time, so that what that one finds is not lost.
    /// Returns the domains that existed.
    pub fn begin(&mut self, before: &Snapshot) -> Vec<Event> {
        let mut events = self.update(before);
        events.retain(|event| event.change == Change::Existing);
        events
    }

    /// Returns the events since the previous snapshot. For the first snapshot of each boot of the
    /// host, these are the existing domains.
    pub fn update(&mut self, snapshot: &Snapshot) -> Vec<Event> {
        let mut events = Vec::new();
        if self.boot.is_some_and(|boot| !boot.is_same(&snapshot.boot)) {
            events = std::mem::take(self).end_of_boot(snapshot);
        }
        self.update_xenstore(snapshot, &mut events);
        let exists = |identity: &Identity| snapshot.find(*identity).is_some();
        let known = self.domains.keys().copied();
        let gone: Vec<Identity> = known.filter(|identity| !exists(identity)).collect();
        for identity in gone {
            if let Some(state) = self.domains.remove(&identity)
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

    /// Returns when a snapshot reports events that are held back now, in nanoseconds of the
    /// snapshots' clock; `None` if none are.
    pub fn held_until_ns(&self) -> Option<u64> {
        let reboots = self.rebooting.values();
        let expired = reboots.map(|reboot| reboot.last_ns.saturating_add(REBOOT_NS));
        expired.min()
    }

    /// Returns the events that are held back, if no snapshot follows.
    pub fn finish(&mut self) -> Vec<Event> {
        let reboots = std::mem::take(&mut self.rebooting).into_values();
        reboots.flat_map(|reboot| reboot.events).collect()
    }

    /// Reports that all domains are destroyed and that the host booted. `snapshot` is the first of
    /// the new boot.
    fn end_of_boot(mut self, snapshot: &Snapshot) -> Vec<Event> {
        let time = snapshot.time;
        // No domain is created again with a new ID.
        let mut events = self.finish();
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
        if !self.domains.contains_key(&identity) {
            let state = self.first_seen(domain, snapshot.time, &mut new);
            self.domains.insert(identity, state);
        }
        let Some(state) = self.domains.get_mut(&identity) else {
            return;
        };
        if !state.is_destroyed {
            for change in state.changes(domain) {
                new.push(state.event(snapshot.time, identity, change));
            }
        }
        if !new.is_empty() {
            let state = state.clone();
            self.report(identity, &state, new, snapshot, events);
        }
    }

    /// Returns the state to compare a domain with that was not there before, and adds how it came.
    fn first_seen(&mut self, domain: &Domain, time: Timestamp, new: &mut Vec<Event>) -> LastSeen {
        let identity = domain.identity();
        if self.boot.is_none() {
            let state = LastSeen::existing(domain);
            if !state.is_destroyed {
                new.push(state.event(time, identity, Change::Existing));
            }
            return state;
        }
        if let Some((old_id, state)) = self.take_rebooted(identity) {
            new.push(state.event(time, identity, Change::Rebooted { old_id }));
            return state;
        }
        let mut state = LastSeen::created();
        state.name.clone_from(&domain.name);
        new.push(state.event(time, identity, Change::Created));
        state.name = None;
        state
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
        Some((old.id, state.restarting()))
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
