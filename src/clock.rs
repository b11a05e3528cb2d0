//! The clock that rates are made with.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::snapshot::Stamp;

/// Nanoseconds on `CLOCK_MONOTONIC_RAW`, which no one sets and NTP does not slew.
fn now_ns() -> u64 {
    // A clock that every Linux since 2.6.28 has; its failure has no meaning to report.
    clock_gettime(ClockId::CLOCK_MONOTONIC_RAW)
        .map(|time| Duration::from(time).as_nanos() as u64)
        .unwrap_or_default()
}

/// Does `work` and says when that was.
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
