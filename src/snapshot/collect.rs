//! What to collect in a sample.

use enum_map::{Enum, EnumMap};
use serde::{Deserialize, Serialize};

use super::device::{DiskCounter, counters};
use super::domain::Identity;

/// What to collect beyond the figures of the domains and the host, which cost one hypercall each.
///
/// A field that was not collected is `None` in the snapshot. A field that was stored by a version
/// without it reads as not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Collect {
    /// Names of domains and pools: a read in XenStore for each.
    pub names: bool,
    /// Memory targets: a read in XenStore for each domain.
    pub targets: bool,
    /// Static maxima, video memory, XenStore's UUIDs, and whom a stub domain serves: four reads in XenStore for each
    /// domain.
    pub details: bool,
    /// vCPUs: a hypercall for each.
    pub vcpus: bool,
    /// Affinities of vCPUs: another hypercall for each.
    pub affinities: bool,
    /// Scheduling parameters: a hypercall for each domain.
    pub scheduling: bool,
    /// Sizes of paging pools: a hypercall for each domain.
    pub paging_pools: bool,
    /// Which NICs there are, with their names.
    pub nics: bool,
    /// Counters of these NICs: one netlink dump for all, or a file for each counter.
    pub nic_counters: bool,
    /// Which disks there are, with their names.
    pub disks: bool,
    /// Counters of these disks: a file for each.
    #[serde(deserialize_with = "counters")]
    pub disk_counters: EnumMap<DiskCounter, bool>,
    /// Also the NICs and disks that other domains than dom0 serve, if there are any: two reads in
    /// XenStore for each domain, and one for each device.
    pub driver_domains: bool,
    /// MAC addresses of NICs: a read in XenStore for each.
    pub macs: bool,
    /// Topology of pCPUs, NUMA nodes, CPU pools, the hypervisor's build, and dom0's kernel.
    pub host: bool,
    /// Data that only an audit compares: Xen's clock and those of the pCPUs, the states of dom0's vCPUs,
    /// grant tables, shared and populate-on-demand memory, XenStore's lists, a read for each domain with
    /// a backend and for each vCPU, and the free memory a second time.
    pub audit_inputs: bool,
    /// How long vCPUs are in each state: traces with Xen's trace buffers from the first such sample on.
    pub state_times: bool,
    /// A domain about which everything but state times is collected, regardless of the other fields.
    pub focus: Option<Identity>,
}

impl Default for Collect {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Collect {
    /// Everything.
    pub const ALL: Self = Self::filled(true);

    /// Nothing beyond what every sample has.
    pub const NOTHING: Self = Self::filled(false);

    const fn filled(wanted: bool) -> Self {
        Self {
            names: wanted,
            targets: wanted,
            details: wanted,
            vcpus: wanted,
            affinities: wanted,
            scheduling: wanted,
            paging_pools: wanted,
            nics: wanted,
            nic_counters: wanted,
            disks: wanted,
            disk_counters: EnumMap::from_array([wanted; DiskCounter::LENGTH]),
            driver_domains: wanted,
            macs: wanted,
            host: wanted,
            audit_inputs: wanted,
            state_times: wanted,
            focus: None,
        }
    }

    /// Returns what `self` collects, and the disks with these counters.
    pub fn with_disk_counters(self, counters: &[DiskCounter]) -> Self {
        let mut with = Self {
            disks: true,
            ..self
        };
        with.disk_counters
            .extend(counters.iter().map(|&counter| (counter, true)));
        with
    }

    /// Returns what `self` or `other` collects. The focus is that of `self`.
    pub fn and(self, other: Self) -> Self {
        Self {
            names: self.names || other.names,
            targets: self.targets || other.targets,
            details: self.details || other.details,
            vcpus: self.vcpus || other.vcpus,
            affinities: self.affinities || other.affinities,
            scheduling: self.scheduling || other.scheduling,
            paging_pools: self.paging_pools || other.paging_pools,
            nics: self.nics || other.nics,
            nic_counters: self.nic_counters || other.nic_counters,
            disks: self.disks || other.disks,
            disk_counters: EnumMap::from_fn(|counter| {
                self.disk_counters[counter] || other.disk_counters[counter]
            }),
            driver_domains: self.driver_domains || other.driver_domains,
            macs: self.macs || other.macs,
            host: self.host || other.host,
            audit_inputs: self.audit_inputs || other.audit_inputs,
            state_times: self.state_times || other.state_times,
            focus: self.focus,
        }
    }

    /// Returns what is collected about this domain.
    pub fn of(self, domain: Identity) -> Self {
        if self.focus != Some(domain) {
            return self;
        }
        Self {
            host: self.host,
            audit_inputs: self.audit_inputs,
            state_times: self.state_times,
            focus: self.focus,
            ..Self::ALL
        }
    }

    /// Returns what is collected about at least one domain.
    pub fn of_any(self) -> Self {
        self.focus.map_or(self, |domain| self.of(domain))
    }

    /// Returns whether everything in `wanted` is collected. Ignores the focus.
    pub fn covers(self, wanted: Self) -> bool {
        self.and(wanted) == self
    }

    /// Returns the part that comes from XenStore.
    pub fn from_xenstore(self) -> Self {
        Self {
            vcpus: false,
            affinities: false,
            scheduling: false,
            paging_pools: false,
            nics: self.nics && self.driver_domains,
            nic_counters: false,
            disk_counters: Self::NOTHING.disk_counters,
            host: false,
            state_times: false,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::domain;

    #[test]
    fn only_the_focus_is_collected_in_full() {
        let [web, db] = [5, 6].map(|id| domain(id, "", 0, 0).identity());
        let names = Collect {
            names: true,
            ..Collect::default()
        };
        assert_eq!((names.of(web), names.of_any()), (names, names));
        let on_web = Collect {
            focus: Some(web),
            ..names
        };
        let all = Collect {
            host: false,
            audit_inputs: false,
            state_times: false,
            ..Collect {
                focus: Some(web),
                ..Collect::ALL
            }
        };
        assert_eq!((on_web.of(web), on_web.of_any()), (all, all));
        assert_eq!(on_web.of(db), on_web);
        let successor = Identity {
            uuid: db.uuid,
            ..web
        };
        assert_eq!(on_web.of(successor), on_web);
        assert!(on_web.of(web).covers(names) && on_web.of(db).covers(names));
        assert!(on_web.of(web).covers(all) && !on_web.of(db).covers(all));
    }

    #[test]
    fn each_counter_of_disks_is_collected_on_its_own() {
        let counters = [DiskCounter::ReadBytes, DiskCounter::Errors];
        let both = Collect::NOTHING.with_disk_counters(&counters);
        assert!(both.disks && !both.nics);
        let one = Collect::NOTHING.with_disk_counters(&counters[..1]);
        assert!(both.covers(one) && !one.covers(both) && Collect::ALL.covers(both));
        assert_eq!(one.with_disk_counters(&counters[1..]), both);
        assert_eq!(one.from_xenstore(), both.from_xenstore());
    }

    #[test]
    fn a_missing_field_is_false() {
        let stored: Collect = serde_json::from_str(r#"{"names":true,"later":true}"#).unwrap();
        let names = Collect {
            names: true,
            ..Collect::default()
        };
        assert_eq!(stored, names);
    }
}
