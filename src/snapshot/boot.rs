//! Which boot of the host a snapshot belongs to.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::stamp::XenClock;

/// How far apart the starts of one boot may come out: each is found by reading two clocks, one after
/// the other.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(1);

/// The boot of a host. Counters of two boots have nothing to do with each other, and neither have
/// domain IDs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// dom0's own name for its boot (`/proc/sys/kernel/random/boot_id`); `None` if it could not be
    /// read.
    pub dom0_boot_id: Option<Uuid>,
    /// Wall-clock time when Xen started, by dom0's clock and as far as that was right when it was
    /// read; `None` if Xen does not tell its uptime.
    pub xen_start: Option<Timestamp>,
}

impl Boot {
    /// Whether both are the same boot, as far as is known: by dom0's boot IDs; where one of them is
    /// missing, by the starts. If neither can be compared, only two boots of which nothing at all is
    /// known are the same: that is all that a process knows of the boot it runs in.
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
    /// The wall-clock time when Xen started, given the one when this was read; `None` if there is no
    /// such time.
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
    fn known_ids_decide_then_starts_then_that_nothing_is_known() {
        for (one, other, same) in [
            // The wall clock was set by an hour in between.
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
