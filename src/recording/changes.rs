//! Writes what differs between a snapshot and the one before, so that what stands still is not walked again.

use serde::Serialize;

use super::bytes::Broken;
use super::children::{Children, Kind, Place};
use super::group::Group;
use super::tree::ROOT;
use crate::snapshot::{Disk, Domain, Nic, Snapshot, Stamp, Vcpu};

/// A value of which only the fields that differ are written.
pub(super) trait Changes {
    /// The names of all its fields.
    #[cfg(test)]
    const FIELDS: &[&str];

    /// Writes these fields. `node` has `before`, the value of the sample before.
    ///
    /// # Errors
    /// As for [`Group::push`], and if `node` has something else.
    fn write(&self, before: &Self, node: u32, group: &mut Group) -> Result<(), Broken>;
}

/// Each field has to be there, with the name that serde gives it, and in the order of the struct. `parts` are written by
/// their own fields, a `list` by its elements, and other fields in full.
macro_rules! changes {
    ($type:ident: $($key:literal $field:ident $($how:ident)?),+ $(,)?) => {
        impl Changes for $type {
            #[cfg(test)]
            const FIELDS: &[&str] = &[$($key),+];

            fn write(&self, before: &Self, node: u32, group: &mut Group) -> Result<(), Broken> {
                let Self { $($field),+ } = self;
                // The scratch node is below the root.
                let mut places = usize::from(node == ROOT)..;
                $(
                    let nth = places.next().unwrap_or_default();
                    if *$field != before.$field {
                        let field = group.field_before(node, $key, nth)?;
                        changes!(@ group, field, &before.$field, $field, $($how)?);
                    }
                )+
                Ok(())
            }
        }
    };
    (@ $group:ident, $node:ident, $before:expr, $now:ident,) => {
        $group.write(Place::Node($node), $now)?
    };
    (@ $group:ident, $node:ident, $before:expr, $now:ident, parts) => {
        $now.write($before, $node, $group)?
    };
    (@ $group:ident, $node:ident, $before:expr, $now:ident, list) => {
        list($before, $now, $node, $group)?
    };
    (@ $group:ident, $node:ident, $before:expr, $now:ident, list_if_known) => {
        match ($before, $now) {
            (Some(before), Some(now)) => list(before, now, $node, $group)?,
            _ => $group.write(Place::Node($node), $now)?,
        }
    };
}

changes! { Snapshot:
    "time" time, "boot" boot, "stamp" stamp parts, "collected" collected, "xen_clock" xen_clock, "host" host,
    "domains" domains list, "orphans" orphans, "listing" listing, "notes" notes,
}

changes! { Domain:
    "id" id, "uuid" uuid, "first_uuid" first_uuid, "name" name, "type" kind, "states" states,
    "vcpus_online" vcpus_online, "vcpus_max" vcpus_max, "cpu_time_ns" cpu_time_ns, "memory_bytes" memory_bytes,
    "memory_max_bytes" memory_max_bytes, "memory_claimed_bytes" memory_claimed_bytes,
    "memory_shared_bytes" memory_shared_bytes, "memory_paged_bytes" memory_paged_bytes,
    "paging_pool_bytes" paging_pool_bytes, "grant_table_bytes" grant_table_bytes, "pod" pod,
    "memory_static_max_bytes" memory_static_max_bytes, "memory_target_bytes" memory_target_bytes,
    "memory_videoram_bytes" memory_videoram_bytes, "xenstore_uuid" xenstore_uuid,
    "vcpus_available" vcpus_available, "target_domain" target_domain, "pool" pool, "ssid" ssid,
    "scheduling" scheduling, "vcpus" vcpus list_if_known, "state_times" state_times, "ready_ns" ready_ns,
    "ready_missed_changes" ready_missed_changes, "waited_for_ns" waited_for_ns,
    "nics" nics list_if_known, "disks" disks list_if_known, "stamp" stamp parts,
}

changes! { Nic:
    "id" id, "device" device, "backend_domain" backend_domain, "mac" mac, "counters" counters, "stamp" stamp parts,
}

changes! { Disk:
    "id" id, "device" device, "backend" backend, "backend_domain" backend_domain, "process" process,
    "storage" storage, "counters" counters, "stamp" stamp parts,
}

changes! { Vcpu:
    "id" id, "state" state, "pcpu" pcpu, "cpu_time_ns" cpu_time_ns, "hard_affinity" hard_affinity,
    "soft_affinity" soft_affinity, "state_times" state_times, "stamp" stamp parts,
}

changes! { Stamp:
    "at_ns" at_ns, "uncertainty_ns" uncertainty_ns,
}

/// Writes the elements that differ. `node` has the list of the sample before. Returns `node`.
fn list<T: Element>(before: &[T], now: &[T], node: u32, group: &mut Group) -> Result<u32, Broken> {
    let are_ordered = [before, now]
        .iter()
        .all(|list| list.is_sorted_by(|one, next| one.id() < next.id()));
    let mut children = Children::new(Place::Node(node), Kind::List);
    let mut before = before.iter().peekable();
    for (nth, now) in now.iter().enumerate() {
        while before.next_if(|one| one.id() < now.id()).is_some() {}
        let element = match before.peek() {
            Some(before) if are_ordered && before.id() == now.id() => {
                let element = group.element_before(node, now.id().into(), nth)?;
                now.write(before, element, group)?;
                element
            }
            _ => group.write(Place::Element(node, nth), now)?,
        };
        children.add(element, group)?;
    }
    children.finish(group)
}

/// An element of a list, which is ordered by the ID that is its first field.
trait Element: Serialize + Changes {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{equipped, vcpu};

    /// Asserts that serde writes the fields in the order in which they are listed.
    fn is_in_order<T: Changes + Serialize>(value: &T) {
        let mut group = Group::new();
        group.push(value).unwrap();
        // The scratch node is below the root.
        for (nth, name) in (1..).zip(T::FIELDS) {
            // It refuses a field in another place.
            group.field_before(ROOT, name, nth).unwrap();
        }
    }

    #[test]
    fn fields_are_in_the_order_of_the_struct() {
        let (_, snapshot) = equipped();
        is_in_order(&snapshot);
        is_in_order(&snapshot.stamp);
        is_in_order(&vcpu(0, 0, 0));
        let domains = || snapshot.domains.iter();
        is_in_order(&snapshot.domains[1]);
        is_in_order(
            domains()
                .find_map(|one| one.nics.as_ref()?.first())
                .unwrap(),
        );
        is_in_order(
            domains()
                .find_map(|one| one.disks.as_ref()?.first())
                .unwrap(),
        );
    }
}
