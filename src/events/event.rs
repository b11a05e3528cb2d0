//! What an event is.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::snapshot::{DomId, Identity, ShutdownReason};

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The wall-clock time of the sample that showed it.
    pub time: Timestamp,
    /// The domain; `None` for an event of XenStore or of the reader.
    pub domain: Option<Identity>,
    /// The domain's name at that time; `None` if it has none or it is unknown.
    pub name: Option<Arc<str>>,
    /// What changed.
    pub change: Change,
}

/// A change. The names of variants and fields are those of the JSON lines.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Change {
    /// The domain existed at the first sample of this boot of the host.
    Existing,
    /// The domain was created. Its name, its devices and its start follow as separate events, as if
    /// it had been created paused and without them. vCPUs and memory follow only if they change
    /// after it first ran.
    Created,
    /// The domain got its first name.
    Named,
    /// The domain's name changed.
    Renamed {
        /// The previous name.
        old_name: Arc<str>,
    },
    /// The toolstack paused the domain.
    Paused,
    /// The toolstack unpaused the domain.
    Unpaused,
    /// The domain shut down without a crash.
    Shutdown {
        /// The guest's reason.
        reason: ShutdownReason,
    },
    /// The domain crashed.
    Crashed,
    /// The domain runs again after a shutdown, for example after a checkpoint.
    Resumed,
    /// The domain no longer exists, or is dying.
    Destroyed,
    /// The domain shut down to reboot, and was created again with this ID. This event replaces all
    /// events of the shutdown and of the start.
    Rebooted {
        /// The previous ID.
        old_id: DomId,
    },
    /// The number of online vCPUs changed.
    Vcpus {
        /// vCPUs online before.
        old_online: u32,
        /// vCPUs online now.
        online: u32,
    },
    /// The balloon driver's target changed.
    MemoryTarget {
        /// Bytes before.
        old_bytes: u64,
        /// Bytes now.
        bytes: u64,
    },
    /// The memory limit changed.
    MemoryMax {
        /// Bytes before; `None` means no limit.
        old_bytes: Option<u64>,
        /// Bytes now; `None` means no limit.
        bytes: Option<u64>,
    },
    /// The weight changed under credit or credit2.
    Weight {
        /// The weight before.
        old_weight: u16,
        /// The weight now.
        weight: u16,
    },
    /// The cap changed under credit or credit2.
    Cap {
        /// Per cent of one pCPU before; `None` means no cap.
        old_cap_percent: Option<u16>,
        /// Per cent of one pCPU now; `None` means no cap.
        cap_percent: Option<u16>,
    },
    /// A disk was attached.
    DiskAttached(Device),
    /// A disk was detached.
    DiskDetached(Device),
    /// A NIC was attached.
    NicAttached(Device),
    /// A NIC was detached.
    NicDetached(Device),
    /// XenStore does not answer. Until it does, names, memory targets and disks that user space
    /// serves are the last known ones.
    XenstoreLost {
        /// Why.
        why: String,
    },
    /// What is known of XenStore is up to date again, after it did not answer or this program was
    /// stopped.
    XenstoreBack {
        /// Nanoseconds for which it was not.
        blind_ns: u64,
    },
    /// The host booted since the previous sample: the domains of the previous boot are gone, and
    /// those of this one exist. Only a recording has this event.
    HostBooted {
        /// The wall-clock time when Xen started; `None` if Xen's clock could not be read.
        xen_start: Option<Timestamp>,
    },
    /// Events were dropped because their reader is too slow.
    Dropped {
        /// The number of dropped events.
        count: u64,
    },
}

/// A disk or a NIC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// The number in the domain.
    #[serde(rename = "device_id")]
    pub id: u32,
    /// The disk's name in the guest, or the NIC's name in dom0.
    pub device: String,
}
