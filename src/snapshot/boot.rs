//! Which boot of the host a snapshot belongs to.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::stamp::XenClock;

/// The largest difference between two start times of one boot. Each is computed from two clocks
/// that are read one after the other.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(1);

/// A boot of a host. Counters and domain IDs of different boots can't be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// dom0's boot ID (`/proc/sys/kernel/random/boot_id`); `None` if it could not be read.
    pub dom0_boot_id: Option<Uuid>,
    /// Wall-clock time when Xen started, as accurate as dom0's clock was at the time of reading;
    /// `None` if Xen does not report its uptime.
    pub xen_start: Option<Timestamp>,
}

impl Boot {
    /// Returns whether both are the same boot. Compares dom0's boot IDs, or the start times if an
    /// ID is missing. If neither can be compared, the boots are the same only if both are entirely
    /// unknown, as two samples of one process can be.
    pub fn is_same(&self, other: &Self) -> bool {
        if let (Some(id), Some(other)) = (self.dom0_boot_id, other.dom0_boot_id) {
            return id == other;
        }
        if let (Some(start), Some(other)) = (self.xen_start, other.xen_start) {
            return start.duration_since(other).abs() <= TOLERANCE;
        }
        self == other
    }
}

impl XenClock {
    /// Returns the wall-clock time when Xen started. `read_at` is the wall-clock time when this
    /// clock was read. `None` if the result is out of range.
    pub fn xen_start(self, read_at: Timestamp) -> Option<Timestamp> {
        let uptime = SignedDuration::from_nanos(self.ns.try_into().ok()?);
        read_at.checked_sub(uptime).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::snapshot::Stamp;

    fn boot(id: Option<u128>, start_ms: Option<i64>) -> Boot {
        Boot {
            dom0_boot_id: id.map(Uuid::from_u128),
            xen_start: start_ms.map(|ms| Timestamp::from_millisecond(ms).unwrap()),
        }
    }

    #[test]
    fn boot_ids_are_compared_before_starts() {
        for (one, other, same) in [
            // The wall clock was changed by an hour between them.
            (boot(Some(1), Some(0)), boot(Some(1), Some(3_600_000)), true),
            (boot(Some(1), Some(0)), boot(Some(2), Some(0)), false),
            (boot(Some(1), Some(0)), boot(None, Some(1000)), true),
            (boot(Some(1), Some(0)), boot(None, Some(1001)), false),
            (boot(None, Some(1000)), boot(None, Some(0)), true),
            (boot(None, None), boot(None, None), true),
            (boot(Some(1), None), boot(None, None), false),
            (boot(None, Some(0)), boot(None, None), false),
            (boot(Some(1), None), boot(None, Some(0)), false),
        ] {
            assert_eq!(one.is_same(&other), same, "{one:?} {other:?}");
            assert_eq!(other.is_same(&one), same, "{other:?} {one:?}");
        }
    }

    #[test]
    fn xen_started_its_uptime_ago() {
        let clock = |ns| XenClock {
            ns,
            stamp: Stamp::default(),
        };
        let now = Timestamp::from_second(1_000_000).unwrap();
        let start = Timestamp::from_second(999_990).unwrap();
        assert_eq!(clock(10_000_000_000).xen_start(now), Some(start));
        assert_eq!(clock(u64::MAX).xen_start(now), None);
        assert_eq!(clock(i64::MAX as u64).xen_start(Timestamp::MIN), None);
    }
}
