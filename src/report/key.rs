//! What tells domains from each other.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::snapshot::{DomId, Domain};

/// What tells a domain from others, also after a reboot. Domains whose UUID is zero have only their IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Uuid, Option<DomId>);

impl Key {
    /// Returns the key of a domain in a sample with these other ones. Of two with one UUID, as while one moves within
    /// the host, the second has its ID.
    pub(super) fn of(domain: &Domain, others: &mut BTreeSet<Self>) -> Self {
        // XAPI overwrites the UUID of a domain before it destroys it.
        let uuid = domain.identity().uuid;
        let key = Self(uuid, uuid.is_nil().then_some(domain.id));
        match others.insert(key) {
            true => key,
            false => Self(uuid, Some(domain.id)),
        }
    }
}
