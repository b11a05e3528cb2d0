//! The figures of an interval.

use std::collections::{BTreeMap, BTreeSet};

use super::{DomainWaits, Occupant, Shares, VcpuWaits, WaitedFor, Waits};
use crate::rates::throttled;
use crate::runstate::{IDLE, Times, Traced, VcpuId};
use crate::snapshot::{DomId, Domain, Identity, Snapshot, VcpuState};

/// Two snapshots around an interval, and what was traced in it.
struct Interval<'a> {
    traced: &'a Traced,
    before: &'a Snapshot,
    after: &'a Snapshot,
}

impl Waits {
    /// Puts together what a trace found about the domains in `after`, or about those in `only`. `before` is a
    /// snapshot from the begin of the interval.
    pub fn new(
        traced: &Traced,
        before: &Snapshot,
        after: &Snapshot,
        only: Option<&[Identity]>,
    ) -> Self {
        let interval = Interval {
            traced,
            before,
            after,
        };
        let is_wanted =
            |domain: &&Domain| only.is_none_or(|only| only.contains(&domain.identity()));
        let guests = traced.vcpus.iter().filter(|(id, _)| !id.is_idle());
        let ready =
            guests.map(|(_, times)| times.states.is_known().then_some(times.states.ready_ns));
        let ready: Option<u128> = ready.map(|ns| ns.map(u128::from)).sum();
        Self {
            time: after.time,
            interval_ns: traced.interval_ns,
            records: traced.records,
            lost_ns: traced
                .lost_ns
                .values()
                .fold(0, |sum, ns| sum.saturating_add(*ns)),
            most_ready_vcpus: traced.most_ready,
            ready_vcpus: ready.and_then(|ns| part(ns as f64, traced.interval_ns)),
            domains: after
                .domains
                .iter()
                .filter(is_wanted)
                .map(|domain| interval.domain(domain))
                .collect(),
        }
    }
}

impl Interval<'_> {
    fn domain(&self, domain: &Domain) -> DomainWaits {
        // Of an ID that was reused, it is not known whose times they are.
        let earlier = self.before.domain(domain.id);
        let is_same = earlier.is_none_or(|earlier| earlier.identity() == domain.identity());
        let vcpus = domain.vcpus.iter().flatten().filter(|_| is_same);
        let mut all = Vec::new();
        let mut sum = Times::default();
        let mut throttled = Some(0.0);
        let mut is_known = domain.vcpus.is_some() && is_same;
        for vcpu in vcpus {
            let id = VcpuId {
                domain: domain.id,
                number: vcpu.id,
            };
            // A vCPU without a record that was not there before has done nothing yet.
            let none = Times::default();
            let times = self.traced.vcpus.get(&id).unwrap_or(&none);
            let shares = self.shares(times, self.throttled(domain, earlier, vcpu.id, times));
            throttled = throttled
                .zip(shares.throttled_percent)
                .map(|(sum, one)| sum + one);
            is_known &= times.states.is_known();
            sum.states.add(&times.states);
            for (&domain, ns) in &times.waited_for_ns {
                add(sum.waited_for_ns.entry(domain).or_default(), *ns);
            }
            all.push(self.vcpu(vcpu.id, shares, times));
        }
        let percent = |ns: u64| self.percent(ns).filter(|_| is_known);
        DomainWaits {
            id: domain.id,
            uuid: domain.uuid,
            name: domain.name.clone(),
            shares: Shares {
                running_percent: percent(sum.states.running_ns),
                ready_percent: percent(sum.states.ready_ns),
                blocked_percent: percent(sum.states.blocked_ns),
                throttled_percent: throttled.filter(|_| is_known),
                offline_percent: percent(sum.states.offline_ns),
                unknown_percent: self
                    .percent(sum.states.unknown_ns)
                    .filter(|_| sum.states.total_ns() > 0),
            },
            waited_for: self.waited_for(&sum, is_known),
            measured_ns: match is_known {
                true => self.traced.interval_ns,
                false => 0,
            },
            vcpus: (domain.vcpus.is_some() && is_same).then_some(all),
        }
    }

    fn vcpu(&self, id: u32, shares: Shares, times: &Times) -> VcpuWaits {
        let is_known = times.states.is_known();
        let per_second =
            |count: u64| part(count as f64 * 1e9, self.traced.interval_ns).filter(|_| is_known);
        let states = &times.states;
        let has_waited = is_known && states.waits > 0;
        let pcpus: Vec<u32> = times.ran_on.iter().copied().collect();
        VcpuWaits {
            id,
            shares,
            schedules_per_second: per_second(times.states.schedules),
            moves_per_second: per_second(times.moves),
            waits_per_second: per_second(states.waits),
            mean_wait_ns: has_waited.then(|| times.states.ready_ns as f64 / states.waits as f64),
            p99_wait_ns: times.wait_quantile_ns(0.99).filter(|_| has_waited),
            longest_wait_ns: has_waited.then_some(states.longest_wait_ns),
            nodes: self.nodes(&pcpus).filter(|_| is_known),
            pcpus: is_known.then_some(pcpus),
            waited_for: self.waited_for(times, is_known),
        }
    }

    /// Returns the nodes of these pCPUs; `None` if one is unknown.
    fn nodes(&self, pcpus: &[u32]) -> Option<Vec<u32>> {
        let node = |&pcpu: &u32| self.after.host.pcpu.get(pcpu as usize)?.node;
        let nodes: Option<BTreeSet<u32>> = pcpus.iter().map(node).collect();
        Some(nodes?.into_iter().collect())
    }

    fn shares(&self, times: &Times, throttled_ns: Option<u64>) -> Shares {
        let percent = |ns: u64| self.percent(ns).filter(|_| times.states.is_known());
        Shares {
            running_percent: percent(times.states.running_ns),
            ready_percent: percent(times.states.ready_ns),
            blocked_percent: percent(times.states.blocked_ns),
            throttled_percent: throttled_ns.and_then(percent),
            offline_percent: percent(times.states.offline_ns),
            unknown_percent: self
                .percent(times.states.unknown_ns)
                .filter(|_| times.states.total_ns() > 0),
        }
    }

    /// Returns for how long a vCPU was throttled; `None` if that is unknown.
    fn throttled(
        &self,
        domain: &Domain,
        earlier: Option<&Domain>,
        id: u32,
        times: &Times,
    ) -> Option<u64> {
        let is_online = |domain: &Domain| {
            let mut vcpus = domain.vcpus.iter().flatten();
            let vcpu = vcpus.find(|vcpu| vcpu.id == id)?;
            Some(vcpu.state != VcpuState::Offline)
        };
        let before = earlier.unwrap_or(domain);
        let online = (earlier.and_then(is_online), is_online(domain));
        throttled((before, domain), online, times.states.offline_ns)
    }

    fn waited_for(&self, times: &Times, is_known: bool) -> WaitedFor {
        if !is_known || times.states.ready_ns == 0 {
            return WaitedFor {
                domains: is_known.then(Vec::new),
                ..WaitedFor::default()
            };
        }
        let percent = |ns: u64| ns as f64 * 100.0 / times.states.ready_ns as f64;
        let name = |id| {
            let domain = self.after.domain(id).or_else(|| self.before.domain(id));
            domain.and_then(|domain| domain.name.clone())
        };
        let by_domain: &BTreeMap<DomId, u64> = &times.waited_for_ns;
        let known = by_domain
            .values()
            .fold(0, |sum: u64, ns| sum.saturating_add(*ns));
        let others = by_domain.iter().filter(|(id, _)| **id != IDLE);
        let mut domains: Vec<Occupant> = others
            .map(|(&id, &ns)| Occupant {
                id,
                name: name(id),
                percent: percent(ns),
            })
            .collect();
        domains.sort_by(|one, other| other.percent.total_cmp(&one.percent));
        WaitedFor {
            domains: Some(domains),
            idle_percent: Some(percent(by_domain.get(&IDLE).copied().unwrap_or(0))),
            unknown_percent: Some(percent(times.states.ready_ns.saturating_sub(known))),
        }
    }

    /// Returns a time in per cent of the interval; `None` if that is empty.
    fn percent(&self, ns: u64) -> Option<f64> {
        part(ns as f64 * 100.0, self.traced.interval_ns)
    }
}

/// Adds to a sum over vCPUs, which a damaged record may make very long.
fn add(sum: &mut u64, ns: u64) {
    *sum = sum.saturating_add(ns);
}

/// Returns `amount` per nanosecond of the interval; `None` if that is empty.
fn part(amount: f64, interval_ns: u64) -> Option<f64> {
    (interval_ns > 0).then(|| amount / interval_ns as f64)
}
