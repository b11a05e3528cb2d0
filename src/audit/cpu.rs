//! CPU time: all checks of it, and those of clocks.

use super::check::{Check, Numbers};
use super::conservation::{self, Start};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, drift, signed};
use super::limits;
use crate::rates::Span;
use crate::snapshot::Snapshot;

pub(super) fn checks(interval: &Interval<'_>, start: &Start) -> Vec<Found> {
    [
        clock(interval),
        conservation::over_interval(interval),
        conservation::since_first(interval, start),
        conservation::pools(interval),
        limits::vcpu_sum(interval),
        limits::vcpu_limit(interval),
        limits::domain_limit(interval),
        limits::idle_limit(interval),
        limits::monotonic(interval),
        limits::cap(interval),
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
