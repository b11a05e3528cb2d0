//! Selects the events of some domains.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Change, Event};
use crate::selector::Selector;
use crate::snapshot::Identity;

/// Passes the events of selected domains.
///
/// A domain that matched once is followed to its end, even under another name.
///
/// ```
/// use xenscope::events::{Change, Event, Filter};
/// use xenscope::snapshot::{DomId, Identity};
///
/// let event = |id, name: &str| Event {
///     time: jiff::Timestamp::UNIX_EPOCH,
///     domain: Some(Identity { id: DomId(id), uuid: Default::default() }),
///     name: Some(name.into()),
///     change: Change::Paused,
/// };
/// let mut filter = Filter::new(vec!["web".parse()?]);
/// let passed = filter.pass(vec![event(5, "web"), event(6, "db")]);
/// assert_eq!(passed, [event(5, "web")]);
/// # Ok::<(), xenscope::selector::Malformed>(())
/// ```
#[derive(Clone, Debug)]
pub struct Filter {
    wanted: Vec<Selector>,
    followed: BTreeSet<Identity>,
    /// The creation of domains whose name is unknown.
    nameless: BTreeMap<Identity, Event>,
}

impl Filter {
    /// Passes the events of domains that match one of these selectors; all events if there are
    /// none.
    pub fn new(wanted: Vec<Selector>) -> Self {
        Self {
            wanted,
            followed: BTreeSet::new(),
            nameless: BTreeMap::new(),
        }
    }

    /// Returns the events that pass, in their order.
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
            // A domain that reboots is followed under its new ID.
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
            let is_end = event.change == Change::Destroyed;
            if self.followed.contains(&domain) {
                passed.extend(created);
                passed.push(event);
                if is_end {
                    self.followed.remove(&domain);
                }
            } else if event.name.is_none() && !is_end {
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
