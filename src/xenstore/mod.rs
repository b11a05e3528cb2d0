//! XenStore: domain names, what the toolstack asked of domains, and the devices that dom0's kernel
//! does not know.
//!
//! Only keys that dom0 writes are read. Keys that a guest can write (`~/device`, `~/data`, …) are
//! never read.

mod cache;
mod connection;
mod daemon;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod known;
mod liveness;
mod parse;
mod query;
mod reader;
mod session;
mod watched_path;

use std::sync::Arc;
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::clock::stamped;
use crate::snapshot::{Collect, Disk, DiskBackend, DomId, Domain, Listing, Note, Pool};
use cache::Cache;
use reader::{Down, Reader};
use watched_path::BACKENDS;

/// How long to wait after a failure before connecting again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A connection to XenStore. It connects on first use, and again after it was lost.
///
/// By default it reads everything for each sample. After [`XenStore::watch`] it reads everything
/// once, and then only what changed.
#[derive(Debug, Default)]
pub struct XenStore {
    state: ReaderState,
    cache: Option<Cache>,
}

#[derive(Debug, Default)]
enum ReaderState {
    /// Not connected yet.
    #[default]
    Untried,
    /// Connected.
    Up(Reader),
    /// Lost, and why.
    Down {
        why: String,
        since: Instant,
        /// The thread that may still wait for an answer. No second thread starts beside it.
        stuck: Option<JoinHandle<()>>,
    },
}

impl XenStore {
    /// Watches from now on, on its own thread. If that cannot start, each sample reads everything.
    pub fn watch(&mut self) {
        self.cache = Cache::start().ok();
    }

    /// Waits until something changed since the last return, or until `deadline`. Returns whether
    /// something changed: a value that it fills in, or a domain that was introduced to XenStore,
    /// shut down or was destroyed. Without [`XenStore::watch`] nothing is noticed.
    pub fn wait(&mut self, deadline: Instant) -> bool {
        match &mut self.cache {
            Some(cache) => cache.wait(deadline),
            None => {
                sleep(deadline.saturating_duration_since(Instant::now()));
                false
            }
        }
    }

    /// Fills in what XenStore has of domains and pools. Returns a note if XenStore does not answer:
    /// then nothing is filled in or, after [`XenStore::watch`], the last known values. After
    /// [`XenStore::watch`], [`Domain::vcpus_available`] is never filled in.
    pub fn describe(
        &mut self,
        domains: &mut [Domain],
        pools: &mut [Pool],
        collect: Collect,
    ) -> Option<Note> {
        let collect = collect.from_xenstore();
        if let Some(cache) = &mut self.cache {
            return cache.describe(domains, pools, collect);
        }
        if collect == Collect::default() {
            return None;
        }
        let filled = self.query(|reader| fill_in(reader, domains, pools, collect));
        // What was read before the failure may be incomplete: report nothing instead.
        filled.inspect_err(|_| clear(domains, pools)).err()
    }

    /// Lists the domains and backends in XenStore, whether the hypervisor knows them or not.
    ///
    /// # Errors
    /// A note if XenStore does not answer.
    pub fn listing(&mut self) -> Result<Listing, Note> {
        self.query(reader::listing)
    }

    fn query<T>(&mut self, work: impl FnOnce(&Reader) -> Result<T, Down>) -> Result<T, Note> {
        self.connect_if_due();
        let why = match &self.state {
            ReaderState::Up(reader) => match work(reader) {
                Ok(done) => return Ok(done),
                Err(Down(why)) => {
                    self.mark_down(why.clone());
                    why
                }
            },
            ReaderState::Down { why, .. } => why.clone(),
            ReaderState::Untried => String::new(),
        };
        Err(Note::XenstoreDown(why))
    }

    fn connect_if_due(&mut self) {
        let due = match &self.state {
            ReaderState::Untried => true,
            ReaderState::Up(_) => false,
            ReaderState::Down { since, stuck, .. } => {
                since.elapsed() >= RETRY_AFTER && stuck.as_ref().is_none_or(JoinHandle::is_finished)
            }
        };
        if due {
            self.state = match Reader::start() {
                Ok(reader) => ReaderState::Up(reader),
                Err(error) => ReaderState::Down {
                    why: error.to_string(),
                    since: Instant::now(),
                    stuck: None,
                },
            };
        }
    }

    fn mark_down(&mut self, why: String) {
        let stuck = match std::mem::take(&mut self.state) {
            ReaderState::Up(reader) => Some(reader.into_thread()),
            ReaderState::Down { stuck, .. } => stuck,
            ReaderState::Untried => None,
        };
        self.state = ReaderState::Down {
            why,
            since: Instant::now(),
            stuck,
        };
    }
}

fn fill_in(
    reader: &Reader,
    domains: &mut [Domain],
    pools: &mut [Pool],
    collect: Collect,
) -> Result<(), Down> {
    // All values are read at once: the first visit collects the paths.
    let mut paths = Vec::new();
    visit(domains, pools, collect, |path| {
        paths.push(path);
        None
    });
    let mut values = reader.read_all(paths)?.into_iter();
    visit(domains, pools, collect, |_| values.next().flatten());
    if collect.of_any().disks {
        user_space_disks(reader, domains)?;
    }
    Ok(())
}

/// Fills in what `read` returns for each path. The order of paths does not depend on the values.
fn visit(
    domains: &mut [Domain],
    pools: &mut [Pool],
    collect: Collect,
    mut read: impl FnMut(String) -> Option<String>,
) {
    for domain in domains {
        let id = domain.id;
        let wanted = collect.of(domain.identity());
        let home = |key: &str| format!("/local/domain/{id}/{key}");
        if wanted.names {
            domain.name = read(home("name"))
                .filter(|name| !name.is_empty())
                .map(Arc::from);
        }
        let kib = |text: Option<String>| text.and_then(|text| parse::kib(&text));
        if wanted.targets {
            domain.memory_target_bytes = kib(read(home("memory/target")));
        }
        if wanted.details {
            domain.memory_static_max_bytes = kib(read(home("memory/static-max")));
            domain.xenstore_uuid = read(home("vm")).and_then(|path| parse::uuid(&path));
        }
        if wanted.audit_inputs {
            let available = (0..domain.vcpus_max).map(|vcpu| {
                let word = read(home(&format!("cpu/{vcpu}/availability")))?;
                parse::online(&word)
            });
            domain.vcpus_available = Some(available.collect());
        }
        if wanted.macs {
            for nic in domain.nics.iter_mut().flatten() {
                nic.mac = read(backend("vif", id, nic.id, "mac"));
            }
        }
    }
    if collect.names {
        for pool in pools {
            pool.name = read(format!("/local/pool/{}/name", pool.id));
        }
    }
}

/// Adds the disks whose backends dom0's kernel does not know.
fn user_space_disks(reader: &Reader, domains: &mut [Domain]) -> Result<(), Down> {
    let listed = |path: String| Ok(reader.list(path)?.unwrap_or_default());
    let kinds = listed(BACKENDS.to_owned())?;
    for (kind, served_by) in [
        ("vbd3", DiskBackend::Tapdisk),
        ("qdisk", DiskBackend::Qdisk),
    ] {
        if !kinds.iter().any(|listed| listed == kind) {
            continue;
        }
        for domain in &mut *domains {
            let Some(disks) = &mut domain.disks else {
                continue;
            };
            for name in listed(format!("{BACKENDS}/{kind}/{}", domain.id))? {
                let Some(id) = parse::number(&name) else {
                    continue;
                };
                let read = |key: &str| reader.read(backend(kind, domain.id, id, key));
                let device = read("dev")?.unwrap_or(name);
                let (process, stamp) = stamped(|| read("kthread-pid"));
                let mut disk = Disk::without_counters(id, device, served_by, stamp);
                disk.process = process?.and_then(|pid| parse::number(&pid));
                disks.push(disk);
            }
            disks.sort_by_key(|disk| disk.id);
        }
    }
    Ok(())
}

/// Returns the path of a key of a device's backend in dom0.
fn backend(kind: &str, domain: DomId, device: u32, key: &str) -> String {
    format!("{BACKENDS}/{kind}/{domain}/{device}/{key}")
}

/// Clears everything that [`fill_in`] fills in.
fn clear(domains: &mut [Domain], pools: &mut [Pool]) {
    for domain in domains {
        domain.name = None;
        domain.memory_target_bytes = None;
        domain.memory_static_max_bytes = None;
        domain.xenstore_uuid = None;
        domain.vcpus_available = None;
        for nic in domain.nics.iter_mut().flatten() {
            nic.mac = None;
        }
        if let Some(disks) = &mut domain.disks {
            disks.retain(|disk| disk.backend == DiskBackend::Blkback);
        }
    }
    for pool in pools {
        pool.name = None;
    }
}
