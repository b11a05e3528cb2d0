//! The figures of an interval, from the two snapshots around it. They have no single waits and no moves.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{DomainWaits, Occupant, Shares, VcpuWaits, WaitedFor, Waits};
use crate::rates::{Rate, Rates, StateRates};
use crate::runstate::IDLE;
use crate::sample::{DomainSample, Sample, VcpuSample};
use crate::snapshot::{DomId, Identity, Snapshot};

/// Snapshots of one trace, from the first to the last.
#[derive(Clone, Debug)]
pub struct Stretch {
    first: Arc<Snapshot>,
    last: Arc<Snapshot>,
    /// The longest wait of each vCPU since the first one.
    longest: BTreeMap<(Identity, u32), u64>,
}

impl Stretch {
    /// Begins with this snapshot.
    pub fn new(first: Arc<Snapshot>) -> Self {
        Self {
            last: Arc::clone(&first),
            first,
            longest: BTreeMap::new(),
        }
    }

    /// Adds the next snapshot. One of another trace, or of none, begins a new stretch if it is traced, and is left out if not.
    pub fn add(&mut self, next: Arc<Snapshot>) {
        let begin = |snapshot: &Snapshot| Some((snapshot.boot, snapshot.host.trace?.begin_ns));
        let is_same = match (begin(&self.last), begin(&next)) {
            (_, None) => return,
            (Some((boot, at)), Some((next_boot, next_at))) => {
                boot.is_same(&next_boot) && at == next_at
            }
            (None, Some(_)) => false,
        };
        if !is_same {
            *self = Self::new(next);
            return;
        }
        for domain in &next.domains {
            for vcpu in domain.vcpus.iter().flatten() {
                if let Some(times) = vcpu.state_times {
                    let key = (domain.identity(), vcpu.id);
                    let longest = self.longest.entry(key).or_default();
                    *longest = times.longest_wait_ns.max(*longest);
                }
            }
        }
        self.last = next;
    }

    /// Returns the last snapshot.
    pub fn last(&self) -> &Snapshot {
        &self.last
    }

    /// Returns the figures of the domains in the last snapshot, or of those in `only`; `None` without two snapshots of
    /// one trace.
    pub fn waits(&self, only: Option<&[Identity]>) -> Option<Waits> {
        let (was, is) = (self.first.host.trace?, self.last.host.trace?);
        let interval_ns = is
            .elapsed_ns
            .checked_sub(was.elapsed_ns)
            .filter(|&ns| ns > 0)?;
        let rates = &Rates::between(Some(&self.first), &self.last);
        let snapshot = &*self.last;
        let sample = Sample { snapshot, rates };
        let is_wanted =
            |of: &DomainSample<'_>| only.is_none_or(|only| only.contains(&of.domain.identity()));
        Some(Waits {
            time: snapshot.time,
            interval_ns,
            records: is.records.saturating_sub(was.records),
            lost_ns: is.lost_ns.saturating_sub(was.lost_ns),
            ready_vcpus: rates.host.ready_vcpus.map(|rate| rate.value),
            most_ready_vcpus: None,
            domains: sample
                .domains()
                .filter(is_wanted)
                .map(|of| self.domain(of))
                .collect(),
        })
    }

    fn domain(&self, of: DomainSample<'_>) -> DomainWaits {
        let waited_for = self.waited_for(of);
        let is_alone = of.domain.vcpus_max == 1;
        let vcpus = of.vcpus().map(|vcpus| {
            let one = |vcpu: VcpuSample<'_>| {
                let waited_for = match is_alone {
                    true => waited_for.clone(),
                    false => WaitedFor::default(),
                };
                let longest = self
                    .longest
                    .get(&(of.domain.identity(), vcpu.vcpu.id))
                    .copied();
                of_vcpu(vcpu, waited_for, longest)
            };
            vcpus.map(one).collect()
        });
        DomainWaits {
            id: of.domain.id,
            uuid: of.domain.uuid,
            name: of.domain.name.clone(),
            shares: shares(of.rates.states),
            waited_for,
            vcpus,
        }
    }

    fn waited_for(&self, of: DomainSample<'_>) -> WaitedFor {
        if of.rates.states.ready_percent.is_none() {
            return WaitedFor::default();
        }
        let share = |wanted: DomId| {
            let mut all = of.rates.waited_for.iter();
            all.find(|(id, _)| *id == wanted)
                .map_or(0.0, |(_, percent)| *percent)
        };
        let known: f64 = of.rates.waited_for.iter().map(|(_, percent)| percent).sum();
        let name = |id| {
            let domain = self.last.domain(id).or_else(|| self.first.domain(id));
            domain.and_then(|domain| domain.name.clone())
        };
        let others = of.rates.waited_for.iter().filter(|(id, _)| *id != IDLE);
        let domains = others.map(|&(id, percent)| Occupant {
            id,
            name: name(id),
            percent,
        });
        let has_waited = !of.rates.waited_for.is_empty();
        WaitedFor {
            domains: Some(domains.collect()),
            idle_percent: has_waited.then(|| share(IDLE)),
            unknown_percent: has_waited.then(|| (100.0 - known).max(0.0)),
        }
    }
}

fn value(rate: Option<Rate>) -> Option<f64> {
    rate.map(|rate| rate.value)
}

fn shares(states: StateRates) -> Shares {
    Shares {
        running_percent: value(states.running_percent),
        ready_percent: value(states.ready_percent),
        blocked_percent: value(states.blocked_percent),
        throttled_percent: value(states.throttled_percent),
        offline_percent: value(states.offline_percent),
        unknown_percent: None,
    }
}

fn of_vcpu(of: VcpuSample<'_>, waited_for: WaitedFor, longest_ns: Option<u64>) -> VcpuWaits {
    let states = of.states;
    let waits = value(states.waits_per_second);
    let has_waited = waits.is_some_and(|waits| waits > 0.0);
    // Per cent of a second, in nanoseconds, for each wait.
    let ready_ns = value(states.ready_percent).map(|percent| percent * 1e7);
    let mean = ready_ns.zip(waits).map(|(ready, waits)| ready / waits);
    VcpuWaits {
        id: of.vcpu.id,
        shares: shares(states),
        schedules_per_second: value(states.schedules_per_second),
        moves_per_second: None,
        waits_per_second: waits,
        mean_wait_ns: mean.filter(|_| has_waited),
        p99_wait_ns: None,
        longest_wait_ns: longest_ns.filter(|_| has_waited),
        pcpus: None,
        nodes: None,
        waited_for,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::troubled;

    #[test]
    fn two_snapshots_have_the_shares_between_them() {
        let (old, new) = troubled();
        let mut stretch = Stretch::new(Arc::new(old));
        assert!(stretch.waits(None).is_none());
        stretch.add(Arc::new(new.clone()));
        let waits = stretch.waits(None).unwrap();
        let web = waits
            .domains
            .iter()
            .find(|domain| domain.name.as_deref() == Some("web"))
            .unwrap();
        assert!((web.shares.ready_percent.unwrap() - 30.0).abs() < 0.01);
        let domains = web.waited_for.domains.as_ref().unwrap();
        assert_eq!(domains[0].name.as_deref(), Some("batch"));
        let all = domains[0].percent + web.waited_for.idle_percent.unwrap();
        assert!((all + web.waited_for.unknown_percent.unwrap() - 100.0).abs() < 0.01);
        // Of one domain.
        let only = [new.domains[1].identity()];
        assert_eq!(stretch.waits(Some(&only)).unwrap().domains.len(), 1);
    }

    #[test]
    fn another_trace_begins_anew_and_what_is_not_traced_is_left_out() {
        let (old, new) = troubled();
        let mut stretch = Stretch::new(Arc::new(old.clone()));
        let mut none = new.clone();
        none.host.trace = None;
        stretch.add(Arc::new(none));
        assert_eq!(stretch.last(), &old);
        let mut other = new;
        other.host.trace.as_mut().unwrap().begin_ns += 1;
        stretch.add(Arc::new(other.clone()));
        assert_eq!(stretch.last(), &other);
        assert!(stretch.waits(None).is_none());
    }
}
