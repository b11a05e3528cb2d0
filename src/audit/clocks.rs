//! The clocks of the pCPUs, from which Xen takes the time when it counts.

use super::check::{Check, Numbers};
use super::finding::{Finding, Unit, Verdict};
use super::interval::{Interval, signed};
use crate::snapshot::{Host, PcpuClock};

/// A pCPU's clock, and how many nanoseconds it shows more than dom0's.
type Ahead<'a> = (&'a PcpuClock, i64);

/// Checks that the pCPUs' clocks agree.
pub(super) fn checks(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::new(
        "cpu.clock_skew",
        "the earliest against the latest of the pCPUs' clocks",
        "the uncertainty of reading both",
    );
    let Some((earliest, latest)) = extremes(&interval.after.host) else {
        return check.finish("Xen does not let dom0 read the clocks of its pCPUs");
    };
    let apart = latest.1.saturating_sub(earliest.1);
    let uncertainty = [earliest, latest].map(|(clock, _)| signed(clock.stamp.uncertainty_ns));
    let tolerance = uncertainty.into_iter().fold(0, i64::saturating_add);
    let numbers = Numbers::at_most(Unit::Ns, 0, apart, tolerance);
    check.numbers(None, numbers, || {
        let reason = format!(
            "the clock of pCPU {} is behind that of pCPU {}: CPU time of vCPUs that change between \
             them is counted wrongly",
            earliest.0.pcpu, latest.0.pcpu
        );
        (Verdict::Warning, reason)
    });
    check.finish("")
}

/// Returns the clocks that are most behind and most ahead; `None` if they were not read.
fn extremes(host: &Host) -> Option<(Ahead<'_>, Ahead<'_>)> {
    let ahead = |clock: &PcpuClock| signed(clock.ns).saturating_sub(signed(clock.stamp.at_ns));
    let clocks = host.pcpu_clocks.iter().flatten();
    let mut clocks: Vec<_> = clocks.map(|clock| (clock, ahead(clock))).collect();
    clocks.sort_by_key(|&(_, ahead)| ahead);
    Some((*clocks.first()?, *clocks.last()?))
}
