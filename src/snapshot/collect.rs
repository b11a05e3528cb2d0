//! What to collect in a sample.

use serde::{Deserialize, Serialize};

use super::domain::Identity;

/// What to collect beyond the figures of the domains and the host, which cost one hypercall each.
///
/// A field that was not collected is `None` in the snapshot. A field that was stored by a version
/// without it reads as not collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Collect {
    /// Names of domains and pools: a read in XenStore for each.
    pub names: bool,
    /// Memory targets: a read in XenStore for each domain.
    pub targets: bool,
    /// Static maxima and XenStore's UUIDs: two reads in XenStore for each domain.
    pub details: bool,
    /// vCPUs: a hypercall for each.
    pub vcpus: bool,
    /// Affinities of vCPUs: another hypercall for each.
    pub affinities: bool,
    /// Scheduling parameters and the size of the paging pool: two hypercalls for each domain.
    pub scheduling: bool,
    /// NICs: a few files for each.
    pub nics: bool,
    /// Disks: a few files for each.
    pub disks: bool,
    /// MAC addresses of NICs: a read in XenStore for each.
    pub macs: bool,
    /// Topology of pCPUs, NUMA nodes, CPU pools, the hypervisor's build, and dom0's kernel.
    pub host: bool,
    /// Data that only an audit compares: Xen's clock, XenStore's lists, a read for each domain with
    /// a backend and for each vCPU, and the free memory a second time.
    pub audit_inputs: bool,
    /// A domain about which everything is collected, regardless of the other fields.
    pub focus: Option<Identity>,
}

impl Collect {
    /// Everything.
    pub const ALL: Self = Self {
        names: true,
        targets: true,
        details: true,
        vcpus: true,
        affinities: true,
        scheduling: true,
        nics: true,
        disks: true,
        macs: true,
        host: true,
        audit_inputs: true,
        focus: None,
    };

    /// Returns what `self` or `other` collects. The focus is that of `self`.
    pub fn and(self, other: Self) -> Self {
        Self {
            names: self.names || other.names,
            targets: self.targets || other.targets,
            details: self.details || other.details,
            vcpus: self.vcpus || other.vcpus,
            affinities: self.affinities || other.affinities,
            scheduling: self.scheduling || other.scheduling,
            nics: self.nics || other.nics,
            disks: self.disks || other.disks,
            macs: self.macs || other.macs,
            host: self.host || other.host,
            audit_inputs: self.audit_inputs || other.audit_inputs,
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
        let pairs = [
            (self.names, wanted.names),
            (self.targets, wanted.targets),
            (self.details, wanted.details),
            (self.vcpus, wanted.vcpus),
            (self.affinities, wanted.affinities),
            (self.scheduling, wanted.scheduling),
            (self.nics, wanted.nics),
            (self.disks, wanted.disks),
            (self.macs, wanted.macs),
            (self.host, wanted.host),
            (self.audit_inputs, wanted.audit_inputs),
        ];
        pairs
            .iter()
            .all(|(collected, wanted)| *collected || !wanted)
    }

    /// Returns the part that comes from XenStore.
    pub fn from_xenstore(self) -> Self {
        Self {
            vcpus: false,
            affinities: false,
            scheduling: false,
            nics: false,
            host: false,
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
    fn a_missing_field_is_false() {
        let stored: Collect = serde_json::from_str(r#"{"names":true,"later":true}"#).unwrap();
        let names = Collect {
            names: true,
            ..Collect::default()
        };
        assert_eq!(stored, names);
    }
}
