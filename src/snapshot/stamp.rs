//! When something was read.

use serde::{Deserialize, Serialize};

/// When something was read: somewhere between `at_ns - uncertainty_ns` and
/// `at_ns + uncertainty_ns` on `CLOCK_MONOTONIC_RAW`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Nanoseconds on `CLOCK_MONOTONIC_RAW`: the midpoint between before and after.
    pub at_ns: u64,
    /// Nanoseconds: half the width between before and after.
    pub uncertainty_ns: u64,
}

impl Stamp {
    /// Returns the shortest bracket that contains both.
    pub fn around(self, other: Self) -> Self {
        let start = |stamp: Self| stamp.at_ns.saturating_sub(stamp.uncertainty_ns);
        let end = |stamp: Self| stamp.at_ns.saturating_add(stamp.uncertainty_ns);
        let (from, to) = (start(self).min(start(other)), end(self).max(end(other)));
        // Round up, so that the bracket contains both in full.
        let half = (to - from).div_ceil(2);
        Self {
            at_ns: from + half,
            uncertainty_ns: half,
        }
    }
}

/// A reading of the clock that Xen measures CPU time with (`NOW()` in Xen).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct XenClock {
    /// Nanoseconds since Xen booted, by Xen's clock.
    pub ns: u64,
    /// When it was read, on dom0's clock.
    pub stamp: Stamp,
}

/// A reading of one pCPU's own clock, from which Xen takes the time when it runs on that pCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PcpuClock {
    /// The pCPU's number.
    pub pcpu: u32,
    /// Nanoseconds since a moment that is the same for all pCPUs.
    pub ns: u64,
    /// When it was read, on dom0's clock.
    pub stamp: Stamp,
}
