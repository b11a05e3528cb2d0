//! The paths in XenStore that are read, and watched by a command that goes on.

use super::parse::number;
use crate::snapshot::{DiskBackend, DomId, Listing, Storage};

/// A path whose content is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum WatchedPath {
    /// `@introduceDomain`: a domain was introduced.
    Introduced,
    /// `@releaseDomain`: a domain shut down or was destroyed.
    Released,
    /// The name of the domain with this ID, whichever domain that is.
    Name(DomId),
    /// The memory target of the domain with this ID, and what is read with it.
    Target(DomId),
    /// The name of a CPU pool.
    Pool(u32),
    /// The folder of a kind, with the devices of all domains.
    Devices(Kind),
    /// The devices of a kind of the domain with this ID. [`WatchedPath::Devices`] watches them.
    DevicesOf(DomId, Kind),
    /// The availability of the vCPUs of the domain with this ID. Nothing watches it.
    Available(DomId),
    /// The domains and backends that XenStore lists. Nothing watches them.
    Listing,
}

/// A key below `/local/domain/DOM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Name,
    Target,
    StaticMax,
    Videoram,
    Vm,
    /// The domain whose device model a stub domain runs.
    TargetDomain,
}

impl Key {
    pub(super) const ALL: [Self; 6] = [
        Self::Name,
        Self::Target,
        Self::StaticMax,
        Self::Videoram,
        Self::Vm,
        Self::TargetDomain,
    ];

    /// The memory target, and what is read with it.
    pub(super) const WITH_TARGET: [Self; 5] = [
        Self::Target,
        Self::StaticMax,
        Self::Videoram,
        Self::Vm,
        Self::TargetDomain,
    ];

    /// Returns the path of this key of a domain.
    pub(super) fn path(self, domain: DomId) -> String {
        let key = match self {
            Self::Name => "name",
            Self::Target => "memory/target",
            Self::StaticMax => "memory/static-max",
            Self::Videoram => "memory/videoram",
            Self::Vm => "vm",
            Self::TargetDomain => "target",
        };
        format!("/local/domain/{domain}/{key}")
    }
}

/// A folder with the devices of all domains, which only dom0 writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// NICs that dom0 serves.
    Vif,
    /// Disks that tapdisk3 serves in dom0.
    Vbd3,
    /// Disks that a device model serves in dom0.
    Qdisk,
    /// libxl's record of who serves each device (`libxl__device_generic_add` in
    /// tools/libs/light/libxl_device.c). It has a copy of the backend's keys.
    Libxl,
    /// xenopsd's (`add_device` in ocaml/xenopsd/xc/device.ml). It has no copy.
    Xenopsd,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Vif,
        Self::Vbd3,
        Self::Qdisk,
        Self::Libxl,
        Self::Xenopsd,
    ];

    /// Returns the path of the folder.
    fn folder(self) -> &'static str {
        match self {
            Self::Vif => "/local/domain/0/backend/vif",
            Self::Vbd3 => "/local/domain/0/backend/vbd3",
            Self::Qdisk => "/local/domain/0/backend/qdisk",
            Self::Libxl => "/libxl",
            Self::Xenopsd => "/xenops/domain",
        }
    }

    /// Returns the path of a domain's devices.
    fn of(self, domain: DomId) -> String {
        let folder = self.folder();
        match self {
            Self::Vif | Self::Vbd3 | Self::Qdisk => format!("{folder}/{domain}"),
            Self::Libxl | Self::Xenopsd => format!("{folder}/{domain}/device"),
        }
    }

    /// Returns the domain whose devices are at `path`, or close to it.
    pub(super) fn domain_of(self, path: &str) -> Option<DomId> {
        let mut rest = path
            .strip_prefix(self.folder())?
            .strip_prefix('/')?
            .split('/');
        number(rest.next()?).map(DomId)
    }
}

/// A device of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// Its number in its domain.
    pub(super) id: u32,
    /// The backend if it is a disk; `None` if it is a NIC.
    pub(super) disk: Option<DiskBackend>,
    /// The domain that serves it.
    pub(super) backend_domain: DomId,
    /// A NIC's MAC, a disk's name.
    pub(super) value: Option<String>,
    /// The process in dom0 that serves a disk (`kthread-pid`).
    pub(super) process: Option<u32>,
    /// Where XAPI keeps a disk's data (`params`).
    pub(super) storage: Option<Storage>,
}

impl WatchedPath {
    /// Returns the path as XenStore has it.
    pub(super) fn path(self) -> String {
        match self {
            Self::Introduced => "@introduceDomain".to_owned(),
            Self::Released => "@releaseDomain".to_owned(),
            Self::Name(domain) => Key::Name.path(domain),
            Self::Target(domain) => Key::Target.path(domain),
            Self::Pool(id) => format!("/local/pool/{id}/name"),
            Self::Devices(kind) => kind.folder().to_owned(),
            Self::DevicesOf(domain, kind) => kind.of(domain),
            Self::Available(domain) => format!("/local/domain/{domain}/cpu"),
            Self::Listing => Listing::DOMAINS.to_owned(),
        }
    }

    /// Returns whether this is a special watch, which is not a path.
    pub(super) fn is_special(self) -> bool {
        matches!(self, Self::Introduced | Self::Released)
    }

    /// Returns whether this path has a watch of its own.
    pub(super) fn has_watch(self) -> bool {
        !matches!(
            self,
            Self::DevicesOf(..) | Self::Available(_) | Self::Listing
        )
    }

    /// Returns whether only an audit reads this.
    pub(super) fn is_for_audits(self) -> bool {
        matches!(self, Self::Available(_) | Self::Listing)
    }

    /// Returns the ID of the domain that this path is about.
    pub(super) fn domain(self) -> Option<DomId> {
        match self {
            Self::Name(domain)
            | Self::Target(domain)
            | Self::DevicesOf(domain, _)
            | Self::Available(domain) => Some(domain),
            Self::Introduced
            | Self::Released
            | Self::Pool(_)
            | Self::Devices(_)
            | Self::Listing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watch_names_the_domain_of_a_backend() {
        let domain = |path: &str| Kind::Qdisk.domain_of(path);
        let backends = "/local/domain/0/backend";
        assert_eq!(
            domain(&format!("{backends}/qdisk/5/51712/dev")),
            Some(DomId(5))
        );
        assert_eq!(domain(&format!("{backends}/qdisk/5")), Some(DomId(5)));
        for path in [
            "qdisk",
            "qdisk/",
            "qdisk/x",
            "qdisk/70000",
            "qdisk/05",
            "qdisk/+5",
            "qdisks/5",
            "vif/5/0",
        ] {
            assert_eq!(domain(&format!("{backends}/{path}")), None, "{path}");
        }
        assert_eq!(domain("/local/domain/5/device/qdisk/5"), None);
        let device = "/libxl/5/device/vif/0/backend";
        assert_eq!(Kind::Libxl.domain_of(device), Some(DomId(5)));
        assert_eq!(Kind::Libxl.domain_of("/libxl"), None);
        let device = "/xenops/domain/5/device/vif/0";
        assert_eq!(Kind::Xenopsd.domain_of(device), Some(DomId(5)));
    }
}
