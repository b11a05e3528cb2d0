//! Sums of a domain and of its vCPUs.

use std::collections::BTreeMap;

use crate::rates::{Rate, StateRates};
use crate::sample::DomainSample;
use crate::snapshot::{DomId, Identity};
use crate::waits::waited_ns::WaitedNs;
use crate::waits::{Shares, VcpuWaits, WaitedFor};

/// A mean over the time in which a figure is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    /// The sum of all values, each times how long it was so.
    sum: f64,
    ns: u64,
}

impl Mean {
    pub(super) fn add(&mut self, rate: Option<Rate>, ns: u64) {
        if let Some(rate) = rate {
            self.sum += rate.value * ns as f64;
            self.ns = self.ns.saturating_add(ns);
        }
    }

    pub(super) fn value(self) -> Option<f64> {
        (self.ns > 0).then(|| self.sum / self.ns as f64)
    }
}

/// The states of a domain or of a vCPU.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct States {
    running: Mean,
    ready: Mean,
    blocked: Mean,
    throttled: Mean,
    offline: Mean,
    schedules: Mean,
    waits: Mean,
}

impl States {
    fn add(&mut self, rates: StateRates, ns: u64) {
        let figures = [
            (&mut self.running, rates.running_percent),
            (&mut self.ready, rates.ready_percent),
            (&mut self.blocked, rates.blocked_percent),
            (&mut self.throttled, rates.throttled_percent),
            (&mut self.offline, rates.offline_percent),
            (&mut self.schedules, rates.schedules_per_second),
            (&mut self.waits, rates.waits_per_second),
        ];
        for (mean, rate) in figures {
            mean.add(rate, ns);
        }
    }

    /// Returns for how many nanoseconds the ready time is known.
    pub(super) fn measured_ns(&self) -> u64 {
        self.ready.ns
    }

    pub(super) fn shares(&self) -> Shares {
        Shares {
            running_percent: self.running.value(),
            ready_percent: self.ready.value(),
            blocked_percent: self.blocked.value(),
            throttled_percent: self.throttled.value(),
            offline_percent: self.offline.value(),
            unknown_percent: None,
        }
    }
}

/// What a domain did.
#[derive(Clone, Debug, Default)]
pub(super) struct DomainSums {
    pub(super) states: States,
    /// How long its vCPUs waited, and for whom; `None` if that is unknown.
    pub(super) waited: Option<WaitedNs<Identity>>,
    /// Its vCPUs by their numbers; `None` if they are unknown.
    pub(super) vcpus: Option<BTreeMap<u32, VcpuSums>>,
    /// Whether it has one vCPU.
    pub(super) is_alone: bool,
}

impl DomainSums {
    /// Adds what it did within this many nanoseconds. `who` returns the domain that had an ID then.
    pub(super) fn add(&mut self, of: DomainSample<'_>, ns: u64, who: impl Fn(DomId) -> Identity) {
        let states = of.rates.states;
        self.states.add(states, ns);
        self.is_alone = of.domain.vcpus_max == 1;
        // Without the rest, the ready time is the hypervisor's own count.
        if let (Some(ready), Some(_)) = (states.ready_percent, states.running_percent) {
            let ready_ns = ready.value / 100.0 * ns as f64;
            let waited_for = of.rates.waited_for.iter();
            let waited_for = waited_for.map(|&(id, percent)| (who(id), percent));
            let waited = self.waited.get_or_insert_default();
            waited.add(ready_ns, waited_for);
        }
        let Some(vcpus) = of.vcpus() else {
            return;
        };
        let all = self.vcpus.get_or_insert_default();
        for one in vcpus {
            let sums = all.entry(one.vcpu.id).or_default();
            sums.states.add(one.states, ns);
            if let (Some(times), Some(_)) = (one.vcpu.state_times, one.states.ready_percent) {
                sums.longest_wait_ns = sums.longest_wait_ns.max(times.longest_wait_ns);
            }
        }
    }
}

/// What a vCPU did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VcpuSums {
    states: States,
    longest_wait_ns: u64,
}

impl VcpuSums {
    pub(super) fn waits(&self, id: u32, waited_for: WaitedFor) -> VcpuWaits {
        let waits = self.states.waits.value();
        let has_waited = waits.is_some_and(|waits| waits > 0.0);
        // Per cent of a second, in nanoseconds, for each wait.
        let ready_ns = self.states.ready.value().map(|percent| percent * 1e7);
        let mean = ready_ns.zip(waits).map(|(ready, waits)| ready / waits);
        VcpuWaits {
            id,
            shares: self.states.shares(),
            schedules_per_second: self.states.schedules.value(),
            moves_per_second: None,
            waits_per_second: waits,
            mean_wait_ns: mean.filter(|_| has_waited),
            p99_wait_ns: None,
            longest_wait_ns: has_waited.then_some(self.longest_wait_ns),
            pcpus: None,
            nodes: None,
            waited_for,
        }
    }
}
