//! The paths in XenStore that are read, and watched by a command that goes on.

use super::parse::number;
use crate::snapshot::{DomId, Listing};

/// The folder of dom0's backends.
const BACKENDS: &str = Listing::BACKENDS;

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
    /// All backends of a kind.
    Backends(Kind),
    /// The backends of a kind of the domain with this ID. [`WatchedPath::Backends`] watches them.
    Served(DomId, Kind),
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
}

impl Key {
    pub(super) const ALL: [Self; 5] = [
        Self::Name,
        Self::Target,
        Self::StaticMax,
        Self::Videoram,
        Self::Vm,
    ];

    /// The memory target, and what is read with it.
    pub(super) const WITH_TARGET: [Self; 4] =
        [Self::Target, Self::StaticMax, Self::Videoram, Self::Vm];

    /// Returns the path of this key of a domain.
    pub(super) fn path(self, domain: DomId) -> String {
        let key = match self {
            Self::Name => "name",
            Self::Target => "memory/target",
            Self::StaticMax => "memory/static-max",
            Self::Videoram => "memory/videoram",
            Self::Vm => "vm",
        };
        format!("/local/domain/{domain}/{key}")
    }
}

/// A kind of backends in dom0: a folder below [`BACKENDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// NICs.
    Vif,
    /// Disks that tapdisk3 serves.
    Vbd3,
    /// Disks that a device model serves.
    Qdisk,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Vif, Self::Vbd3, Self::Qdisk];

    fn folder(self) -> &'static str {
        match self {
            Self::Vif => "vif",
            Self::Vbd3 => "vbd3",
            Self::Qdisk => "qdisk",
        }
    }

    /// Returns the key that holds what is shown of such a backend: a NIC's MAC, a disk's name.
    pub(super) fn shown_key(self) -> &'static str {
        match self {
            Self::Vif => "mac",
            Self::Vbd3 | Self::Qdisk => "dev",
        }
    }

    /// Returns the domain that has a backend of this kind at `path` or above it.
    pub(super) fn domain_of(self, path: &str) -> Option<DomId> {
        let mut rest = path
            .strip_prefix(BACKENDS)?
            .strip_prefix('/')?
            .strip_prefix(self.folder())?
            .strip_prefix('/')?
            .split('/');
        number(rest.next()?).map(DomId)
    }
}

/// A device of a domain, by its backend in dom0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// Its number in its domain.
    pub(super) id: u32,
    /// The value of [`Kind::shown_key`].
    pub(super) value: Option<String>,
    /// A disk's `kthread-pid`.
    pub(super) process: Option<u32>,
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
            Self::Backends(kind) => format!("{BACKENDS}/{}", kind.folder()),
            Self::Served(domain, kind) => format!("{BACKENDS}/{}/{domain}", kind.folder()),
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
        !matches!(self, Self::Served(..) | Self::Available(_) | Self::Listing)
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
            | Self::Served(domain, _)
            | Self::Available(domain) => Some(domain),
            Self::Introduced
            | Self::Released
            | Self::Pool(_)
            | Self::Backends(_)
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
    }
}
