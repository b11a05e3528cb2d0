//! The clocks of the pCPUs, from which Xen takes the time when it counts.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, Skew};

/// Checks that the pCPUs' clocks agree.
pub(super) fn checks(interval: &Interval<'_>) -> Vec<Found> {
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
    check.finish("")
}
