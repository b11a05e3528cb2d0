//! The paths in XenStore that are watched.

use super::parse::number;
use crate::snapshot::{Collect, DomId, Domain, Identity, Pool};

/// The folder of dom0's backends.
pub(super) const BACKENDS: &str = "/local/domain/0/backend";

/// A path that is watched, or read when a watch fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum WatchedPath {
    /// `@introduceDomain`: a domain was introduced.
    Introduced,
    /// `@releaseDomain`: a domain shut down or was destroyed.
    Released,
    /// A key of the domain with this ID, whichever domain that is.
    Key(DomId, Key),
    /// The name of a CPU pool.
    Pool(u32),
    /// All backends of a kind.
    Backends(Kind),
    /// The backends of a kind of the domain with this ID. [`WatchedPath::Backends`] watches them.
    Served(DomId, Kind),
}

/// A key below `/local/domain/DOM`. All but the last are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Name,
    Target,
    StaticMax,
    Vm,
}

impl Key {
    pub(super) const ALL: [Self; 4] = [Self::Name, Self::Target, Self::StaticMax, Self::Vm];

    /// Returns the keys to read when this key's watch fires. A domain's UUID exists before its
    /// static maximum and never changes, so it is read with that.
    pub(super) fn read_with(self) -> &'static [Self] {
        match self {
            Self::Name => &[Self::Name],
            Self::Target => &[Self::Target],
            Self::StaticMax => &[Self::StaticMax, Self::Vm],
            Self::Vm => &[],
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Target => "memory/target",
            Self::StaticMax => "memory/static-max",
            Self::Vm => "vm",
        }
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

/// A backend of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Backend {
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
            Self::Key(domain, key) => format!("/local/domain/{domain}/{}", key.path()),
            Self::Pool(id) => format!("/local/pool/{id}/name"),
            Self::Backends(kind) => format!("{BACKENDS}/{}", kind.folder()),
            Self::Served(domain, kind) => format!("{BACKENDS}/{}/{domain}", kind.folder()),
        }
    }

    /// Returns whether this is a special watch, which is not a path.
    pub(super) fn is_special(self) -> bool {
        matches!(self, Self::Introduced | Self::Released)
    }

    /// Returns the ID of the domain that this path is about.
    pub(super) fn domain(self) -> Option<DomId> {
        match self {
            Self::Key(domain, _) | Self::Served(domain, _) => Some(domain),
            Self::Introduced | Self::Released | Self::Pool(_) | Self::Backends(_) => None,
        }
    }
}

/// What to watch.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// In the order of their IDs.
    pub(super) domains: Vec<Identity>,
    pub(super) pools: Vec<u32>,
    /// The part of it that XenStore supplies.
    pub(super) collect: Collect,
}

impl Wanted {
    /// Returns whether this is what a sample with these arguments wants.
    pub(super) fn fits(&self, domains: &[Domain], pools: &[Pool], collect: Collect) -> bool {
        let ids = domains.iter().map(Domain::identity);
        self.collect == collect
            && self.domains.iter().copied().eq(ids)
            && self
                .pools
                .iter()
                .copied()
                .eq(pools.iter().map(|pool| pool.id))
    }

    /// Returns the domain with this ID.
    pub(super) fn domain(&self, id: DomId) -> Option<Identity> {
        let found = self.domains.binary_search_by_key(&id, |domain| domain.id);
        found.ok().map(|at| self.domains[at])
    }

    /// Returns all paths. Folders of backends come before their content.
    pub(super) fn paths(&self) -> Vec<WatchedPath> {
        let all = self.collect;
        let kinds = |wanted: Collect| {
            let kinds = Kind::ALL.into_iter();
            kinds.filter(move |kind| match kind {
                Kind::Vif => wanted.macs,
                Kind::Vbd3 | Kind::Qdisk => wanted.disks,
            })
        };
        let mut paths: Vec<WatchedPath> = kinds(all.of_any()).map(WatchedPath::Backends).collect();
        if all.names {
            paths.extend(self.pools.iter().copied().map(WatchedPath::Pool));
        }
        for &identity in &self.domains {
            let (domain, wanted) = (identity.id, all.of(identity));
            let keys = [
                (wanted.names, Key::Name),
                (wanted.targets, Key::Target),
                (wanted.details, Key::StaticMax),
            ];
            let keys = keys.into_iter().filter(|(wanted, _)| *wanted);
            paths.extend(keys.map(|(_, key)| WatchedPath::Key(domain, key)));
            paths.extend(kinds(wanted).map(|kind| WatchedPath::Served(domain, kind)));
        }
        paths
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

    #[test]
    fn only_wanted_keys_are_watched() {
        let domain = crate::fixtures::domain(5, "web", 0, 0);
        let wanted = |collect| Wanted {
            domains: vec![domain.identity()],
            pools: vec![0],
            collect,
        };
        let paths = |collect| -> Vec<String> {
            let paths = wanted(collect).paths();
            paths.into_iter().map(WatchedPath::path).collect()
        };
        let names = Collect {
            names: true,
            ..Collect::default()
        };
        assert_eq!(paths(names), ["/local/pool/0/name", "/local/domain/5/name"]);
        // More keys are at further paths.
        let all = Collect {
            targets: true,
            details: true,
            ..names
        };
        let more = wanted(all).paths().into_iter();
        let more = more.filter(|path| !wanted(names).paths().contains(path));
        let keys: Vec<Key> = more
            .flat_map(|path| match path {
                WatchedPath::Key(_, key) => key.read_with(),
                _ => &[],
            })
            .copied()
            .collect();
        assert_eq!(keys, [Key::Target, Key::StaticMax, Key::Vm]);
        let macs = Collect {
            macs: true,
            ..Collect::default()
        };
        let vifs = "/local/domain/0/backend/vif";
        assert_eq!(paths(macs), [vifs.to_owned(), format!("{vifs}/5")]);
        assert!(paths(Collect::default()).is_empty());

        let another = crate::fixtures::domain(6, "db", 0, 0).identity();
        let mut both = wanted(Collect {
            focus: Some(another),
            ..names
        });
        both.domains.push(another);
        let about = |id| {
            let paths = both.paths().into_iter();
            paths
                .filter(|path| path.domain() == Some(DomId(id)))
                .collect::<Vec<_>>()
        };
        assert_eq!(about(5), [WatchedPath::Key(DomId(5), Key::Name)]);
        let other = DomId(6);
        let focus =
            [Key::Name, Key::Target, Key::StaticMax].map(|key| WatchedPath::Key(other, key));
        assert_eq!(about(6)[..3], focus);
        let served = Kind::ALL.map(|kind| WatchedPath::Served(other, kind));
        assert_eq!(about(6)[3..], served);

        let mut other = domain.clone();
        other.uuid = uuid::Uuid::nil();
        let now = wanted(names);
        let pool = Pool {
            id: 0,
            name: None,
            scheduler: crate::snapshot::Scheduler::Null,
            pcpus: Vec::new(),
            domains: 1,
        };
        let pools = [pool];
        let domains = [domain];
        assert!(now.fits(&domains, &pools, names));
        assert!(!now.fits(&domains, &pools, macs));
        assert!(!now.fits(&[other], &pools, names));
        let both = Wanted {
            domains: vec![
                domains[0].identity(),
                crate::fixtures::domain(9, "", 0, 0).identity(),
            ],
            ..now.clone()
        };
        assert_eq!(both.domain(DomId(9)), Some(both.domains[1]));
        assert_eq!(both.domain(DomId(7)), None);
        assert!(!now.fits(&domains, &[], names));
        assert!(!now.fits(&[], &pools, names));
    }
}
