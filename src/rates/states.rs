//! The shares of the states that vCPUs are in.

use super::rate::{Rate, risen};
use crate::snapshot::{DomId, Domain, Host, Scheduling, Snapshot, Stamp, StateTimes, TraceTotals};

/// How much of the time a vCPU was in each state, or all vCPUs of a domain together. Everything is `None` if it was
/// not traced in both samples, and if more than a thousandth of the time is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StateRates {
    /// On a pCPU, in per cent.
    pub running_percent: Option<Rate>,
    /// Ready to run, waiting for a pCPU, in per cent.
    pub ready_percent: Option<Rate>,
    /// Waiting for an event, in per cent.
    pub blocked_percent: Option<Rate>,
    /// Kept from running by its cap, in per cent, at most: an HVM vCPU that waits for its device model counts as well.
    /// `None` also if one of the samples has it paused, unplugged or under another cap, and if scheduling parameters
    /// were not collected.
    pub throttled_percent: Option<Rate>,
    /// Paused, unplugged or throttled, in per cent.
    pub offline_percent: Option<Rate>,
    /// How often it was scheduled in, per second.
    pub schedules_per_second: Option<Rate>,
    /// How often it began to wait for a pCPU, per second.
    pub waits_per_second: Option<Rate>,
}

impl StateRates {
    /// Returns the share of the time that it wanted to run in which it could not, because it was ready or throttled, in
    /// per cent; 0 if it wanted nothing, `None` if it was not traced. An unknown throttled time counts as none.
    pub fn lost_percent(&self) -> Option<Rate> {
        let throttled = self.throttled_percent.map_or(0.0, |rate| rate.value);
        let lost = self.ready_percent?.value + throttled;
        let wanted = self.running_percent?.value + lost;
        Some(Rate {
            value: if wanted > 0.0 {
                lost * 100.0 / wanted
            } else {
                0.0
            },
            uncertainty: 0.0,
        })
    }
}

/// The time that a trace covers between two samples.
#[derive(Clone, Copy)]
pub(super) struct TraceSpan {
    ns: u64,
}

impl TraceSpan {
    /// Returns the time between two samples of the same trace; `None` if there is none.
    pub(super) fn between(old: Option<TraceTotals>, new: Option<TraceTotals>) -> Option<Self> {
        let (old, new) = (old?, new?);
        let is_same = old.begin_ns == new.begin_ns;
        let ns = new.elapsed_ns.checked_sub(old.elapsed_ns)?;
        (is_same && ns > 0).then_some(Self { ns })
    }

    /// Returns the shares of states between two samples. `throttled` returns for how long it was throttled, of how
    /// long it was offline; `None` if that is unknown.
    pub(super) fn rates(
        self,
        old: Option<StateTimes>,
        new: Option<StateTimes>,
        throttled: impl FnOnce(u64) -> Option<u64>,
    ) -> Option<StateRates> {
        let (old, new) = (old?, new?);
        let of = |get: fn(&StateTimes) -> u64| risen(Some(get(&old)), Some(get(&new)));
        let (unknown, total) = (of(|times| times.unknown_ns)?, of(StateTimes::total_ns)?);
        if unknown > total / 1000 {
            return None;
        }
        let offline = of(|times| times.offline_ns)?;
        let percent = |ns: u64| Some(self.rate(ns, 100.0));
        Some(StateRates {
            running_percent: percent(of(|times| times.running_ns)?),
            ready_percent: percent(of(|times| times.ready_ns)?),
            blocked_percent: percent(of(|times| times.blocked_ns)?),
            throttled_percent: throttled(offline).and_then(percent),
            offline_percent: percent(offline),
            schedules_per_second: of(|times| times.schedules).map(|count| self.rate(count, 1e9)),
            waits_per_second: of(|times| times.waits).map(|waits| self.rate(waits, 1e9)),
        })
    }

    /// Returns how many vCPUs were ready at a time in the mean; `None` if records were lost.
    pub(super) fn ready_vcpus(self, old: &Host, new: &Host) -> Option<Rate> {
        let (old, new) = (old.trace?, new.trace?);
        let ready_ns = new.ready_ns.checked_sub(old.ready_ns)?;
        (old.lost_ns == new.lost_ns).then(|| self.rate(ready_ns, 1.0))
    }

    /// Returns a rise per nanosecond, times `factor`.
    fn rate(self, rise: u64, factor: f64) -> Rate {
        Rate {
            value: rise as f64 * factor / self.ns as f64,
            uncertainty: 0.0,
        }
    }
}

/// The parts of an interval that a time by the trace may differ by from one by hypercalls: a hundredth.
const TRACE_PARTS: u64 = 100;

/// How far each scheduling may be recorded from when it is counted, in nanoseconds.
const NS_PER_SCHEDULE: u64 = 20_000;

/// Returns by how many nanoseconds a time by the trace may differ from one that was read by hypercalls at these stamps,
/// if the pCPUs' clocks agree: a hundredth of the interval, 20 us for each time that the vCPUs were scheduled in, and
/// what may have passed between reading the trace and the other time.
pub(crate) fn trace_tolerance_ns(
    (was, is): (TraceTotals, TraceTotals),
    (first, last): (StateTimes, StateTimes),
    stamps: (Stamp, Stamp),
) -> u64 {
    let between = |trace: TraceTotals, stamp: Stamp| {
        trace.stamp.around(stamp).uncertainty_ns.saturating_mul(2)
    };
    let schedules = last.schedules.saturating_sub(first.schedules);
    [
        is.elapsed_ns.saturating_sub(was.elapsed_ns) / TRACE_PARTS,
        schedules.saturating_mul(NS_PER_SCHEDULE),
        between(was, stamps.0),
        between(is, stamps.1),
    ]
    .into_iter()
    .fold(0, u64::saturating_add)
}

/// How far a domain's running time by the trace may be from its CPU time beyond that, before samples tell it: a
/// twentieth of the interval, because Xen's own count is off if the pCPUs' clocks differ.
const TOLD_PARTS: u64 = 20;

/// Returns the first domain whose running time by the trace is not its CPU time, with both in nanoseconds; `None` if
/// there is none, or if the two samples are not of one complete trace.
pub fn mistraced(old: &Snapshot, new: &Snapshot) -> Option<(DomId, u64, u64)> {
    let (was, is) = (old.host.trace?, new.host.trace?);
    if was.begin_ns != is.begin_ns || was.lost_ns != is.lost_ns {
        return None;
    }
    let slack = is.elapsed_ns.saturating_sub(was.elapsed_ns) / TOLD_PARTS;
    new.domains.iter().find_map(|domain| {
        let before = old.find(domain.identity())?;
        let (first, last) = (before.state_times?, domain.state_times?);
        let traced = last.running_ns.checked_sub(first.running_ns)?;
        let counted = domain.cpu_time_ns.checked_sub(before.cpu_time_ns)?;
        let stamps = (before.stamp, domain.stamp);
        let tolerance = trace_tolerance_ns((was, is), (first, last), stamps);
        // Each of its vCPUs may be off.
        let vcpus = u64::from(domain.vcpus_max.max(1));
        let most = tolerance.saturating_add(slack).saturating_mul(vcpus);
        (traced.abs_diff(counted) > most).then_some((domain.id, traced, counted))
    })
}

/// Returns for whom a domain's vCPUs waited between two samples, see [`DomainRates::waited_for`].
///
/// [`DomainRates::waited_for`]: super::DomainRates::waited_for
pub(super) fn waited_for(old: &Domain, new: &Domain) -> Vec<(DomId, f64)> {
    let ready_ns = |domain: &Domain| domain.state_times.map(|times| times.ready_ns);
    let Some(all) = risen(ready_ns(old), ready_ns(new)).filter(|&all| all > 0) else {
        return Vec::new();
    };
    // Both are in order of ID.
    let mut before = old.waited_for_ns.iter().peekable();
    let shares = new.waited_for_ns.iter().map(|&(id, ns)| {
        while before.next_if(|one| one.0 < id).is_some() {}
        let then = before.next_if(|one| one.0 == id).map_or(0, |one| one.1);
        let more = ns.saturating_sub(then);
        (id, more as f64 * 100.0 / all as f64)
    });
    let mut shares: Vec<(DomId, f64)> = shares.filter(|share| share.1 > 0.0).collect();
    shares.sort_by(|one, other| other.1.total_cmp(&one.1));
    shares
}

/// Returns for how long a vCPU was throttled by its domain's cap, of `offline_ns`; `None` if that cannot be told from
/// other reasons to be offline. `is_online` says of both samples whether the vCPU was online, if that is known.
pub(crate) fn throttled(
    (old, new): (&Domain, &Domain),
    is_online: (Option<bool>, Option<bool>),
    offline_ns: u64,
) -> Option<u64> {
    let cap = |domain: &Domain| match domain.scheduling? {
        Scheduling::Credit { cap_percent, .. } | Scheduling::Credit2 { cap_percent, .. } => {
            Some(cap_percent)
        }
        _ => Some(None),
    };
    match (cap(old)?, cap(new)?) {
        (None, None) => return Some(0),
        (Some(_), Some(_)) => {}
        // Nobody knows since when.
        _ => return None,
    }
    let kept = old.states.keep_from_running() || new.states.keep_from_running();
    match (is_online.0?, is_online.1?) {
        (false, false) => Some(0),
        (true, true) if !kept => Some(offline_ns),
        _ => None,
    }
}
