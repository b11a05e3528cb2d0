//! The figures of a span of snapshots: sums over each two that follow each other in one trace. They have no single waits
//! and no moves.

mod sums;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::sums::{DomainSums, Mean};
use super::waited_ns::occupant;
use super::{DomainWaits, Occupant, WaitedFor, Waits};
use crate::rates::Rates;
use crate::runstate::IDLE;
use crate::sample::Sample;
use crate::snapshot::{DomId, Domain, Identity, Snapshot};

/// Adds up what domains did in a span. Its size depends on the number of domains, not on the number of snapshots.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// The last snapshot that was traced.
    last: Option<Arc<Snapshot>>,
    /// Nanoseconds that were traced.
    interval_ns: u64,
    records: u64,
    lost_ns: u64,
    ready_vcpus: Mean,
    /// The last known names of all domains.
    names: BTreeMap<Identity, Arc<str>>,
    domains: BTreeMap<Identity, DomainSums>,
}

impl Sums {
    /// Adds the next snapshot, for the domains that are wanted in this or an earlier one.
    pub fn add(&mut self, next: Arc<Snapshot>, mut is_wanted: impl FnMut(&Domain) -> bool) {
        for domain in &next.domains {
            let identity = domain.identity();
            if let Some(name) = &domain.name
                && self.names.get(&identity) != Some(name)
            {
                self.names.insert(identity, Arc::clone(name));
            }
            if is_wanted(domain) {
                self.domains.entry(identity).or_default();
            }
        }
        if next.host.trace.is_some()
            && let Some(last) = self.last.replace(Arc::clone(&next))
        {
            self.add_pair(&last, &next);
        }
    }

    /// Adds what happened between two snapshots, if they are of one trace.
    fn add_pair(&mut self, older: &Snapshot, newer: &Snapshot) {
        let (Some(was), Some(is)) = (older.host.trace, newer.host.trace) else {
            return;
        };
        let is_same = older.boot.is_same(&newer.boot) && was.begin_ns == is.begin_ns;
        let ns = is.elapsed_ns.checked_sub(was.elapsed_ns);
        let Some(ns) = ns.filter(|&ns| ns > 0 && is_same) else {
            return;
        };
        let rises = [
            (&mut self.interval_ns, ns),
            (&mut self.records, is.records.saturating_sub(was.records)),
            (&mut self.lost_ns, is.lost_ns.saturating_sub(was.lost_ns)),
        ];
        for (sum, rise) in rises {
            *sum = sum.saturating_add(rise);
        }
        let rates = &Rates::between(Some(older), newer);
        self.ready_vcpus.add(rates.host.ready_vcpus, ns);
        let who = |id| occupant(id, older, newer);
        let snapshot = newer;
        for of in (Sample { snapshot, rates }).domains() {
            if let Some(sums) = self.domains.get_mut(&of.domain.identity()) {
                sums.add(of, ns, who);
            }
        }
    }

    /// Returns for how many nanoseconds each domain was measured, with its last known name.
    pub fn measured(&self) -> impl Iterator<Item = (DomId, Option<&str>, u64)> {
        let domains = self.domains.iter();
        domains.map(|(identity, sums)| {
            let name = self.names.get(identity).map(|name| &**name);
            (identity.id, name, sums.states.measured_ns())
        })
    }

    /// Returns the figures of the wanted domains: shares are those of the time in which a domain was measured. `None` if
    /// no two snapshots are of one trace.
    pub fn waits(&self) -> Option<Waits> {
        let last = self.last.as_ref().filter(|_| self.interval_ns > 0)?;
        let domains = self.domains.iter();
        Some(Waits {
            time: last.time,
            interval_ns: self.interval_ns,
            records: self.records,
            lost_ns: self.lost_ns,
            ready_vcpus: self.ready_vcpus.value(),
            most_ready_vcpus: None,
            domains: domains
                .map(|(identity, sums)| self.domain(*identity, sums))
                .collect(),
        })
    }

    fn domain(&self, identity: Identity, sums: &DomainSums) -> DomainWaits {
        let waited_for = self.waited_for(sums);
        let vcpus = sums.vcpus.as_ref().map(|vcpus| {
            let one = |(&id, vcpu): (&u32, &sums::VcpuSums)| {
                let waited_for = match sums.is_alone {
                    true => waited_for.clone(),
                    false => WaitedFor::default(),
                };
                vcpu.waits(id, waited_for)
            };
            vcpus.iter().map(one).collect()
        });
        DomainWaits {
            id: identity.id,
            uuid: identity.uuid,
            name: self.names.get(&identity).cloned(),
            shares: sums.states.shares(),
            waited_for,
            measured_ns: sums.states.measured_ns(),
            vcpus,
        }
    }

    fn waited_for(&self, sums: &DomainSums) -> WaitedFor {
        let Some(waited) = &sums.waited else {
            return WaitedFor::default();
        };
        if waited.is_zero() {
            return WaitedFor {
                domains: Some(Vec::new()),
                ..WaitedFor::default()
            };
        }
        let (mut idle_percent, mut known) = (0.0, 0.0);
        let mut domains = Vec::new();
        for (identity, percent) in waited.percents() {
            known += percent;
            match identity.id {
                IDLE => idle_percent += percent,
                id => domains.push(Occupant {
                    id,
                    name: self.names.get(&identity).cloned(),
                    percent,
                }),
            }
        }
        WaitedFor {
            domains: Some(domains),
            idle_percent: Some(idle_percent),
            unknown_percent: Some((100.0 - known).max(0.0)),
        }
    }
}

#[cfg(test)]
mod tests;
