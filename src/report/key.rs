//! What tells domains from each other.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::snapshot::{DomId, Domain, Identity};

/// What tells a domain from others, also after a reboot. Domains whose UUID is zero have only their IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Uuid, Option<DomId>);

impl Key {
    /// Returns the key of a domain. Two with one UUID have the same, as while one moves within the host.
    pub(super) fn of(Identity { id, uuid }: Identity) -> Self {
        Self(uuid, uuid.is_nil().then_some(id))
    }

    /// Returns the key of a domain in a sample with these other ones. Of two with one UUID, the second has its ID.
    pub(super) fn among(domain: &Domain, others: &mut BTreeSet<Self>) -> Self {
        // XAPI overwrites the UUID of a domain before it destroys it.
        let key = Self::of(domain.identity());
        match others.insert(key) {
            true => key,
            false => Self(key.0, Some(domain.id)),
        }
    }
}
