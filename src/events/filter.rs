//! The events of the domains that were asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Event};
use crate::selector::Selector;
use crate::snapshot::Identity;

/// Lets the events of some domains pass, from the time on at which they fit.
///
/// A domain that fitted once is followed to its end, under whatever name.
#[derive(Clone, Debug)]
pub struct Filter {
    wanted: Vec<Selector>,
    followed: BTreeSet<Identity>,
    /// That domains came of which no name is known yet.
    nameless: BTreeMap<Identity, Event>,
}

impl Filter {
    /// Lets the events of domains pass that fit one of these; all events when there is none.
    pub fn new(wanted: Vec<Selector>) -> Self {
        Self {
            wanted,
            followed: BTreeSet::new(),
            nameless: BTreeMap::new(),
        }
    }

    /// What passes of these events, in their order.
    pub fn pass(&mut self, events: Vec<Event>) -> Vec<Event> {
        if self.wanted.is_empty() {
            return events;
        }
        let mut passed = Vec::new();
        for event in events {
            let Some(domain) = event.domain else {
                passed.push(event);
                continue;
            };
            let name = event.name.as_deref();
            // Who reboots is followed under its new id.
            let before = match event.change {
                Change::Rebooted { old_id } => Some(Identity {
                    id: old_id,
                    ..domain
                }),
                _ => None,
            };
            if before.is_some_and(|before| self.followed.remove(&before))
                || self
                    .wanted
                    .iter()
                    .any(|wanted| wanted.matches(domain, name))
            {
                self.followed.insert(domain);
            }
            let created = self.nameless.remove(&domain);
            let over = event.change == Change::Destroyed;
            if self.followed.contains(&domain) {
                passed.extend(created);
                passed.push(event);
                if over {
                    self.followed.remove(&domain);
                }
            } else if event.name.is_none() && !over {
                let first = match event.change {
                    Change::Created => Some(event),
                    _ => created,
                };
                self.nameless.extend(first.map(|first| (domain, first)));
            }
        }
        passed
    }
}
