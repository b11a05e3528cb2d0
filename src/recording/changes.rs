//! What differs between a snapshot and the one before, so that what stands still is not walked again.

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::snapshot::{Disk, Domain, Nic, Snapshot, Vcpu};

/// The field by which elements of a list are found.
pub(super) const ID: &str = "id";

/// The name of a struct whose skipped fields are as in the sample before.
pub(super) const CHANGES: &str = "changes";

/// A value of this sample, and what it was in the sample before.
#[derive(Debug)]
pub(super) struct Both<'a, T> {
    pub(super) before: &'a T,
    pub(super) now: &'a T,
}

/// Writes the fields that differ, and the ID. Each field has to be there, with the name that serde gives it. A `list` is
/// written by its elements.
macro_rules! both {
    ($type:ident: $($key:literal $field:ident $($how:ident)?),+ $(,)?) => {
        impl Serialize for Both<'_, $type> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $type { $($field),+ } = self.now;
                let mut fields = serializer.serialize_struct(CHANGES, 0)?;
                $(
                    // The ID says which element of a list it is.
                    if $key == ID || *$field != self.before.$field {
                        both!(@ fields, $key, &self.before.$field, $field, $($how)?);
                    } else {
                        fields.skip_field($key)?;
                    }
                )+
                fields.end()
            }
        }
    };
    (@ $fields:ident, $key:literal, $before:expr, $now:ident,) => {
        $fields.serialize_field($key, $now)?
    };
    (@ $fields:ident, $key:literal, $before:expr, $now:ident, list) => {
        $fields.serialize_field($key, &List { before: $before, now: $now })?
    };
    (@ $fields:ident, $key:literal, $before:expr, $now:ident, list_if_known) => {
        match ($before, $now) {
            (Some(before), Some(now)) => $fields.serialize_field($key, &List { before, now })?,
            _ => $fields.serialize_field($key, $now)?,
        }
    };
}

both! { Snapshot:
    "time" time, "boot" boot, "stamp" stamp, "collected" collected, "xen_clock" xen_clock, "host" host,
    "domains" domains list, "orphans" orphans, "listing" listing, "notes" notes,
}

both! { Domain:
    "id" id, "uuid" uuid, "first_uuid" first_uuid, "name" name, "type" kind, "states" states,
    "vcpus_online" vcpus_online, "vcpus_max" vcpus_max, "cpu_time_ns" cpu_time_ns, "memory_bytes" memory_bytes,
    "memory_max_bytes" memory_max_bytes, "memory_claimed_bytes" memory_claimed_bytes,
    "memory_shared_bytes" memory_shared_bytes, "memory_paged_bytes" memory_paged_bytes,
    "paging_pool_bytes" paging_pool_bytes, "grant_table_bytes" grant_table_bytes, "pod" pod,
    "memory_static_max_bytes" memory_static_max_bytes, "memory_target_bytes" memory_target_bytes,
    "memory_videoram_bytes" memory_videoram_bytes, "xenstore_uuid" xenstore_uuid,
    "vcpus_available" vcpus_available, "pool" pool, "ssid" ssid, "scheduling" scheduling,
    "vcpus" vcpus list_if_known, "state_times" state_times, "ready_ns" ready_ns, "waited_for_ns" waited_for_ns,
    "target_domain" target_domain, "ready_missed_changes" ready_missed_changes,
    "nics" nics list_if_known, "disks" disks list_if_known, "stamp" stamp,
}

both! { Nic:
    "id" id, "device" device, "backend_domain" backend_domain, "mac" mac, "counters" counters, "stamp" stamp,
}

both! { Disk:
    "id" id, "device" device, "backend" backend, "backend_domain" backend_domain, "process" process,
    "storage" storage, "counters" counters, "stamp" stamp,
}

both! { Vcpu:
    "id" id, "state" state, "pcpu" pcpu, "cpu_time_ns" cpu_time_ns, "hard_affinity" hard_affinity,
    "soft_affinity" soft_affinity, "state_times" state_times, "stamp" stamp,
}

/// A list of this sample, and of the sample before.
#[derive(Debug)]
struct List<'a, T> {
    before: &'a [T],
    now: &'a [T],
}

impl<T: Element> Serialize for List<'_, T>
where
    for<'b> Both<'b, T>: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut elements = serializer.serialize_seq(Some(self.now.len()))?;
        let are_ordered = [self.before, self.now]
            .iter()
            .all(|list| list.is_sorted_by(|one, next| one.id() < next.id()));
        let mut before = self.before.iter().peekable();
        for now in self.now {
            while before.next_if(|one| one.id() < now.id()).is_some() {}
            match before.peek() {
                Some(&before) if are_ordered && before.id() == now.id() => {
                    elements.serialize_element(&Both { before, now })?;
                }
                _ => elements.serialize_element(now)?,
            }
        }
        elements.end()
    }
}

/// An element of a list, which is ordered by the ID that is its first field.
trait Element: Serialize {
    fn id(&self) -> u32;
}

impl Element for Domain {
    fn id(&self) -> u32 {
        self.id.0.into()
    }
}

impl Element for Nic {
    fn id(&self) -> u32 {
        self.id
    }
}

impl Element for Disk {
    fn id(&self) -> u32 {
        self.id
    }
}

impl Element for Vcpu {
    fn id(&self) -> u32 {
        self.id
    }
}
