//! The rates between two snapshots, computed without I/O or state.
//!
//! A first sample, a counter that went back, and a reused domain ID give `None`: never 0, and never
//! a number that wrapped around.

mod device;
mod rate;
mod start;
mod states;

use std::collections::BTreeMap;

use device::{disk_rates, is_same_disk, is_same_nic, nic_rates};
use states::{TraceSpan, waited_for};

use crate::snapshot::{
    DiskCounter, Dom0Kernel, DomId, Domain, Host, NicCounter, Pcpu, PcpuTimes, Snapshot, Stamp,
    VcpuState,
};

pub use device::{DiskRates, NicRates};
pub use rate::Rate;
pub(crate) use rate::Span;
pub use start::{Start, devices_go_on};
pub use states::StateRates;
pub use states::mistraced;
pub(crate) use states::{throttled, trace_tolerance_ns};

/// The rates between an older and a newer snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Nanoseconds between the two samples; `None` for the first sample and the first of a boot.
    pub interval_ns: Option<u64>,
    /// The host's.
    pub host: HostRates,
    /// One for each domain of the newer snapshot, in the same order.
    pub domains: Vec<DomainRates>,
}

/// The rates of the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostRates {
    /// Use of all pCPUs: 100 if every pCPU was busy all the time. `None` if there is no older
    /// sample, or if no pCPU was online in both.
    pub cpu_percent: Option<Rate>,
    /// Use of each pCPU of the newer snapshot in per cent, in the same order; `None` for a pCPU
    /// that was not online in both.
    pub pcpu_percent: Vec<Option<Rate>>,
    /// CPU use of dom0 as its kernel counts it, in per cent of one pCPU.
    pub dom0_cpu_percent: Option<Rate>,
    /// Steal time that dom0's kernel counts, in per cent of one pCPU.
    pub dom0_steal_percent: Option<Rate>,
    /// How many vCPUs were ready at a time in the mean; `None` if they were not traced, or if records were lost.
    pub ready_vcpus: Option<Rate>,
}

/// The rates of one domain, each over the time between the two moments at which its counter was read. That is not the
/// interval of the host if the domain or the device is younger, see [`Rates::since`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainRates {
    /// CPU use in per cent of one pCPU: 200 if the domain used two pCPUs all the time.
    pub cpu_percent: Option<Rate>,
    /// CPU use in per cent of what the domain's online vCPUs could use. Also `None` if it has none
    /// online, and if the number of online vCPUs changed, because the time of the change is
    /// unknown.
    pub cpu_percent_of_vcpus: Option<Rate>,
    /// CPU use of each of its vCPUs in per cent of one pCPU, in the newer snapshot's order.
    pub vcpu_percent: Vec<Option<Rate>>,
    /// The states of its vCPUs together, in per cent of one pCPU.
    pub states: StateRates,
    /// The states of each of its vCPUs, in the newer snapshot's order.
    pub vcpu_states: Vec<StateRates>,
    /// For whom its vCPUs waited, in per cent of their ready time, the longest first: the domains that had the pCPUs,
    /// 0x7fff if they were idle. Empty if they did not wait, or were not traced.
    pub waited_for: Vec<(DomId, f64)>,
    /// One for each of its NICs, in the newer snapshot's order.
    pub nics: Vec<NicRates>,
    /// One for each of its disks, in the newer snapshot's order.
    pub disks: Vec<DiskRates>,
}

impl DomainRates {
    /// Returns the sum over all NICs, 0 without NICs; `None` if the NICs or any of their rates are
    /// unknown. `domain` is that of the newer snapshot.
    pub fn of_nics(&self, domain: &Domain, counter: NicCounter) -> Option<Rate> {
        match domain.nics.as_deref()? {
            [] => Some(Rate::NOTHING),
            _ => Rate::sum(self.nics.iter().map(|rates| rates[counter])),
        }
    }

    /// Returns the packets that all NICs of this domain dropped, in both directions.
    pub fn nic_drops(&self, domain: &Domain) -> Option<Rate> {
        let both = [NicCounter::RxDrops, NicCounter::TxDrops];
        Rate::sum(both.map(|counter| self.of_nics(domain, counter)))
    }

    /// Returns the same as [`DomainRates::of_nics`] for disks.
    pub fn of_disks(&self, domain: &Domain, counter: DiskCounter) -> Option<Rate> {
        match domain.disks.as_deref()? {
            [] => Some(Rate::NOTHING),
            _ => Rate::sum(self.disks.iter().map(|rates| rates[counter])),
        }
    }
}

impl Rates {
    /// Returns the rates from `old` to `new`; all are `None` if `old` is `None` or from another
    /// boot.
    pub fn between(old: Option<&Snapshot>, new: &Snapshot) -> Self {
        Self::since(old, new, &BTreeMap::new())
    }

    /// Returns the rates from `old` to `new`, but those of these domains since they started. They are of the same boot as
    /// `new`.
    pub fn since(old: Option<&Snapshot>, new: &Snapshot, starts: &BTreeMap<DomId, Start>) -> Self {
        let old = old.filter(|old| old.boot.is_same(&new.boot));
        let traced = TraceSpan::between(old.and_then(|old| old.host.trace), new.host.trace);
        // Both lists of domains are ordered by ID.
        let mut older = old.iter().flat_map(|old| &old.domains).peekable();
        Self {
            interval_ns: old
                .and_then(|old| Span::between(old.stamp, new.stamp))
                .map(|span| span.ns),
            host: host_rates(old.map(|old| &old.host), &new.host),
            domains: new
                .domains
                .iter()
                .map(|domain| {
                    if let Some(start) = starts.get(&domain.id) {
                        let traced = TraceSpan::between(start.trace, new.host.trace);
                        return domain_rates(Some(&start.domain), domain, traced);
                    }
                    while older.next_if(|old| old.id < domain.id).is_some() {}
                    let same = |old: &&&Domain| old.identity() == domain.identity();
                    domain_rates(older.peek().filter(same).copied(), domain, traced)
                })
                .collect(),
        }
    }
}

/// Returns the use of all pCPUs between two snapshots, as [`HostRates::cpu_percent`] is; `None` also if they are of two
/// boots.
pub fn cpu_percent(old: &PcpuTimes, new: &PcpuTimes) -> Option<Rate> {
    let old = Some(old).filter(|old| old.boot.is_same(&new.boot))?;
    let old = (old.stamp, &old.pcpu[..]);
    mean(&pcpu_percent(Some(old), (new.stamp, &new.pcpu)))
}

/// Returns the use of each pCPU between two times at which they were read.
fn pcpu_percent(
    old: Option<(Stamp, &[Pcpu])>,
    (stamp, pcpus): (Stamp, &[Pcpu]),
) -> Vec<Option<Rate>> {
    let span = old.and_then(|(old, _)| Span::between(old, stamp));
    let of_one = |(index, pcpu): (usize, &Pcpu)| {
        let before = old?.1.get(index)?;
        let idle = span?.share(before.idle_time_ns, pcpu.idle_time_ns);
        idle.map(Rate::busy)
    };
    pcpus.iter().enumerate().map(of_one).collect()
}

/// Returns the mean of those that are known; `None` if none is.
fn mean(rates: &[Option<Rate>]) -> Option<Rate> {
    let known = || rates.iter().filter(|rate| rate.is_some());
    Rate::sum(known().copied()).map(|sum| sum.scaled(1.0 / known().count() as f64))
}

fn host_rates(old: Option<&Host>, new: &Host) -> HostRates {
    let pcpus = |host| -> (Stamp, &[Pcpu]) {
        let host: &Host = host;
        (host.pcpu_stamp, &host.pcpu)
    };
    let pcpu_percent = pcpu_percent(old.map(pcpus), pcpus(new));
    let dom0 = |counter: fn(&Dom0Kernel) -> Option<u64>| {
        let (old, new) = (old?.dom0?, new.dom0?);
        Span::between(old.stamp, new.stamp)?.share(counter(&old), counter(&new))
    };
    HostRates {
        cpu_percent: mean(&pcpu_percent),
        pcpu_percent,
        dom0_cpu_percent: dom0(|kernel| kernel.cpu_time_ns),
        dom0_steal_percent: dom0(|kernel| kernel.steal_time_ns),
        ready_vcpus: TraceSpan::between(old.and_then(|old| old.trace), new.trace)
            .and_then(|span| span.ready_vcpus(old?, new)),
    }
}

fn domain_rates(old: Option<&Domain>, new: &Domain, traced: Option<TraceSpan>) -> DomainRates {
    let cpu_percent = old.and_then(|old| {
        Span::between(old.stamp, new.stamp)?.share(Some(old.cpu_time_ns), Some(new.cpu_time_ns))
    });
    DomainRates {
        cpu_percent,
        cpu_percent_of_vcpus: cpu_percent
            .filter(|_| new.vcpus_online > 0)
            .filter(|_| old.is_some_and(|old| old.vcpus_online == new.vcpus_online))
            .map(|percent| percent.scaled(1.0 / f64::from(new.vcpus_online))),
        vcpu_percent: each(&new.vcpus, |vcpu| {
            let old = same(&old?.vcpus, |old| old.id == vcpu.id)?;
            Span::between(old.stamp, vcpu.stamp)?
                .share(Some(old.cpu_time_ns), Some(vcpu.cpu_time_ns))
        }),
        states: domain_states(old, new, traced).unwrap_or_else(|| StateRates {
            // The hypervisor's own count, if it has one.
            ready_percent: old.and_then(|old| {
                Span::between(old.stamp, new.stamp)?.share(old.ready_ns, new.ready_ns)
            }),
            ..StateRates::default()
        }),
        vcpu_states: each(&new.vcpus, |vcpu| {
            let states = || {
                let (span, old) = (traced?, old?);
                let before = same(&old.vcpus, |old| old.id == vcpu.id)?;
                let is_online = |state| Some(state != VcpuState::Offline);
                let online = (is_online(before.state), is_online(vcpu.state));
                span.rates(before.state_times, vcpu.state_times, |ns| {
                    throttled((old, new), online, ns)
                })
            };
            states().unwrap_or_default()
        }),
        waited_for: traced
            .and(old)
            .map_or_else(Vec::new, |old| waited_for(old, new)),
        nics: each(&new.nics, |nic| {
            let old = old.and_then(|old| same(&old.nics, |old| is_same_nic(old, nic)));
            old.map_or_else(NicRates::default, |old| nic_rates(old, nic))
        }),
        disks: each(&new.disks, |disk| {
            let old = old.and_then(|old| same(&old.disks, |old| is_same_disk(old, disk)));
            old.map_or_else(DiskRates::default, |old| disk_rates(old, disk))
        }),
    }
}

/// Returns the shares of the states of a domain's vCPUs together.
fn domain_states(
    old: Option<&Domain>,
    new: &Domain,
    traced: Option<TraceSpan>,
) -> Option<StateRates> {
    let (span, old) = (traced?, old?);
    // An offline vCPU adds its time to that of the throttled ones.
    let all_online = |domain: &Domain| (domain.vcpus_online == domain.vcpus_max).then_some(true);
    let online = (all_online(old), all_online(new));
    span.rates(old.state_times, new.state_times, |ns| {
        throttled((old, new), online, ns)
    })
}

/// Returns the result of `make` for each part; empty if the parts are unknown.
fn each<T, R>(parts: &Option<Vec<T>>, make: impl Fn(&T) -> R) -> Vec<R> {
    match parts.as_deref() {
        // Most domains of large hosts are like this, and it is faster than an iterator without items.
        None | Some([]) => Vec::new(),
        Some(parts) => parts.iter().map(make).collect(),
    }
}

/// Returns the first part that passes `is_same`.
fn same<T>(parts: &Option<Vec<T>>, is_same: impl Fn(&&T) -> bool) -> Option<&T> {
    parts.as_ref()?.iter().find(is_same)
}

#[cfg(test)]
mod tests;
