//! What the samples want to know from XenStore.

use super::query::Query;
use super::watched_path::{Key, Kind, WatchedPath};
use crate::snapshot::{Collect, DomId, Domain, Identity, Pool};

/// What to read, and whether to watch it.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// In the order of their IDs.
    pub(super) domains: Vec<Identity>,
    pub(super) pools: Vec<u32>,
    /// The part of it that XenStore supplies.
    pub(super) collect: Collect,
    /// Whether to read only what XenStore lists, and nothing else of this.
    pub(super) only_listing: bool,
    /// Whether to read again what changes. Otherwise each sample reads everything.
    pub(super) watch: bool,
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

    /// Returns all paths. Folders of devices come before their content.
    pub(super) fn paths(&self) -> Vec<WatchedPath> {
        let all = self.collect;
        let kinds = |wanted: Collect| {
            let kinds = Kind::ALL.into_iter();
            kinds.filter(move |kind| match kind {
                Kind::Vif => wanted.macs,
                Kind::Vbd3 | Kind::Qdisk => wanted.disks,
                Kind::Libxl | Kind::Xenopsd => {
                    wanted.driver_domains && (wanted.nics || wanted.disks)
                }
            })
        };
        if self.only_listing {
            return vec![WatchedPath::Listing];
        }
        let mut paths: Vec<WatchedPath> = kinds(all.of_any()).map(WatchedPath::Devices).collect();
        // An audit compares names with Xen's domains, so they are read soon after these.
        for &identity in &self.domains {
            let named = all.of(identity).names;
            paths.extend(named.then_some(WatchedPath::Name(identity.id)));
        }
        if all.names {
            paths.extend(self.pools.iter().copied().map(WatchedPath::Pool));
        }
        for &identity in &self.domains {
            let (domain, wanted) = (identity.id, all.of(identity));
            let memory = wanted.targets || wanted.details;
            paths.extend(memory.then_some(WatchedPath::Target(domain)));
            paths.extend(kinds(wanted).map(|kind| WatchedPath::DevicesOf(domain, kind)));
            paths.extend(all.audit_inputs.then_some(WatchedPath::Available(domain)));
        }
        paths
    }

    /// Returns what to read if a path is new or has changed.
    ///
    /// The toolstack writes a domain's static maximum, its video memory and its memory target together,
    /// after the domain's UUID, and hardly ever changes them. So they have no watches, which would slow down
    /// every write to XenStore, and are read with the target.
    pub(super) fn query(&self, path: WatchedPath) -> Query {
        match path {
            WatchedPath::Target(domain) if self.of(domain).is_some_and(|of| of.details) => {
                Query::Keys(domain, &Key::WITH_TARGET)
            }
            WatchedPath::Name(domain) => Query::Keys(domain, &[Key::Name]),
            WatchedPath::Target(domain) => Query::Keys(domain, &[Key::Target]),
            WatchedPath::DevicesOf(domain, Kind::Libxl | Kind::Xenopsd) => {
                let of = self.of(domain).unwrap_or_default();
                Query::Record {
                    path,
                    nics: of.nics,
                    disks: of.disks,
                }
            }
            WatchedPath::Listing => {
                Query::Listing(self.domains.iter().map(|domain| domain.id).collect())
            }
            _ => Query::Path(path),
        }
    }

    /// Returns whether a path must be read again because `new` wants something else of it.
    pub(super) fn differs(&self, path: WatchedPath, new: &Self) -> bool {
        let of = |wanted: &Self| {
            let domain = path.domain()?;
            Some((wanted.domain(domain)?, wanted.query(path)))
        };
        !new.watch || path.is_for_audits() || of(self) != of(new)
    }

    /// Returns what to collect about the domain with this ID.
    fn of(&self, domain: DomId) -> Option<Collect> {
        Some(self.collect.of(self.domain(domain)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::domain;
    use crate::snapshot::Scheduler;

    /// What a sample of domains 5 and 6 wants.
    fn wanted(collect: Collect) -> Wanted {
        Wanted {
            domains: [5, 6].map(|id| domain(id, "", 0, 0).identity()).to_vec(),
            pools: vec![0],
            collect,
            only_listing: false,
            watch: true,
        }
    }

    fn names() -> Collect {
        Collect {
            names: true,
            ..Collect::default()
        }
    }

    /// Returns the wanted paths of domain 6.
    fn of_six(collect: Collect) -> Vec<WatchedPath> {
        let paths = wanted(collect).paths().into_iter();
        paths
            .filter(|path| path.domain() == Some(DomId(6)))
            .collect()
    }

    #[test]
    fn only_wanted_paths_are_read() {
        assert!(wanted(Collect::default()).paths().is_empty());
        let paths = wanted(names()).paths().into_iter().map(WatchedPath::path);
        let names = [
            "/local/domain/5/name",
            "/local/domain/6/name",
            "/local/pool/0/name",
        ];
        assert_eq!(paths.collect::<Vec<_>>(), names);
        let macs = wanted(Collect {
            macs: true,
            ..Collect::default()
        });
        let paths = macs.paths().into_iter().map(WatchedPath::path);
        let vifs = "/local/domain/0/backend/vif";
        let folders = [vifs.to_owned(), format!("{vifs}/5"), format!("{vifs}/6")];
        assert_eq!(paths.collect::<Vec<_>>(), folders);
    }

    #[test]
    fn the_listing_is_read_on_its_own() {
        let rest = wanted(Collect::ALL);
        assert!(!rest.paths().contains(&WatchedPath::Listing));
        let listing = Wanted {
            only_listing: true,
            ..rest
        };
        assert_eq!(listing.paths(), [WatchedPath::Listing]);
    }

    #[test]
    fn everything_about_the_focus_is_read() {
        let six = DomId(6);
        let name = WatchedPath::Name(six);
        let focus = |id| Collect {
            focus: Some(domain(id, "", 0, 0).identity()),
            ..names()
        };
        assert_eq!(of_six(focus(5)), [name]);
        let mut all = vec![name, WatchedPath::Target(six)];
        all.extend(Kind::ALL.map(|kind| WatchedPath::DevicesOf(six, kind)));
        assert_eq!(of_six(focus(6)), all);
    }

    #[test]
    fn details_are_read_with_the_target() {
        let keys = |collect| {
            let queries = of_six(collect).into_iter();
            let queries = queries.map(|path| match wanted(collect).query(path) {
                Query::Keys(DomId(6), keys) => keys,
                _ => &[],
            });
            queries.collect::<Vec<_>>().concat()
        };
        let targets = Collect {
            targets: true,
            ..Collect::default()
        };
        let details = Collect {
            details: true,
            ..Collect::default()
        };
        assert_eq!(keys(targets), [Key::Target]);
        assert_eq!(keys(details), Key::WITH_TARGET);
        let target = WatchedPath::Target(DomId(6));
        assert!(wanted(targets).differs(target, &wanted(details)));
        assert!(!wanted(details).differs(target, &wanted(details)));
        assert!(!wanted(targets).differs(WatchedPath::Pool(0), &wanted(details)));
    }

    #[test]
    fn records_are_read_for_nics_and_disks() {
        let collect = |nics, disks| {
            Collect {
                nics,
                disks,
                driver_domains: true,
                ..Collect::default()
            }
            .from_xenstore()
        };
        assert!(wanted(collect(false, false)).paths().is_empty());
        let paths = wanted(collect(true, false)).paths();
        let texts = paths.iter().map(|path| path.path());
        let expected = [
            "/libxl",
            "/xenops/domain",
            "/libxl/5/device",
            "/xenops/domain/5/device",
            "/libxl/6/device",
            "/xenops/domain/6/device",
        ];
        assert_eq!(texts.collect::<Vec<_>>(), expected);
        let record = WatchedPath::DevicesOf(DomId(6), Kind::Libxl);
        let read = |collect| match wanted(collect).query(record) {
            Query::Record { nics, disks, .. } => Some((nics, disks)),
            _ => None,
        };
        assert_eq!(read(collect(true, false)), Some((true, false)));
        assert_eq!(read(collect(false, true)), Some((false, true)));
        let differs = |new| wanted(collect(true, false)).differs(record, &wanted(new));
        assert!(differs(collect(true, true)) && !differs(collect(true, false)));
    }

    #[test]
    fn a_new_domain_is_read_again() {
        let mut new = wanted(names());
        new.domains[1].uuid = uuid::Uuid::nil();
        let differs = |id| wanted(names()).differs(WatchedPath::Name(DomId(id)), &new);
        assert_eq!([5, 6].map(differs), [false, true]);
        new.watch = false;
        let differs = |id| wanted(names()).differs(WatchedPath::Name(DomId(id)), &new);
        assert_eq!([5, 6].map(differs), [true, true]);
    }

    #[test]
    fn a_sample_of_the_same_domains_fits() {
        let domains = [5, 6].map(|id| domain(id, "", 0, 0));
        let pools = [Pool {
            id: 0,
            name: None,
            scheduler: Scheduler::Null,
            timeslice_ns: None,
            pcpus: Vec::new(),
            domains: 1,
        }];
        let now = wanted(names());
        assert!(now.fits(&domains, &pools, names()));
        assert!(!now.fits(&domains, &pools, Collect::default()));
        assert!(!now.fits(&domains, &[], names()));
        assert!(!now.fits(&domains[..1], &pools, names()));
        let mut other = domains.clone();
        other[1].uuid = uuid::Uuid::nil();
        assert!(!now.fits(&other, &pools, names()));
        assert_eq!(now.domain(DomId(6)), Some(domains[1].identity()));
        assert_eq!(now.domain(DomId(7)), None);
    }
}
