//! A domain's NICs and disks, as their backends report them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Index, IndexMut};

use enum_map::{Enum, EnumArray, EnumMap};
use serde::de::{self, IntoDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::domid::DomId;
use super::stamp::Stamp;

/// The counters of a device, each `None` if dom0 does not report it. dom0 reports none of a device
/// that another domain serves.
pub type Counters<C> = EnumMap<C, Option<u64>>;

/// A counter of a virtual NIC, seen from the guest: `Rx` is what the guest received, which its
/// backend in dom0 counts as sent (`/sys/class/net/*/statistics`). All counters restart at 0 when
/// the frontend reconnects. [`crate::fields`] has their names and units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NicCounter {
    /// Bytes the guest received.
    RxBytes,
    /// Packets the guest received.
    RxPackets,
    /// Packets to the guest that failed.
    RxErrors,
    /// Packets to the guest that were dropped.
    RxDrops,
    /// Bytes the guest sent.
    TxBytes,
    /// Packets the guest sent.
    TxPackets,
    /// Packets from the guest that failed.
    TxErrors,
    /// Packets from the guest that were dropped.
    TxDrops,
    /// Packets from the guest that dom0's end of the NIC missed.
    TxMissed,
}

/// A counter of a virtual disk. [`crate::fields`] has their names and units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskCounter {
    /// Read requests: submitted under blkback, completed under tapdisk.
    ReadRequests,
    /// Write requests: submitted under blkback, completed under tapdisk.
    WriteRequests,
    /// Bytes read.
    ReadBytes,
    /// Bytes written.
    WriteBytes,
    /// Flush requests.
    FlushRequests,
    /// Discard requests.
    DiscardRequests,
    /// Requests that found no free slot in the backend (`oo_req`). They are not errors.
    OutOfSlots,
    /// Requests that failed.
    Errors,
    /// Total nanoseconds that the completed reads took.
    ReadTime,
    /// Total nanoseconds that the completed writes took.
    WriteTime,
}

/// A virtual NIC. `nic[NicCounter::RxBytes]` is one of its counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// Its number in the domain: the N of `backend/vif/DOM/N`.
    pub id: u32,
    /// The name of its interface in dom0. If dom0 does not see the interface, the name that Linux
    /// gives it at first: `vifDOM.N`.
    pub device: String,
    /// The domain that serves it: the one with the other end of the NIC.
    #[serde(default)]
    pub backend_domain: DomId,
    /// The guest's MAC address (`mac` of the backend in XenStore); `None` if it is not in XenStore
    /// or was not collected.
    pub mac: Option<String>,
    /// Its counters.
    #[serde(deserialize_with = "counters")]
    pub counters: Counters<NicCounter>,
    /// When its counters were read.
    pub stamp: Stamp,
}

/// A virtual disk. `disk[DiskCounter::ReadBytes]` is one of its counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Its number: the DEV of `backend/vbd/DOM/DEV` (51712 is xvda).
    pub id: u32,
    /// The guest's name for it, such as `xvda`.
    pub device: String,
    /// Its backend.
    pub backend: DiskBackend,
    /// The domain that serves it.
    #[serde(default)]
    pub backend_domain: DomId,
    /// The process in dom0 that serves it (`kthread-pid` of a `vbd3` backend in XenStore); `None`
    /// for other backends, and if it is not in XenStore.
    pub process: Option<u32>,
    /// Where XAPI keeps its data; `None` for other toolstacks, and if it is not in XenStore.
    #[serde(default)]
    pub storage: Option<Storage>,
    /// Its backend's counters.
    #[serde(deserialize_with = "counters")]
    pub counters: Counters<DiskCounter>,
    /// When its counters were read.
    pub stamp: Stamp,
}

/// Where XAPI keeps the data of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// The UUID of the storage repository (SR).
    pub repository: Uuid,
    /// The UUID of the virtual disk image (VDI).
    pub image: Uuid,
}

/// Reads what there is for each counter. Another version may have written it: what it did not know has its default, and
/// what this version does not know is ignored.
pub(super) fn counters<'de, C, V, D>(from: D) -> Result<EnumMap<C, V>, D::Error>
where
    C: EnumArray<V> + Deserialize<'de>,
    V: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    let mut counters = EnumMap::default();
    for (name, value) in BTreeMap::<String, V>::deserialize(from)? {
        let counter = C::deserialize(IntoDeserializer::<de::value::Error>::into_deserializer(
            name,
        ));
        if let Ok(counter) = counter {
            counters[counter] = value;
        }
    }
    Ok(counters)
}

impl Nic {
    /// Returns the name that Linux gives a NIC's interface at first (`xenvif_alloc`,
    /// drivers/net/xen-netback/interface.c).
    pub(crate) fn default_name(domain: DomId, id: u32) -> String {
        format!("vif{domain}.{id}")
    }
}

impl Disk {
    /// Returns a disk of dom0 whose counters are all `None`.
    pub fn without_counters(id: u32, device: String, backend: DiskBackend, stamp: Stamp) -> Self {
        Self {
            id,
            device,
            backend,
            backend_domain: DomId::DOM0,
            process: None,
            storage: None,
            counters: Counters::default(),
            stamp,
        }
    }
}

impl Index<NicCounter> for Nic {
    type Output = Option<u64>;

    fn index(&self, counter: NicCounter) -> &Option<u64> {
        &self.counters[counter]
    }
}

impl IndexMut<NicCounter> for Nic {
    fn index_mut(&mut self, counter: NicCounter) -> &mut Option<u64> {
        &mut self.counters[counter]
    }
}

impl Index<DiskCounter> for Disk {
    type Output = Option<u64>;

    fn index(&self, counter: DiskCounter) -> &Option<u64> {
        &self.counters[counter]
    }
}

impl IndexMut<DiskCounter> for Disk {
    fn index_mut(&mut self, counter: DiskCounter) -> &mut Option<u64> {
        &mut self.counters[counter]
    }
}

/// The kind of a disk's backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskBackend {
    /// The kernel's block backend (`vbd`).
    #[default]
    Blkback,
    /// tapdisk3 in user space (`vbd3`).
    Tapdisk,
    /// A device model, which publishes no counters (`qdisk`).
    Qdisk,
}

impl DiskBackend {
    /// Returns its name in JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blkback => "blkback",
            Self::Tapdisk => "tapdisk",
            Self::Qdisk => "qdisk",
        }
    }
}

impl fmt::Display for DiskBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
