//! CPU time: all checks of it, and those of clocks.

use super::check::{Check, Numbers};
use super::conservation::{self, Start};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, Skew, drift, signed};
use super::limits;

pub(super) fn checks(interval: &Interval<'_>, start: &Start) -> Vec<Found> {
    [
        clock_skew(interval),
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
    ]
    .concat()
}

/// Checks that the pCPUs' clocks agree.
fn clock_skew(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.clock_skew",
        "the earliest against the latest of the pCPUs' clocks",
        "the uncertainty of reading both",
    );
    let Some(skew) = Skew::of(&interval.after.host) else {
        return check.finish("Xen does not let dom0 read the clocks of its pCPUs");
    };
    let (behind, ahead) = (skew.behind, skew.ahead);
    let numbers = Numbers::at_most(Unit::Ns, 0, skew.ns, skew.uncertainty_ns);
    check.numbers(None, numbers, || {
        Fault::warning(format!(
            "the clock of pCPU {} is behind that of pCPU {}: CPU time of vCPUs that one of \
             them wakes and the other runs is counted wrongly",
            behind.pcpu, ahead.pcpu
        ))
    });
    let earlier = Skew::of(&interval.before.host);
    let skews = [earlier.as_ref(), Some(&skew)].into_iter().flatten();
    let coarsest = skews.filter(|skew| !skew.is_close());
    if let Some(ns) = coarsest.map(|skew| skew.uncertainty_ns).max() {
        check.remark(format!(
            "the clocks were read to {:.1} ms only: while they may differ by so much, CPU time that is lost is no failure",
            ns as f64 / 1e6
        ));
    }
    check.finish("")
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
