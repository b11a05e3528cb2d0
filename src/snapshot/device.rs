//! A domain's NICs and disks as dom0 serves them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Stamp;

/// A virtual NIC, seen from the guest: `rx` is what the guest received, which its backend in dom0
/// counts as sent (`/sys/class/net/*/statistics`). Counters start at 0 again when the frontend
/// connects anew. A counter is `None` when dom0's kernel does not say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// Its number in the domain: the N of `backend/vif/DOM/N`.
    pub id: u32,
    /// What dom0 calls its interface.
    pub device: String,
    /// The guest's MAC address (`mac` of the backend in XenStore); `None` when XenStore did not
    /// say, or no one asked.
    pub mac: Option<String>,
    /// Bytes the guest received.
    pub rx_bytes: Option<u64>,
    /// Packets the guest received.
    pub rx_packets: Option<u64>,
    /// Packets to the guest that failed.
    pub rx_errors: Option<u64>,
    /// Packets to the guest that were dropped.
    pub rx_drops: Option<u64>,
    /// Bytes the guest sent.
    pub tx_bytes: Option<u64>,
    /// Packets the guest sent.
    pub tx_packets: Option<u64>,
    /// Packets from the guest that failed.
    pub tx_errors: Option<u64>,
    /// Packets from the guest that were dropped.
    pub tx_drops: Option<u64>,
    /// When its counters were read.
    pub stamp: Stamp,
}

/// A virtual disk. A counter is `None` when its backend does not say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Its number: the DEV of `backend/vbd/DOM/DEV` (51712 is xvda).
    pub id: u32,
    /// What the guest calls it, such as `xvda`.
    pub device: String,
    /// What serves it.
    pub backend: DiskBackend,
    /// The process in dom0 that serves it (`kthread-pid` of a `vbd3` backend in XenStore); `None`
    /// for other backends, and when XenStore did not say.
    pub process: Option<u32>,
    /// Read requests: submitted under blkback, completed under tapdisk.
    pub read_requests: Option<u64>,
    /// Write requests: submitted under blkback, completed under tapdisk.
    pub write_requests: Option<u64>,
    /// Bytes read.
    pub read_bytes: Option<u64>,
    /// Bytes written.
    pub write_bytes: Option<u64>,
    /// Flush requests.
    pub flush_requests: Option<u64>,
    /// Discard requests.
    pub discard_requests: Option<u64>,
    /// How often a request found no free slot in the backend; no error (`oo_req`).
    pub out_of_slots: Option<u64>,
    /// Requests that failed.
    pub errors: Option<u64>,
    /// Nanoseconds that the completed reads took, all together.
    pub read_time_ns: Option<u64>,
    /// Nanoseconds that the completed writes took, all together.
    pub write_time_ns: Option<u64>,
    /// When its counters were read.
    pub stamp: Stamp,
}

impl Disk {
    /// A disk of whose counters nothing is known.
    pub fn without_counters(id: u32, device: String, backend: DiskBackend, stamp: Stamp) -> Self {
        Self {
            id,
            device,
            backend,
            process: None,
            read_requests: None,
            write_requests: None,
            read_bytes: None,
            write_bytes: None,
            flush_requests: None,
            discard_requests: None,
            out_of_slots: None,
            errors: None,
            read_time_ns: None,
            write_time_ns: None,
            stamp,
        }
    }
}

/// What serves a disk in dom0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskBackend {
    /// The kernel's block backend (`vbd`).
    #[default]
    Blkback,
    /// tapdisk3 in dom0's user space (`vbd3`).
    Tapdisk,
    /// A device model, which publishes no counters (`qdisk`).
    Qdisk,
}

impl DiskBackend {
    /// Whether it publishes counters at all.
    pub fn counts(self) -> bool {
        self != Self::Qdisk
    }
}

impl fmt::Display for DiskBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Blkback => "blkback",
            Self::Tapdisk => "tapdisk",
            Self::Qdisk => "qdisk",
        })
    }
}
