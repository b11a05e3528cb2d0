//! What was measured lately, for charts.

use std::collections::{HashMap, VecDeque};

use super::cells;
use crate::rates::{DomainRates, Rates};
use crate::snapshot::{Domain, Identity, Snapshot};

/// How many samples are kept.
const KEPT: usize = 120;

/// The last values of one figure, the newest at the end; `None` where one was not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ring(VecDeque<Option<f32>>);

impl Ring {
    fn push(&mut self, value: Option<f64>) {
        // Before the first figure there is nothing to be unknown.
        if value.is_none() && self.0.is_empty() {
            return;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(value.map(|value| value as f32));
    }

    /// The newest `count` values, from the older to the newer.
    pub(super) fn last(
        &self,
        count: usize,
    ) -> impl ExactSizeIterator<Item = Option<f32>> + Clone + '_ {
        self.0
            .iter()
            .skip(self.0.len().saturating_sub(count))
            .copied()
    }
}

/// The histories of one domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct History {
    /// CPU use in per cent of one pCPU.
    pub(super) cpu: Ring,
    /// Bytes of memory.
    pub(super) memory: Ring,
    /// Bytes per second to and from its disks.
    pub(super) disk: Ring,
    /// Bytes per second through its NICs.
    pub(super) net: Ring,
    /// The number of the sample that saw the domain last.
    seen: u64,
}

impl History {
    fn push(&mut self, domain: &Domain, rates: &DomainRates) {
        let value = |figure: Option<crate::rates::Rate>| figure.map(|figure| figure.value);
        self.cpu.push(value(rates.cpu_percent));
        self.memory.push(Some(domain.memory_bytes as f64));
        self.disk.push(value(cells::disk_bytes(domain, rates)));
        self.net.push(value(cells::net_bytes(domain, rates)));
    }
}

/// The histories of the host and of all domains that there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histories {
    /// Use of all pCPUs together in per cent.
    pub(super) cpu: Ring,
    domains: HashMap<Identity, History>,
    samples: u64,
}

impl Histories {
    /// Adds a sample, and forgets the domains that are gone.
    pub(super) fn push(&mut self, snapshot: &Snapshot, rates: &Rates) {
        self.samples += 1;
        self.cpu
            .push(rates.host.cpu_percent.map(|figure| figure.value));
        for (domain, rates) in snapshot.domains.iter().zip(&rates.domains) {
            let history = self.domains.entry(domain.identity()).or_default();
            history.seen = self.samples;
            history.push(domain, rates);
        }
        self.domains
            .retain(|_, history| history.seen == self.samples);
    }

    /// The histories of this domain; `None` when there is no such domain.
    pub(super) fn of(&self, identity: Identity) -> Option<&History> {
        self.domains.get(&identity)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{SECOND, domain, snapshot};

    #[test]
    fn a_ring_keeps_the_newest_and_starts_with_a_figure() {
        let mut ring = Ring::default();
        ring.push(None);
        assert_eq!(ring.last(9).len(), 0);
        for value in 0..200 {
            ring.push(Some(f64::from(value)));
        }
        ring.push(None);
        assert_eq!(ring.0.len(), KEPT);
        let last: Vec<_> = ring.last(2).collect();
        assert_eq!(last, [Some(199.0), None]);
    }

    #[test]
    fn a_domain_that_is_gone_is_forgotten() {
        let mut histories = Histories::default();
        let mut take = |domains| {
            let new = snapshot(SECOND, 0, domains);
            histories.push(&new, &Rates::between(None, &new));
            histories.domains.len()
        };
        assert_eq!(take(vec![domain(1, "a", 0, 0), domain(2, "b", 0, 0)]), 2);
        assert_eq!(take(vec![domain(2, "b", 0, 0)]), 1);
        let left = histories
            .of(domain(2, "b", 0, 0).identity())
            .unwrap()
            .clone();
        assert_eq!(left.memory.last(9).len(), 2);
    }
}
