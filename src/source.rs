//! Where snapshots come from.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::dom0::{Devices, Dom0, Fault, Roots};
use crate::snapshot::{
    Backend, Boot, Collect, DiskBackend, DomId, Domain, Identity, Note, Pool, Snapshot,
};
use crate::xen::Error;
use crate::xen::Hypervisor;
use crate::xenstore::XenStore;

/// The running host: the hypervisor, XenStore, and dom0's kernel.
pub struct Source {
    hypervisor: Hypervisor,
    xenstore: XenStore,
    dom0: Dom0,
    boot: Boot,
    collect: Collect,
    /// The domains that are wanted; `None` for all.
    only: Option<Vec<Identity>>,
}

impl Source {
    /// Opens the line to the hypervisor below this kernel; every sample will hold
    /// what `collect` says. See [`Hypervisor::open`] for `allow_untested`.
    ///
    /// # Errors
    /// Those of [`Hypervisor::open`].
    pub fn open(collect: Collect, allow_untested: bool) -> Result<Self, Error> {
        let hypervisor = Hypervisor::open(allow_untested)?;
        let dom0 = Dom0::new(Roots::live());
        let clock = hypervisor.clock();
        let boot = Boot {
            dom0_boot_id: dom0.boot_id(),
            xen_start: clock.and_then(|clock| clock.xen_start(jiff::Timestamp::now())),
        };
        Ok(Self {
            hypervisor,
            xenstore: XenStore::default(),
            dom0,
            boot,
            collect,
            only: None,
        })
    }

    /// Keeps what XenStore supplies right by watches instead of asking for it at each sample, and the
    /// files of devices open: for who takes more than a few.
    pub fn watch(&mut self) {
        self.xenstore.watch();
        self.dom0.keep_open();
    }

    /// Waits until a source that watches hears of something new since this returned last, which is
    /// `true`, or until `deadline`; see [`XenStore::wait`].
    pub fn wait(&mut self, deadline: Instant) -> bool {
        self.xenstore.wait(deadline)
    }

    /// What samples will hold from now on.
    pub fn set_collect(&mut self, collect: Collect) {
        self.collect = collect;
    }

    /// Samples will hold these domains alone from now on: no more is asked than about them.
    pub fn set_only(&mut self, only: Vec<Identity>) {
        self.only = Some(only);
    }

    /// Reads everything once.
    ///
    /// # Errors
    /// When the hypervisor refuses; what XenStore or dom0's kernel can't supply is `None` and has
    /// a note instead.
    pub fn sample(&mut self) -> Result<Snapshot, Error> {
        let any = self.collect.of_any();
        let mut host = self.hypervisor.host()?;
        // Between the two readings that it is for.
        let xen_clock = match self.collect.audit_inputs {
            true => self.hypervisor.clock(),
            false => None,
        };
        let (mut domains, stamp) = self.hypervisor.domains()?;
        let time = jiff::Timestamp::now();
        if let Some(only) = &self.only {
            domains.retain(|domain| only.contains(&domain.identity()));
        }
        let mut notes = Vec::new();
        // Close to the domains, for it is held against what they have run.
        host.dom0 = self.collect.host.then(|| self.dom0.kernel());

        for domain in &mut domains {
            let collect = self.collect.of(domain.identity());
            if collect.vcpus {
                domain.vcpus = self.hypervisor.vcpus(domain, collect.affinities)?;
            }
        }
        let mut pools = if self.collect.host || any.scheduling {
            self.hypervisor.pools()?
        } else {
            Vec::new()
        };
        if any.scheduling {
            self.schedule(&mut domains, &pools)?;
        }
        if self.collect.host {
            self.hypervisor.locate(&mut host.pcpu)?;
            host.nodes = Some(self.hypervisor.nodes()?);
            host.build = Some(self.hypervisor.build()?);
        }
        if self.collect.audit_inputs {
            host.memory_free_after_bytes = Some(self.hypervisor.memory_free_bytes()?);
        }
        let mut orphans = Vec::new();
        let devices = self.devices(&domains, &mut notes);
        let left = give(&mut domains, devices.nics, |domain| {
            let wanted = self.collect.of(domain.identity()).nics;
            wanted.then_some(&mut domain.nics)
        });
        orphans.extend(backends("vif", left, |nic| nic.id));
        let left = give(&mut domains, devices.disks, |domain| {
            let wanted = self.collect.of(domain.identity()).disks;
            wanted.then_some(&mut domain.disks)
        });
        orphans.extend(backends("vbd", left, |disk| disk.id));
        let described = self
            .xenstore
            .describe(&mut domains, &mut pools, self.collect);
        notes.extend(described);
        let listing = match self.collect.audit_inputs && !xenstore_is_down(&notes) {
            true => self
                .xenstore
                .listing()
                .map_err(|note| notes.push(note))
                .ok(),
            false => None,
        };
        self.count_tapdisks(&mut domains);
        notes.extend(failed(self.dom0.faults()));
        host.pools = self.collect.host.then_some(pools);
        tracing::trace!(
            domains = domains.len(),
            uncertainty_ns = stamp.uncertainty_ns,
            "a sample"
        );
        Ok(Snapshot {
            time,
            boot: self.boot,
            stamp,
            collected: self.collect,
            xen_clock,
            host,
            domains,
            orphans,
            listing,
            notes,
        })
    }

    /// Takes back a snapshot that is of no more use: the next one is written into its memory.
    pub fn reuse(&mut self, snapshot: Snapshot) {
        self.hypervisor.reuse(snapshot.domains);
    }

    fn schedule(&self, domains: &mut [Domain], pools: &[Pool]) -> Result<(), Error> {
        for domain in domains {
            if !self.collect.of(domain.identity()).scheduling {
                continue;
            }
            domain.paging_pool_bytes = self.hypervisor.paging_pool_bytes(domain.id);
            let pool = pools.iter().find(|pool| pool.id == domain.pool);
            if let Some(pool) = pool {
                domain.scheduling = self.hypervisor.scheduling(domain, pool.scheduler)?;
            }
        }
        Ok(())
    }

    /// The devices that are wanted, none when dom0's kernel does not list them; a note says why.
    fn devices(&mut self, domains: &[Domain], notes: &mut Vec<Note>) -> Devices {
        let collect = self.collect;
        let only = self.only.as_ref();
        let of = |id| {
            if only.is_some_and(|only| !only.iter().any(|domain| domain.id == id)) {
                return Collect::default();
            }
            match domains.binary_search_by_key(&id, |domain| domain.id) {
                Ok(at) if collect.focus.is_some() => collect.of(domains[at].identity()),
                _ => collect,
            }
        };
        let any = collect.of_any();
        self.dom0.devices(any, of).unwrap_or_else(|error| {
            notes.extend(any.nics.then(|| Note::NicsUnreadable(error.to_string())));
            notes.extend(any.disks.then(|| Note::DisksUnreadable(error.to_string())));
            Devices::default()
        })
    }

    /// Reads the statistics of the tapdisks that XenStore named.
    fn count_tapdisks(&mut self, domains: &mut [Domain]) {
        for domain in domains {
            let id = domain.id;
            for disk in domain.disks.iter_mut().flatten() {
                if disk.backend == DiskBackend::Tapdisk {
                    self.dom0.fill_in(id, disk);
                }
            }
        }
    }
}

/// The devices whose counters can't be read, in one note.
fn failed(faults: Vec<Fault>) -> Option<Note> {
    let more = faults.len().saturating_sub(1);
    let Fault { device, why } = faults.into_iter().next()?;
    Some(Note::CountersUnreadable { device, why, more })
}

/// Whether XenStore was found silent already, so that it need not be waited for again.
fn xenstore_is_down(notes: &[Note]) -> bool {
    notes
        .iter()
        .any(|note| matches!(note, Note::XenstoreDown(_)))
}

/// Gives each domain that has a place for them its devices, none to a domain that has none; returns
/// those that are left over. `None` to all when they were not read.
fn give<T>(
    domains: &mut [Domain],
    devices: Option<BTreeMap<DomId, Vec<T>>>,
    place: impl Fn(&mut Domain) -> Option<&mut Option<Vec<T>>>,
) -> BTreeMap<DomId, Vec<T>> {
    let Some(mut devices) = devices else {
        return BTreeMap::new();
    };
    for domain in domains {
        let found = devices.remove(&domain.id).unwrap_or_default();
        if let Some(place) = place(domain) {
            *place = Some(found);
        }
    }
    devices
}

/// Devices by their places alone.
fn backends<T>(
    kind: &'static str,
    devices: BTreeMap<DomId, Vec<T>>,
    id: fn(&T) -> u32,
) -> impl Iterator<Item = Backend> {
    devices.into_iter().flat_map(move |(domain, devices)| {
        devices.into_iter().map(move |device| Backend {
            kind: kind.to_owned(),
            domain,
            device: id(&device),
        })
    })
}
