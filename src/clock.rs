//! The clock that rates are computed with.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::snapshot::Stamp;

/// Reads `CLOCK_MONOTONIC_RAW` in nanoseconds. Nobody can set it, and NTP does not adjust it.
fn now_ns() -> u64 {
    // Every Linux since 2.6.28 has this clock, so there is no failure to report.
    clock_gettime(ClockId::CLOCK_MONOTONIC_RAW)
        .map(|time| Duration::from(time).as_nanos() as u64)
        .unwrap_or_default()
}

/// Runs `work` and stamps it: the time is the midpoint of the call, the uncertainty half its
/// duration.
pub(crate) fn stamped<T>(work: impl FnOnce() -> T) -> (T, Stamp) {
    let before = now_ns();
    let done = work();
    let half = now_ns().saturating_sub(before) / 2;
    let stamp = Stamp {
        at_ns: before + half,
        uncertainty_ns: half,
    };
    (done, stamp)
}
