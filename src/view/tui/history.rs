//! The latest measurements of the host and its domains, for charts.

use std::collections::{HashMap, VecDeque};

use crate::rates::{DomainRates, Rate, Rates};
use crate::snapshot::{DiskCounter, Domain, Identity, NicCounter, Snapshot};

/// The maximum number of samples in a history.
const CAPACITY: usize = 120;

/// The latest values of one figure, the newest last; `None` for an unknown value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ring(VecDeque<Option<f32>>);

impl Ring {
    fn push(&mut self, value: Option<f64>) {
        // A ring starts with its first known value.
        if value.is_none() && self.0.is_empty() {
            return;
        }
        if self.0.len() == CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back(value.map(|value| value as f32));
    }

    /// Returns the mean of the known values; `None` if there are none.
    pub(super) fn mean(&self) -> Option<f64> {
        let known = || self.0.iter().flatten();
        let sum: f64 = known().map(|&value| f64::from(value)).sum();
        let count = known().count();
        (count > 0).then(|| sum / count as f64)
    }

    /// Returns the greatest known value; `None` if there is none.
    pub(super) fn peak(&self) -> Option<f64> {
        let known = self.0.iter().flatten().map(|&value| f64::from(value));
        known.reduce(f64::max)
    }

    /// Returns the newest `count` values, the oldest of them first.
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
    /// The number of the last sample that contained the domain.
    seen: u64,
}

impl History {
    fn push(&mut self, domain: &Domain, rates: &DomainRates) {
        let value = |figure: Option<Rate>| figure.map(|figure| figure.value);
        self.cpu.push(value(rates.cpu_percent));
        self.memory.push(Some(domain.memory_bytes as f64));
        self.disk.push(value(disk_bytes(domain, rates)));
        self.net.push(value(net_bytes(domain, rates)));
    }
}

/// The histories of the host and of all domains of the latest sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histories {
    /// Use of all pCPUs together in per cent.
    pub(super) cpu: Ring,
    domains: HashMap<Identity, History>,
    samples: u64,
}

impl Histories {
    /// Adds a sample, and drops the histories of domains that it does not contain.
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

    /// Returns the histories of this domain; `None` if there is no such domain.
    pub(super) fn of(&self, identity: Identity) -> Option<&History> {
        self.domains.get(&identity)
    }
}

/// Returns the bytes per second, received and sent, of all NICs of a domain.
fn net_bytes(domain: &Domain, rates: &DomainRates) -> Option<Rate> {
    Rate::sum([
        rates.of_nics(domain, NicCounter::RxBytes),
        rates.of_nics(domain, NicCounter::TxBytes),
    ])
}

/// Returns the bytes per second, read and written, of all disks of a domain.
fn disk_bytes(domain: &Domain, rates: &DomainRates) -> Option<Rate> {
    Rate::sum([
        rates.of_disks(domain, DiskCounter::ReadBytes),
        rates.of_disks(domain, DiskCounter::WriteBytes),
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{SECOND, domain, snapshot};

    #[test]
    fn ring_has_the_newest_values() {
        let mut ring = Ring::default();
        ring.push(None);
        assert_eq!(
            (ring.last(9).len(), ring.mean(), ring.peak()),
            (0, None, None)
        );
        for value in 0..200 {
            ring.push(Some(f64::from(value)));
        }
        ring.push(None);
        assert_eq!(ring.0.len(), CAPACITY);
        assert_eq!(ring.peak(), Some(199.0));
        assert!((ring.mean().unwrap() - 140.0).abs() < 0.01);
        let last: Vec<_> = ring.last(2).collect();
        assert_eq!(last, [Some(199.0), None]);
    }

    #[test]
    fn missing_domain_is_dropped() {
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
