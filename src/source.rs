//! Where snapshots come from.

mod state_times;

use std::collections::BTreeMap;
use std::time::Instant;

use crate::dom0::{Devices, Dom0, Fault};
use crate::rates::mistraced;
use crate::snapshot::{
    Backend, Boot, Collect, DiskBackend, DomId, Domain, Host, Identity, Note, Pool, Snapshot,
    Stamp, XenClock, keep_identities,
};
use crate::xen::Error;
use crate::xen::Hypervisor;
use crate::xenstore::{Watches, XenStore};
use state_times::Tracing;

/// How often the nodes are read until the host's free memory does not change meanwhile.
const NODE_READINGS: usize = 5;

/// Takes snapshots of the running host from the hypervisor, XenStore, and dom0's kernel.
pub struct Source {
    hypervisor: Hypervisor,
    xenstore: XenStore,
    dom0: Dom0,
    boot: Boot,
    collect: Collect,
    /// The domains to sample; `None` for all.
    only: Option<Vec<Identity>>,
    tracing: Tracing,
    allow_untested: bool,
}

/// How often an audit reads the times of pCPUs and domains. dom0 can lose its pCPU in the middle, for milliseconds.
const READINGS: usize = 5;

/// The idle times of the pCPUs, Xen's clock, and the CPU times of the domains, read one after the other.
struct Times {
    host: Host,
    xen_clock: Option<XenClock>,
    domains: Vec<Domain>,
    /// When the domains were read.
    stamp: Stamp,
    /// The wall-clock time.
    time: jiff::Timestamp,
}

impl Times {
    /// Returns in how many nanoseconds they were read.
    fn width_ns(&self) -> u64 {
        self.host.pcpu_stamp.around(self.stamp).uncertainty_ns
    }
}

impl Source {
    /// Connects to the running hypervisor. `collect` says what each sample contains.
    /// See [`Hypervisor::open`] for `allow_untested`.
    ///
    /// # Errors
    /// The errors of [`Hypervisor::open`].
    pub fn open(collect: Collect, allow_untested: bool) -> Result<Self, Error> {
        let hypervisor = Hypervisor::open(allow_untested)?;
        let dom0 = Dom0::live();
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
            tracing: Tracing::default(),
            allow_untested,
        })
    }

    /// Watches XenStore instead of reading it at each sample, and keeps the devices' files open.
    /// This makes samples cheaper if there are more than a few. `watches` is a handle on the watches.
    pub fn watch(&mut self, watches: &Watches) {
        self.xenstore.watch(watches);
        self.dom0.keep_open();
    }

    /// Returns the handle on the watches; `None` if this source does not watch.
    pub fn watches(&self) -> Option<Watches> {
        self.xenstore.watches()
    }

    /// Waits for a change in XenStore until `deadline`, or until a waker is called. Returns `true` if
    /// something changed since this returned last: a value that is filled in, or a domain that was
    /// introduced to XenStore, shut down or was destroyed. Only a source that watches sees changes.
    pub fn wait(&mut self, deadline: Instant) -> bool {
        self.xenstore.wait(deadline)
    }

    /// Sets what the next samples contain. Without state times, a trace ends now.
    pub fn set_collect(&mut self, collect: Collect) {
        if !collect.state_times {
            self.tracing.stop();
        }
        self.collect = collect;
    }

    /// Restricts the next samples to these domains. Only these are read.
    pub fn set_only(&mut self, only: Vec<Identity>) {
        self.only = Some(only);
    }

    /// Takes a sample. `earlier` is an earlier sample of this source, if there is one: domains in both
    /// keep their identities, even if their handles changed.
    ///
    /// # Errors
    /// If the hypervisor refuses a call. Values that XenStore or dom0's kernel cannot supply are
    /// `None` instead, and the snapshot has a note.
    pub fn sample(&mut self, earlier: Option<&Snapshot>) -> Result<Snapshot, Error> {
        let any = self.collect.of_any();
        // Before the idle times, because the audit compares them.
        let idle_states = self.idle_states();
        let Times {
            mut host,
            xen_clock,
            mut domains,
            stamp,
            time,
        } = self.times()?;
        host.uptime_ns = xen_clock.map(|clock| clock.ns);
        for (pcpu, ns) in host.pcpu.iter_mut().zip(idle_states) {
            pcpu.idle_states_ns = ns;
        }
        if let Some(earlier) = earlier {
            keep_identities(&mut domains, &earlier.domains);
        }
        if let Some(only) = &self.only {
            domains.retain(|domain| only.contains(&domain.identity()));
        }
        let mut notes = Vec::new();

        if any.vcpus {
            for domain in &mut domains {
                let collect = self.collect.of(domain.identity());
                if collect.vcpus {
                    domain.vcpus = self.hypervisor.vcpus(domain, collect.affinities)?;
                }
            }
        }
        let mut pools = if self.collect.host || any.scheduling || any.state_times {
            self.hypervisor.pools()?
        } else {
            Vec::new()
        };
        if any.scheduling {
            self.schedule(&mut domains, &pools)?;
        }
        for domain in &mut domains {
            if self.collect.of(domain.identity()).paging_pools {
                domain.paging_pool_bytes = self.hypervisor.paging_pool_bytes(domain.id);
            }
        }
        if self.collect.host {
            self.hypervisor.locate(&mut host.pcpu)?;
            self.read_nodes(&mut host)?;
            host.build = Some(self.hypervisor.build()?);
        }
        if self.collect.audit_inputs {
            host.shared = self.hypervisor.shared_memory();
            for domain in &mut domains {
                domain.grant_table_bytes = self.hypervisor.grant_table_bytes(domain.id);
                domain.pod = self.hypervisor.pod_memory(domain.id);
            }
            host.memory_free_after_bytes = Some(self.hypervisor.memory_free_bytes()?);
            // Last, because it takes longest.
            let online = host.pcpu.iter().filter(|pcpu| pcpu.is_online());
            host.pcpu_clocks = self.hypervisor.pcpu_clocks(online.map(|pcpu| pcpu.id));
        }
        self.trace((&mut domains, &pools), &mut host, &mut notes);
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
        notes.extend(described.note);
        self.count_tapdisks(&mut domains);
        notes.extend(failed(self.dom0.faults()));
        host.pools = self.collect.host.then_some(pools);
        tracing::trace!(
            domains = domains.len(),
            uncertainty_ns = stamp.uncertainty_ns,
            "a sample"
        );
        let mut snapshot = Snapshot {
            time,
            boot: self.boot,
            stamp,
            collected: self.collect,
            xen_clock,
            host,
            domains,
            orphans,
            listing: described.listing,
            notes,
        };
        if let Some((domain, traced_ns, counted_ns)) =
            earlier.and_then(|earlier| mistraced(earlier, &snapshot))
        {
            snapshot.notes.push(Note::TraceDiffers {
                domain,
                traced_ns,
                counted_ns,
            });
        }
        Ok(snapshot)
    }

    /// Reads the time in C-states of each pCPU of the last sample, for an audit.
    fn idle_states(&self) -> Vec<Option<u64>> {
        match self.collect.audit_inputs {
            true => self.hypervisor.idle_states(),
            false => Vec::new(),
        }
    }

    /// Reads what is compared with each other, an audit several times: what is read within a shorter time is compared
    /// more closely.
    fn times(&mut self) -> Result<Times, Error> {
        let mut narrowest = self.times_once()?;
        if self.collect.audit_inputs {
            for _ in 1..READINGS {
                let mut other = self.times_once()?;
                if other.width_ns() < narrowest.width_ns() {
                    std::mem::swap(&mut narrowest, &mut other);
                }
                self.hypervisor.reuse(other.domains);
            }
        }
        Ok(narrowest)
    }

    fn times_once(&mut self) -> Result<Times, Error> {
        let mut host = self.hypervisor.host()?;
        // Between the host and the domains, because the audit uses it for the times of both.
        let xen_clock = match self.collect.audit_inputs || self.collect.host {
            true => self.hypervisor.clock(),
            false => None,
        };
        let (domains, stamp) = self.hypervisor.domains()?;
        // Soon after the domains, because the audit compares it with their CPU time.
        host.dom0 = self.collect.host.then(|| self.dom0.kernel());
        if self.collect.audit_inputs
            && let Some(dom0) = domains.first().filter(|domain| domain.id.0 == 0)
        {
            host.dom0_vcpus = self.hypervisor.dom0_vcpus(dom0.vcpus_max);
        }
        Ok(Times {
            host,
            xen_clock,
            domains,
            stamp,
            time: jiff::Timestamp::now(),
        })
    }

    /// See [`Hypervisor::schedules_cores`].
    ///
    /// # Errors
    /// As there.
    pub fn schedules_cores(&self) -> Result<bool, Error> {
        self.hypervisor.schedules_cores()
    }

    /// Reuses the memory of a snapshot for the next one.
    pub fn reuse(&mut self, snapshot: Snapshot) {
        self.hypervisor.reuse(snapshot.domains);
    }

    /// Reads the nodes, and for an audit also the host's free memory at the same time. Memory may be
    /// allocated and freed meanwhile, so they are read again until the free memory does not change.
    fn read_nodes(&self, host: &mut Host) -> Result<(), Error> {
        if !self.collect.audit_inputs {
            host.nodes = Some(self.hypervisor.nodes()?);
            return Ok(());
        }
        let mut free = self.hypervisor.memory_free_bytes()?;
        for _ in 0..NODE_READINGS {
            host.nodes = Some(self.hypervisor.nodes()?);
            let before = std::mem::replace(&mut free, self.hypervisor.memory_free_bytes()?);
            if before == free {
                host.memory_free_at_nodes_bytes = Some(free);
                break;
            }
        }
        Ok(())
    }

    /// Reads the scheduling parameters of domains.
    fn schedule(&self, domains: &mut [Domain], pools: &[Pool]) -> Result<(), Error> {
        for domain in domains {
            if !self.collect.of(domain.identity()).scheduling {
                continue;
            }
            let pool = pools.iter().find(|pool| pool.id == domain.pool);
            if let Some(pool) = pool {
                domain.scheduling = self.hypervisor.scheduling(domain, pool.scheduler)?;
            }
        }
        Ok(())
    }

    /// Fills in how long vCPUs have been in each state, if that is to be collected. Adds notes, also if it cannot be.
    fn trace(
        &mut self,
        (domains, pools): (&mut [Domain], &[Pool]),
        host: &mut Host,
        notes: &mut Vec<Note>,
    ) {
        if !self.collect.state_times {
            return;
        }
        let all = (&mut *domains, pools);
        let filled = self
            .tracing
            .fill_in(&self.hypervisor, all, host, self.allow_untested);
        match filled {
            Ok(about) => notes.extend(about),
            Err(error) => {
                for domain in domains {
                    let ready = self.hypervisor.ready(domain);
                    domain.ready_ns = ready.map(|ready| ready.ns);
                    domain.ready_missed_changes = ready.map(|ready| ready.missed_changes.into());
                }
                notes.push(Note::NotTraced(error.to_string()));
            }
        }
    }

    /// Reads the NICs and disks to collect. If dom0's kernel does not list them, returns none and
    /// adds a note.
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
            let wanted = self.collect.of(domain.identity()).disk_counters;
            for disk in domain.disks.iter_mut().flatten() {
                if disk.backend == DiskBackend::Tapdisk && disk.backend_domain == DomId::DOM0 {
                    self.dom0.fill_in(id, wanted, disk);
                }
            }
        }
    }
}

/// Returns one note about the devices whose counters cannot be read.
fn failed(faults: Vec<Fault>) -> Option<Note> {
    let more = faults.len().saturating_sub(1);
    let Fault { device, why } = faults.into_iter().next()?;
    Some(Note::CountersUnreadable { device, why, more })
}

/// Moves the devices to their domains, into the field that `place` returns; a domain without
/// devices gets an empty list. Returns the devices of no domain. Without `devices`, changes
/// nothing.
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

/// Returns the devices as backends, without their counters.
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
