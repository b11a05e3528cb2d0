//! CPU time: all checks of it, and those of clocks.

use super::check::{Check, Numbers};
use super::conservation::{self, Start};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, drift, signed};
use super::limits;

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
