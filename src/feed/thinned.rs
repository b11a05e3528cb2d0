//! Some of the recorded snapshots, a time apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::pair::Pair;
use crate::rates::{Rates, Start, devices_go_on};
use crate::snapshot::{DomId, Snapshot};

/// Passes a pair on only if so much time has passed since the one before.
pub struct Thinned {
    every_ns: u64,
    /// The newer snapshot of the pair that was passed on last.
    before: Option<Arc<Snapshot>>,
    /// The last one since then, with the longest waits of all of them.
    left_out: Option<Arc<Snapshot>>,
    /// The domains that are there now, and of which something began since the pair that was passed on last.
    starts: BTreeMap<DomId, Start>,
    /// Those of them that are new themselves.
    new: BTreeSet<DomId>,
    /// How many domains were new, and are gone without a pair that was passed on.
    missed: usize,
}

impl Thinned {
    /// Passes on the first pair, and each that is at least so much later than the one before.
    pub fn new(every: Duration) -> Self {
        Self {
            every_ns: u64::try_from(every.as_nanos()).unwrap_or(u64::MAX),
            before: None,
            left_out: None,
            starts: BTreeMap::new(),
            new: BTreeSet::new(),
            missed: 0,
        }
    }

    /// Returns the next pair, whose older snapshot is the newer one of the pair before, and its rates; `None` if too
    /// little time has passed since that. The first pair of each boot is returned as it is. The rates of a domain that
    /// was not there before are since its first snapshot, and those of a device that was not, or was reset, since then.
    pub fn pass(&mut self, pair: Pair) -> Option<(Pair, Rates)> {
        let Pair { older, mut newer } = pair;
        // Of two boots that are unknown, only the clock tells.
        let follows = |before: &Snapshot| {
            before.boot.is_same(&newer.boot) && before.stamp.at_ns < newer.stamp.at_ns
        };
        let Some(before) = self.before.take_if(|before| follows(before)) else {
            self.missed += self.new.len();
            self.passed_on(&newer);
            let pair = Pair { older, newer };
            let rates = pair.rates();
            return Some((pair, rates));
        };
        let left_out = self.left_out.take();
        self.find_starts(&before, left_out.as_deref().unwrap_or(&before), &newer);
        if let Some(left_out) = left_out
            && newer.host.trace.is_some()
        {
            Arc::make_mut(&mut newer).keep_longest_waits(&left_out);
        }
        let since = |older: &Snapshot| newer.stamp.at_ns.saturating_sub(older.stamp.at_ns);
        // Samples are taken a little early or late.
        let early = older.as_deref().map_or(0, since) / 10;
        if since(&before).saturating_add(early) < self.every_ns {
            (self.before, self.left_out) = (Some(before), Some(newer));
            return None;
        }
        let rates = Rates::since(Some(&before), &newer, &self.starts);
        self.passed_on(&newer);
        let older = Some(before);
        Some((Pair { older, newer }, rates))
    }

    /// Returns how many domains were in no pair that was passed on, because they came after one and were gone before
    /// the next, or because there was none after they came.
    pub fn missed(&self) -> usize {
        self.missed + self.new.len()
    }

    fn passed_on(&mut self, newer: &Arc<Snapshot>) {
        (self.before, self.left_out) = (Some(Arc::clone(newer)), None);
        self.starts.clear();
        self.new.clear();
    }

    /// Finds what began between the last snapshot and this one. `before` is the one that was passed on.
    fn find_starts(&mut self, before: &Snapshot, last: &Snapshot, newer: &Snapshot) {
        for domain in &last.domains {
            let now = newer.find(domain.identity());
            if !now.is_some_and(|now| now.goes_on_from(domain)) {
                self.starts.remove(&domain.id);
                self.missed += usize::from(self.new.remove(&domain.id));
            }
        }
        for domain in &newer.domains {
            let was = last.find(domain.identity());
            let Some(was) = was.filter(|was| domain.goes_on_from(was)) else {
                self.starts.insert(domain.id, Start::new(domain, newer));
                self.new.insert(domain.id);
                continue;
            };
            if devices_go_on(was, domain) {
                continue;
            }
            let start = self.starts.entry(domain.id).or_insert_with(|| {
                let first = before.find(domain.identity()).unwrap_or(was);
                Start::new(first, before)
            });
            start.restart_devices(was, domain);
        }
    }
}

#[cfg(test)]
mod starts;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{Feed, Recorded};
    use super::*;
    use crate::fixtures::{SECOND, boot, domain, snapshot, troubled};

    /// Returns the seconds of the pairs that are passed on.
    fn passed(every: f64, snapshots: Vec<Snapshot>) -> Vec<(Option<u64>, u64)> {
        let mut feed = Recorded::new(snapshots);
        let mut thinned = Thinned::new(Duration::from_secs_f64(every));
        let second = |snapshot: &Snapshot| snapshot.stamp.at_ns.div_ceil(SECOND);
        let mut all = Vec::new();
        while let Some(pair) = feed.next().unwrap() {
            let pair = thinned.pass(pair);
            all.extend(
                pair.map(|(pair, _)| (pair.older.as_deref().map(second), second(&pair.newer))),
            );
        }
        all
    }

    #[test]
    fn rates_are_since_the_pair_that_was_passed_on_before() {
        let at = |at_ns| snapshot(at_ns, 0, vec![domain(0, "Domain-0", at_ns, 0)]);
        // Every other one is a little early.
        let all = |last| (1..=last).map(|second| at(second * SECOND - second % 2 * 1000));
        let thinned = [(None, 1), (Some(1), 4), (Some(4), 7)];
        assert_eq!(passed(3.0, all(8).collect()), thinned);
        assert_eq!(
            passed(1.0, all(3).collect()),
            [(None, 1), (Some(1), 2), (Some(2), 3)]
        );
        assert_eq!(passed(3600.0, all(8).collect()), [(None, 1)]);
        let rebooted = all(3).map(|one| Snapshot {
            boot: boot(9),
            ..one
        });
        let expected = [(None, 1), (Some(1), 3), (None, 1), (Some(1), 3)];
        assert_eq!(passed(1.5, all(4).chain(rebooted).collect()), expected);
    }

    #[test]
    fn the_longest_wait_is_told_though_its_sample_is_left_out() {
        let (old, new) = troubled();
        let at = |second: u64, longest_ns| {
            let mut snapshot = new.clone();
            snapshot.stamp.at_ns = second * SECOND;
            let times = snapshot.domains[1].state_times.as_mut().unwrap();
            times.longest_wait_ns = longest_ns;
            Arc::new(snapshot)
        };
        let mut thinned = Thinned::new(Duration::from_secs(5));
        let mut pass = |newer| {
            let (pair, _) = thinned.pass(Pair { older: None, newer })?;
            Some(pair.newer.domains[1].state_times?.longest_wait_ns)
        };
        assert_eq!(pass(Arc::new(old)), Some(0));
        assert_eq!(
            [(3, 9), (4, 7)].map(|(second, ns)| pass(at(second, ns))),
            [None; 2]
        );
        assert_eq!(pass(at(6, 5)), Some(9));
        assert_eq!(pass(at(11, 4)), Some(4));
    }
}
