//! For whom a domain waited over a time.

use std::collections::BTreeMap;

use crate::snapshot::{DomId, Domain, Identity, Snapshot};

/// Nanoseconds that a domain's vCPUs waited, and for whom. `K` tells the domains that had the pCPUs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WaitedNs<K> {
    all: f64,
    by_occupant: BTreeMap<K, f64>,
}

impl<K> Default for WaitedNs<K> {
    fn default() -> Self {
        Self {
            all: 0.0,
            by_occupant: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Copy> WaitedNs<K> {
    /// Adds the time that it was ready, and whose part of that is how many per cent.
    pub(crate) fn add(&mut self, ready_ns: f64, waited_for: impl IntoIterator<Item = (K, f64)>) {
        self.all += ready_ns;
        for (occupant, percent) in waited_for {
            *self.by_occupant.entry(occupant).or_default() += percent / 100.0 * ready_ns;
        }
    }

    /// Returns whether it did not wait.
    pub(crate) fn is_zero(&self) -> bool {
        self.all <= 0.0
    }

    /// Returns for whom it waited, the longest first, in per cent of the time that it waited; nothing if it did not.
    pub(crate) fn percents(&self) -> Vec<(K, f64)> {
        let parts = self.by_occupant.iter().filter(|_| !self.is_zero());
        let mut percents: Vec<(K, f64)> = parts
            .map(|(&occupant, ns)| (occupant, ns * 100.0 / self.all))
            .collect();
        percents.sort_by(|one, other| other.1.total_cmp(&one.1));
        percents
    }
}

/// Returns the domain that had an ID between two snapshots; without a UUID if it is in neither.
pub(crate) fn occupant(id: DomId, older: &Snapshot, newer: &Snapshot) -> Identity {
    let domain = newer.domain(id).or_else(|| older.domain(id));
    let unknown = Identity {
        id,
        uuid: uuid::Uuid::nil(),
    };
    domain.map_or(unknown, Domain::identity)
}
