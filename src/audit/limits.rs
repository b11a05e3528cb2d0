//! CPU time: the limits of domains, vCPUs and pCPUs.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, drift, label, signed};
use crate::snapshot::{DomId, Domain, Reservation, Scheduling, Stamp, Vcpu};

/// How often credit2 refills a capped domain's budget, in nanoseconds (`CSCHED2_BDGT_REPL_PERIOD`
/// in Xen, common/sched/credit2.c).
const CREDIT2_PERIOD_NS: u64 = 10_000_000;
/// The shortest time that credit2 lets a vCPU run, whatever its budget (`CSCHED2_MIN_TIMER`).
const CREDIT2_SHORTEST_NS: u64 = 500_000;
/// How often credit accounts for what a domain has used, and how long a vCPU may run at a time, in
/// nanoseconds, if Xen does not tell (`CSCHED_DEFAULT_TSLICE_MS` in Xen, common/sched/credit.c).
const CREDIT_PERIOD_NS: u64 = 30_000_000;

/// The largest step back of a counter that the clocks of pCPUs may explain if their skew was not measured,
/// in nanoseconds. On real machines they differ by microseconds.
const UNKNOWN_SKEW_NS: u64 = 1_000_000;

const UNCERTAINTY: &str = "the uncertainty of both samples and of reading Xen's clock (500 ppm if \
                           it cannot be read), and twice the skew of the pCPUs' clocks";

/// Checks that Σ vCPUs' CPU time = the domain's CPU time.
pub(super) fn vcpu_sum(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.vcpu_sum",
        "a domain's CPU time against the sum of its vCPUs' CPU time",
        "for each vCPU, the time between reading the domain and reading the vCPU, and twice the skew of \
         the pCPUs' clocks",
    );
    for domain in &interval.after.domains {
        let Some(vcpus) = domain.vcpus.as_deref().filter(|vcpus| !vcpus.is_empty()) else {
            continue;
        };
        let times = vcpus.iter().map(|vcpu| signed(vcpu.cpu_time_ns));
        let delay = |vcpu: &Vcpu| {
            let bracket = domain.stamp.around(vcpu.stamp).uncertainty_ns;
            let skew = interval.skew_of_two_readings_ns();
            signed(bracket.saturating_mul(2).saturating_add(skew))
        };
        let numbers = Numbers::equal(
            Unit::Ns,
            signed(domain.cpu_time_ns),
            times.fold(0, i64::saturating_add),
            vcpus.iter().map(delay).fold(0, i64::saturating_add),
        );
        check.numbers(Some(domain.id), numbers, || {
            interval.miscount(
                numbers,
                vcpus.len(),
                format!("{}: its vCPUs' CPU times do not add up", label(domain)),
            )
        });
    }
    check.finish("no domain has vCPUs")
}

/// Checks that no vCPU uses more than 100 %.
pub(super) fn vcpu_limit(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.vcpu_limit",
        "a vCPU's CPU time against the elapsed time",
        UNCERTAINTY,
    );
    for (was, is) in interval.pairs() {
        for (old, new) in vcpu_pairs(was, is) {
            let limit = Limit {
                parts: 1.0,
                old: (old.stamp, old.cpu_time_ns),
                new: (new.stamp, new.cpu_time_ns),
                slack_ns: interval.skew_of_two_readings_ns(),
            };
            limit.compare(interval, &mut check, Some(is.id), || {
                format!("{}: vCPU {} used more than 100 %", label(is), new.id)
            });
        }
    }
    check.finish("no vCPU is in both samples")
}

/// Checks that no domain uses more than its online vCPUs can.
pub(super) fn domain_limit(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.domain_limit",
        "a domain's CPU time against its online vCPUs × the elapsed time",
        "online vCPUs × the uncertainty of both samples, of reading Xen's clock (500 ppm if it cannot be \
         read), and twice the skew of the pCPUs' clocks",
    );
    for (was, is) in interval.pairs() {
        let online = was.vcpus_online.max(is.vcpus_online);
        let slack_ns = u64::from(online).saturating_mul(interval.skew_of_two_readings_ns());
        let limit = domain_times(f64::from(online), was, is, slack_ns);
        limit.compare(interval, &mut check, Some(is.id), || {
            format!("{}: it used more than {online} vCPUs can", label(is))
        });
    }
    check.finish("no domain is in both samples")
}

/// Checks that no pCPU is idle for longer than the time that passes.
pub(super) fn idle_limit(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.idle_limit",
        "a pCPU's idle time against the elapsed time, and its time in C-states against its idle time",
        "the uncertainty of both samples and of reading Xen's clock (500 ppm if it cannot be read), and \
         twice the skew of the pCPUs' clocks; for C-states 500 ppm, because they are timed by another clock",
    );
    let (before, after) = (&interval.before.host, &interval.after.host);
    for (was, is) in before.pcpu.iter().zip(&after.pcpu) {
        if let (Some(old), Some(new)) = (was.idle_time_ns, is.idle_time_ns) {
            let limit = Limit {
                parts: 1.0,
                old: (before.pcpu_stamp, old),
                new: (after.pcpu_stamp, new),
                slack_ns: interval.skew_of_two_readings_ns(),
            };
            limit.compare(interval, &mut check, None, || {
                format!("pCPU {}: it was idle for more than 100 %", is.id)
            });
        }
        // The C-states are read first, so their time is not above the idle time at any moment.
        if let (Some(idle), Some(states)) = (is.idle_time_ns, is.idle_states_ns) {
            let tolerance = signed(drift(idle));
            let numbers = Numbers::at_most(Unit::Ns, signed(idle), signed(states), tolerance);
            check.numbers(None, numbers, || {
                Fault::failed(format!(
                    "pCPU {}: it was in C-states for longer than it was idle",
                    is.id
                ))
            });
        }
    }
    check.finish("no pCPU is in both samples")
}

/// Checks that no counter decreases. Xen reads a counter with the clock of one pCPU, and the next time
/// with that of another, so it may step back by as much as these differ.
pub(super) fn monotonic(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.monotonic",
        "CPU and idle times against those of the previous sample",
        "the skew of the pCPUs' clocks, for each vCPU",
    );
    let skew_ns = interval.clock_skew_ns();
    let mut compare = |domain, (old, new): (u64, u64), vcpus: u32, what: &dyn Fn() -> String| {
        let of_all = |skew_ns: u64| signed(skew_ns.saturating_mul(vcpus.into()));
        let tolerance = of_all(skew_ns.unwrap_or_default());
        let numbers = Numbers::at_least(Unit::Ns, signed(old), signed(new), tolerance);
        check.numbers(domain, numbers, || {
            let what = what();
            match skew_ns.is_none() && numbers.excess() <= of_all(UNKNOWN_SKEW_NS) {
                true => Fault::warning(format!(
                    "{what} decreased by less than 1 ms: the pCPUs' clocks may differ by that much"
                )),
                // Time that is lost makes no counter step back.
                false if !interval.differed => Fault::failed(format!("{what} decreased")),
                false => interval.miscount(numbers, vcpus as usize, format!("{what} decreased")),
            }
        });
    };
    for (was, is) in interval.pairs() {
        let times = (was.cpu_time_ns, is.cpu_time_ns);
        let vcpus = was.vcpus_online.max(1);
        compare(Some(is.id), times, vcpus, &|| {
            format!("{}: its CPU time", label(is))
        });
        for (old, new) in vcpu_pairs(was, is) {
            compare(Some(is.id), (old.cpu_time_ns, new.cpu_time_ns), 1, &|| {
                format!("{}: vCPU {}'s CPU time", label(is), new.id)
            });
        }
    }
    let (before, after) = (&interval.before.host.pcpu, &interval.after.host.pcpu);
    for (was, is) in before.iter().zip(after) {
        if let (Some(old), Some(new)) = (was.idle_time_ns, is.idle_time_ns) {
            compare(None, (old, new), 1, &|| {
                format!("pCPU {}: its idle time", is.id)
            });
        }
    }
    check.finish("nothing is in both samples")
}

/// Checks that no domain exceeds its cap.
pub(super) fn cap(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.cap",
        "a domain's CPU time against its cap × the elapsed time",
        "the uncertainty of both samples, one period of the scheduler at the cap (credit2 10 ms, \
         credit its timeslice, rtds two periods), and for each vCPU its overrun (credit2 0.5 ms, credit \
         its timeslice) and twice the skew of the pCPUs' clocks",
    );
    let timeslice_ns = |pool: u32| {
        let mut pools = interval.after.host.pools.iter().flatten();
        let pool = pools.find(|other| other.id == pool);
        pool.and_then(|pool| pool.timeslice_ns)
            .unwrap_or(CREDIT_PERIOD_NS)
    };
    for (was, is) in interval.pairs() {
        if was.scheduling != is.scheduling {
            check.remark(format!("{}: its scheduling changed", label(is)));
            continue;
        }
        let vcpus = u64::from(was.vcpus_online.max(is.vcpus_online));
        let (percent, period_ns, overrun_ns) = match is.scheduling {
            // The budget of a period can be used at its end, and that of the next at its start.
            Some(Scheduling::Rtds {
                reservation:
                    Some(Reservation {
                        period_ns,
                        budget_ns,
                        extra_time: false,
                    }),
            }) => {
                let parts = vcpus as f64 * budget_ns as f64 / period_ns as f64;
                let of_each = budget_ns
                    .saturating_mul(2)
                    .saturating_add(interval.skew_of_two_readings_ns());
                let limit = domain_times(parts, was, is, vcpus.saturating_mul(of_each));
                limit.compare(interval, &mut check, Some(is.id), || {
                    format!("{}: its vCPUs used more than their budgets", label(is))
                });
                continue;
            }
            Some(Scheduling::Credit2 {
                cap_percent: Some(cap),
                ..
            }) => (cap, CREDIT2_PERIOD_NS, CREDIT2_SHORTEST_NS),
            Some(Scheduling::Credit {
                cap_percent: Some(cap),
                ..
            }) => (cap, timeslice_ns(is.pool), timeslice_ns(is.pool)),
            _ => continue,
        };
        let granted = u64::from(percent).saturating_mul(period_ns) / 100;
        let overrun_ns = interval
            .skew_of_two_readings_ns()
            .saturating_add(overrun_ns);
        let overrun = vcpus.saturating_mul(overrun_ns);
        let slack_ns = granted.saturating_add(overrun);
        let limit = domain_times(f64::from(percent) / 100.0, was, is, slack_ns);
        limit.compare(interval, &mut check, Some(is.id), || {
            format!("{}: it used more than its cap of {percent} %", label(is))
        });
    }
    check.finish("no domain has a cap or a budget")
}

/// The most CPU time between two readings of a counter.
struct Limit {
    /// In pCPUs.
    parts: f64,
    old: (Stamp, u64),
    new: (Stamp, u64),
    /// Nanoseconds that are allowed beyond the limit.
    slack_ns: u64,
}

impl Limit {
    /// Compares the counter with the limit, unless it decreased: `cpu.monotonic` finds that.
    fn compare(
        self,
        interval: &Interval<'_>,
        check: &mut Check,
        domain: Option<DomId>,
        reason: impl FnOnce() -> String,
    ) {
        let Some(span) = interval.span(self.old.0, self.new.0) else {
            return;
        };
        let Some(ran) = self.new.1.checked_sub(self.old.1) else {
            return;
        };
        let parts_of = |ns: u64| (ns as f64 * self.parts) as i64;
        let tolerance = parts_of(span.uncertainty_ns).saturating_add(signed(self.slack_ns));
        let numbers = Numbers::at_most(Unit::Ns, parts_of(span.ns), signed(ran), tolerance);
        check.numbers(domain, numbers, || {
            interval.miscount(numbers, self.parts.ceil() as usize, reason())
        });
    }
}

/// Returns the limit of a whole domain.
fn domain_times(parts: f64, was: &Domain, is: &Domain, slack_ns: u64) -> Limit {
    Limit {
        parts,
        old: (was.stamp, was.cpu_time_ns),
        new: (is.stamp, is.cpu_time_ns),
        slack_ns,
    }
}

/// Iterates over the vCPUs in both samples.
fn vcpu_pairs<'a>(was: &'a Domain, is: &'a Domain) -> impl Iterator<Item = (&'a Vcpu, &'a Vcpu)> {
    is.vcpus.iter().flatten().filter_map(|new| {
        let old = was.vcpus.iter().flatten().find(|old| old.id == new.id)?;
        Some((old, new))
    })
}
