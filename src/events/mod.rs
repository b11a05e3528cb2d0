//! What happens to domains, found by looking again and again: each snapshot is held against what
//! was known before it.
//!
//! What comes and goes between two looks can't be seen, and nothing is told of it.

mod filter;
mod history;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::snapshot::{DomId, Identity, ShutdownReason};

pub use filter::Filter;
pub use history::History;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Wall-clock time of the look that found it.
    pub time: Timestamp,
    /// The domain that it happened to; `None` when it happened to none.
    pub domain: Option<Identity>,
    /// The domain's name, as known by then.
    pub name: Option<Arc<str>>,
    /// What happened.
    pub change: Change,
}

/// What happened. The names of variants and fields are those of the JSON lines.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Change {
    /// It was there at the first look at this boot of the host.
    Existing,
    /// It came. All that it comes with is told after this, as if it had come bare and paused: its
    /// name, its devices, and that it runs. vCPUs and memory are told when they change after it
    /// ran first.
    Created,
    /// It has a name now, and had none.
    Named,
    /// Its name is another one now.
    Renamed {
        /// The name before.
        old_name: Arc<str>,
    },
    /// The toolstack paused it.
    Paused,
    /// The toolstack lets it run.
    Unpaused,
    /// It shut down without crashing.
    Shutdown {
        /// Why, in the guest's own word.
        reason: ShutdownReason,
    },
    /// It shut down by crashing.
    Crashed,
    /// It had shut down and goes on, as after a checkpoint.
    Resumed,
    /// It went, or is dead and holds something still.
    Destroyed,
    /// It shut down to reboot, and came again under this id: its old end and its new beginning,
    /// with all that belongs to both.
    Rebooted {
        /// The id that it had.
        old_id: DomId,
    },
    /// Another number of its vCPUs is online.
    Vcpus {
        /// vCPUs online before.
        old_online: u32,
        /// vCPUs online now.
        online: u32,
    },
    /// Its balloon driver was asked to reach another size.
    MemoryTarget {
        /// Bytes before.
        old_bytes: u64,
        /// Bytes now.
        bytes: u64,
    },
    /// It may hold another amount of memory at most.
    MemoryMax {
        /// Bytes before; `None` for no limit.
        old_bytes: Option<u64>,
        /// Bytes now; `None` for no limit.
        bytes: Option<u64>,
    },
    /// A disk came.
    DiskAttached(Device),
    /// A disk went.
    DiskDetached(Device),
    /// A NIC came.
    NicAttached(Device),
    /// A NIC went.
    NicDetached(Device),
    /// XenStore does not answer any more; names, memory targets and disks that user space serves
    /// are as of now until it does.
    XenstoreLost {
        /// Why.
        why: String,
    },
    /// XenStore answers again.
    XenstoreBack {
        /// Nanoseconds for which it did not.
        blind_ns: u64,
    },
    /// The host booted since the look before: the domains of the boot before are gone, and those of
    /// this one exist. One that watches a running host never sees it.
    HostBooted {
        /// Wall-clock time when Xen started; `None` if Xen does not tell its uptime.
        xen_start: Option<Timestamp>,
    },
    /// The reader of the events was too slow, so some were not told.
    Dropped {
        /// How many.
        count: u64,
    },
}

/// A disk or a NIC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its number in the domain.
    #[serde(rename = "device_id")]
    pub id: u32,
    /// The disk as the guest calls it, or dom0's interface.
    pub device: String,
}
