//! CPU time: what the pCPUs provide against what domains use and what is idle.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, drift, label, signed};
use crate::rates::Span;
use crate::snapshot::{Domain, Scheduling, Snapshot, Stamp, Vcpu};

/// How often credit2 refills a capped domain's budget, in nanoseconds (`CSCHED2_BDGT_REPL_PERIOD`
/// in Xen, common/sched/credit2.c).
const CREDIT2_PERIOD_NS: u64 = 10_000_000;
/// The shortest time that credit2 lets a vCPU run, whatever its budget (`CSCHED2_MIN_TIMER`).
const CREDIT2_SHORTEST_NS: u64 = 500_000;
/// How often credit accounts for what a domain has used, and how long a vCPU may run at a time, in
/// nanoseconds, unless changed (`CSCHED_DEFAULT_TSLICE_MS` in Xen, common/sched/credit.c).
const CREDIT_PERIOD_NS: u64 = 30_000_000;

const UNCERTAINTY: &str = "the uncertainty of both samples and of reading Xen's clock (500 ppm if \
                           it cannot be read)";

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Found> {
    [
        clock(interval),
        conservation(interval),
        vcpu_sum(interval),
        vcpu_limit(interval),
        domain_limit(interval),
        monotonic(interval),
        cap(interval),
        dom0(interval),
    ]
    .concat()
}

/// Checks that Xen's clock and dom0's run at the same rate.
fn clock(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.clock",
        "elapsed time by Xen's clock against dom0's clock",
        "the uncertainty of reading Xen's clock, and 500 ppm, the most that Linux corrects a clock \
         by",
    );
    let Some((ns, span)) = interval.clocks() else {
        return check.finish("Xen's clock cannot be read");
    };
    let tolerance = span.uncertainty_ns.saturating_add(drift(span.ns));
    let numbers = Numbers::equal(Unit::Ns, signed(span.ns), signed(ns), signed(tolerance));
    check.numbers(None, numbers, || {
        Fault::warning(
            "Xen's clock and dom0's clock run at different rates; CPU time may not add up",
        )
    });
    check.finish("")
}

/// Checks that Σ domains' CPU time + Σ pCPUs' idle time = pCPUs × elapsed time.
fn conservation(interval: &Interval<'_>) -> Vec<Found> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::new(
        "cpu.conservation",
        "domains' CPU time and pCPUs' idle time against pCPUs × time",
        "pCPUs × the uncertainty of both samples, from reading the idle times to reading the \
         domains, and of reading Xen's clock (500 ppm if it cannot be read)",
    );
    let whole = |snapshot: &Snapshot| snapshot.host.pcpu_stamp.around(snapshot.stamp);
    let Some(span) = interval.span(whole(before), whole(after)) else {
        return check.finish("dom0's clock did not advance");
    };
    let Some(idle) = idle_ns(interval) else {
        return check.finish("a pCPU went online or offline during the interval");
    };
    if interval
        .pairs()
        .any(|(was, is)| is.cpu_time_ns < was.cpu_time_ns)
    {
        return check.finish("a domain's CPU time decreased: see cpu.monotonic");
    }
    // A domain that was created during the interval started at 0.
    let ran = |domain: &Domain| {
        let was = before.find(domain.identity());
        signed(domain.cpu_time_ns) - was.map_or(0, |was| signed(was.cpu_time_ns))
    };
    let domains = after.domains.iter().map(ran);
    let observed = domains
        .chain(idle.iter().copied())
        .fold(0, i64::saturating_add);
    let pcpus = idle.len() as u64;
    let numbers = Numbers::equal(
        Unit::Ns,
        signed(pcpus.saturating_mul(span.ns)),
        observed,
        signed(pcpus.saturating_mul(span.uncertainty_ns)),
    );

    let gone: Vec<String> = interval.gone().map(label).collect();
    let unseen = interval.gone().map(|domain| {
        let vcpus = u64::from(domain.vcpus_max);
        signed(vcpus.saturating_mul(span.ns))
    });
    let unseen = unseen.fold(0, i64::saturating_add);
    let missing = numbers.missing();
    check.numbers(None, numbers, || match &gone[..] {
        [] => Fault::failed(format!("{} is not accounted for", milliseconds(missing))),
        gone if missing > 0 && missing <= unseen => Fault::warning(format!(
            "destroyed during the interval, with its CPU time since the first sample: {}",
            gone.join(", ")
        )),
        gone => Fault::failed(format!(
            "{} is not accounted for, more than {} can have used",
            milliseconds(missing),
            gone.join(", ")
        )),
    });
    if !gone.is_empty() {
        check.remark(format!(
            "destroyed during the interval: {}",
            gone.join(", ")
        ));
    }
    check.finish("")
}

/// Returns how long each pCPU was idle in nanoseconds; `None` if a pCPU was online in only one
/// sample.
fn idle_ns(interval: &Interval<'_>) -> Option<Vec<i64>> {
    let (before, after) = (&interval.before.host.pcpu, &interval.after.host.pcpu);
    if before.len() != after.len() {
        return None;
    }
    let pairs = before.iter().zip(after);
    let online = pairs.filter(|(was, is)| was.is_online() || is.is_online());
    online
        .map(|(was, is)| Some(signed(is.idle_time_ns?) - signed(was.idle_time_ns?)))
        .collect()
}

/// Checks that Σ vCPUs' CPU time = the domain's CPU time.
fn vcpu_sum(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.vcpu_sum",
        "a domain's CPU time against the sum of its vCPUs' CPU time",
        "for each vCPU, the time between reading the domain and reading the vCPU",
    );
    for domain in &interval.after.domains {
        let Some(vcpus) = domain.vcpus.as_deref().filter(|vcpus| !vcpus.is_empty()) else {
            continue;
        };
        let times = vcpus.iter().map(|vcpu| signed(vcpu.cpu_time_ns));
        let delay = |vcpu: &Vcpu| {
            let bracket = domain.stamp.around(vcpu.stamp);
            signed(bracket.uncertainty_ns.saturating_mul(2))
        };
        let numbers = Numbers::equal(
            Unit::Ns,
            signed(domain.cpu_time_ns),
            times.fold(0, i64::saturating_add),
            vcpus.iter().map(delay).fold(0, i64::saturating_add),
        );
        check.numbers(Some(domain.id), numbers, || {
            Fault::failed(format!(
                "{}: its vCPUs' CPU times do not add up",
                label(domain)
            ))
        });
    }
    check.finish("no domain has vCPUs")
}

/// Checks that no vCPU uses more than 100 %.
fn vcpu_limit(interval: &Interval<'_>) -> Vec<Found> {
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
                slack_ns: 0,
            };
            limit.compare(interval, &mut check, is, || {
                format!("{}: vCPU {} used more than 100 %", label(is), new.id)
            });
        }
    }
    check.finish("no vCPU is in both samples")
}

/// Checks that no domain uses more than its online vCPUs can.
fn domain_limit(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.domain_limit",
        "a domain's CPU time against its online vCPUs × the elapsed time",
        "online vCPUs × the uncertainty of both samples and of reading Xen's clock (500 ppm if it \
         cannot be read)",
    );
    for (was, is) in interval.pairs() {
        let online = was.vcpus_online.max(is.vcpus_online);
        domain_times(f64::from(online), was, is, 0).compare(interval, &mut check, is, || {
            format!("{}: it used more than {online} vCPUs can", label(is))
        });
    }
    check.finish("no domain is in both samples")
}

/// Checks that no counter decreases.
fn monotonic(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.monotonic",
        "CPU and idle times against those of the previous sample",
        "none: the counters only increase",
    );
    let rose = |old: u64, new: u64| Numbers::at_least(Unit::Ns, signed(old), signed(new), 0);
    for (was, is) in interval.pairs() {
        check.numbers(Some(is.id), rose(was.cpu_time_ns, is.cpu_time_ns), || {
            Fault::failed(format!("{}: its CPU time decreased", label(is)))
        });
        for (old, new) in vcpu_pairs(was, is) {
            check.numbers(Some(is.id), rose(old.cpu_time_ns, new.cpu_time_ns), || {
                Fault::failed(format!(
                    "{}: vCPU {}'s CPU time decreased",
                    label(is),
                    new.id
                ))
            });
        }
    }
    let (before, after) = (&interval.before.host.pcpu, &interval.after.host.pcpu);
    for (was, is) in before.iter().zip(after) {
        if let (Some(old), Some(new)) = (was.idle_time_ns, is.idle_time_ns) {
            check.numbers(None, rose(old, new), || {
                Fault::failed(format!("pCPU {}: its idle time decreased", is.id))
            });
        }
    }
    check.finish("nothing is in both samples")
}

/// Checks that no domain exceeds its cap.
fn cap(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.cap",
        "a domain's CPU time against its cap × the elapsed time",
        "the uncertainty of both samples, one period of the scheduler at the cap (credit2 10 ms, \
         credit 30 ms), and the overrun of each vCPU (0.5 ms, 30 ms)",
    );
    for (was, is) in interval.pairs() {
        if was.scheduling != is.scheduling {
            check.remark(format!("{}: its scheduling changed", label(is)));
            continue;
        }
        let (percent, period_ns, overrun_ns) = match is.scheduling {
            Some(Scheduling::Credit2 {
                cap_percent: Some(cap),
                ..
            }) => (cap, CREDIT2_PERIOD_NS, CREDIT2_SHORTEST_NS),
            Some(Scheduling::Credit {
                cap_percent: Some(cap),
                ..
            }) => (cap, CREDIT_PERIOD_NS, CREDIT_PERIOD_NS),
            _ => continue,
        };
        let granted = u64::from(percent).saturating_mul(period_ns) / 100;
        let overrun = u64::from(is.vcpus_online).saturating_mul(overrun_ns);
        let slack_ns = granted.saturating_add(overrun);
        let limit = domain_times(f64::from(percent) / 100.0, was, is, slack_ns);
        limit.compare(interval, &mut check, is, || {
            format!("{}: it used more than its cap of {percent} %", label(is))
        });
    }
    check.finish("no domain has a cap")
}

/// Checks that dom0's CPU time in Xen lies between its kernel's busy time, and that plus steal: the
/// kernel may count any time in which it waited for a pCPU as steal.
fn dom0(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.dom0",
        "dom0's CPU time in Xen against its kernel's time that is not idle, with and without steal",
        "half of the kernel's steal time, one tick of /proc/stat for each of idle, iowait and \
         steal, the uncertainty of both samples for each vCPU, and the time of two hypercalls (as \
         measured by reading Xen's clock) for each interrupt, but no more than the idle time",
    );
    let of = |snapshot: &Snapshot| {
        let dom0 = snapshot.domains.first().filter(|domain| domain.id.0 == 0);
        Some((dom0.cloned()?, snapshot.host.dom0?))
    };
    let (Some((was, old)), Some((is, new))) = (of(interval.before), of(interval.after)) else {
        return check.finish("dom0 or its kernel's times are unknown");
    };
    let rose = |old: Option<u64>, new: Option<u64>| Some(signed(new?) - signed(old?));
    let known = (|| {
        Some((
            Span::between(was.stamp.around(old.stamp), is.stamp.around(new.stamp))?,
            rose(old.idle_time_ns, new.idle_time_ns)?,
            rose(old.steal_time_ns, new.steal_time_ns)?,
            signed(new.tick_ns?),
        ))
    })();
    let Some((span, idle, steal, tick)) = known else {
        return check.finish("dom0's kernel does not report all of idle, iowait and steal");
    };
    if was.vcpus_online != is.vcpus_online {
        return check.finish("dom0's number of online vCPUs changed");
    }
    let vcpus = u64::from(is.vcpus_online);
    // The kernel counts by its own clock.
    let not_idle = signed(vcpus.saturating_mul(span.ns)).saturating_sub(idle);
    let not_idle = interval.by_xens_clock(not_idle);
    let bracket = signed(vcpus.saturating_mul(span.uncertainty_ns));
    // An interrupt that ends idleness, and the hypercall that starts it again, are dom0's time in
    // Xen and idle time in the kernel: two entries into Xen.
    let interrupts = rose(old.interrupts, new.interrupts).unwrap_or_default();
    let hypercalls = interval
        .hypercall_ns()
        .unwrap_or_default()
        .saturating_mul(2);
    let waking = interrupts.saturating_mul(hypercalls).min(idle);
    let numbers = Numbers::equal(
        Unit::Ns,
        not_idle.saturating_sub(steal / 2),
        signed(is.cpu_time_ns) - signed(was.cpu_time_ns),
        (steal / 2)
            .saturating_add(tick.saturating_mul(3))
            .saturating_add(bracket)
            .saturating_add(waking),
    );
    check.numbers(Some(is.id), numbers, || {
        Fault::warning(
            "Xen and dom0's kernel separate idle and busy time differently; a large difference means \
             that one of them counts wrongly",
        )
    });
    check.finish("")
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
        domain: &Domain,
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
        check.numbers(Some(domain.id), numbers, || Fault::failed(reason()));
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

/// Formats nanoseconds as milliseconds.
fn milliseconds(ns: i64) -> String {
    format!("{:.3} ms", ns as f64 / 1e6)
}
