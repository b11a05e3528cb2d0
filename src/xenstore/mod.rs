//! XenStore: what people call the domains, what the toolstack asked of them, and the devices that
//! dom0's kernel does not know.
//!
//! Only keys that dom0 writes are read. What a guest can write (`~/device`, `~/data`, …) is never
//! believed.

mod cache;
mod connection;
mod daemon;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
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

/// How long a store that failed is left alone before it is tried again.
const REST: Duration = Duration::from_secs(5);

/// A line to XenStore that comes up by itself, and again after it went down.
///
/// The usual one asks for all that it is to fill in. One that watches asks once, and from then on
/// for what changed.
#[derive(Debug, Default)]
pub struct XenStore {
    state: ReaderState,
    cache: Option<Cache>,
}

#[derive(Debug, Default)]
enum ReaderState {
    /// Not tried yet.
    #[default]
    Untried,
    /// Up.
    Up(Reader),
    /// Down, and why.
    Down {
        why: String,
        since: Instant,
        /// The thread that may wait for an answer still: there is never a second one beside it.
        stuck: Option<JoinHandle<()>>,
    },
}

impl XenStore {
    /// Watches from now on, on a thread of its own; where there can be none, it goes on asking.
    pub fn watch(&mut self) {
        self.cache = Cache::start().ok();
    }

    /// Waits until there is news since it returned last, which is `true`, or until `deadline`. Only
    /// one that watches hears of news: of any value that it fills in, and of domains that the
    /// toolstack introduced to XenStore, that shut down or that went.
    pub fn wait(&mut self, deadline: Instant) -> bool {
        match &mut self.cache {
            Some(cache) => cache.wait(deadline),
            None => {
                sleep(deadline.saturating_duration_since(Instant::now()));
                false
            }
        }
    }

    /// Fills in what XenStore knows of domains and pools. A note says so when it could not be
    /// asked: then nothing is filled in, or, by one that watches, what was known last. One that
    /// watches leaves [`Domain::vcpus_available`] unknown.
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
        let described = self.ask(|reader| fill_in(reader, domains, pools, collect));
        // What was read before it went down may be half of a domain: unknown is better.
        described.inspect_err(|_| forget(domains, pools)).err()
    }

    /// What XenStore lists, whether the hypervisor knows of it or not.
    ///
    /// # Errors
    /// A note when XenStore could not be asked.
    pub fn listing(&mut self) -> Result<Listing, Note> {
        self.ask(reader::listing)
    }

    fn ask<T>(&mut self, work: impl FnOnce(&Reader) -> Result<T, Down>) -> Result<T, Note> {
        self.bring_up();
        let why = match &self.state {
            ReaderState::Up(reader) => match work(reader) {
                Ok(done) => return Ok(done),
                Err(Down(why)) => {
                    self.take_down(why.clone());
                    why
                }
            },
            ReaderState::Down { why, .. } => why.clone(),
            ReaderState::Untried => String::new(),
        };
        Err(Note::XenstoreDown(why))
    }

    fn bring_up(&mut self) {
        let retry = match &self.state {
            ReaderState::Untried => true,
            ReaderState::Up(_) => false,
            ReaderState::Down { since, stuck, .. } => {
                since.elapsed() >= REST && stuck.as_ref().is_none_or(JoinHandle::is_finished)
            }
        };
        if retry {
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

    fn take_down(&mut self, why: String) {
        let stuck = match std::mem::take(&mut self.state) {
            ReaderState::Up(reader) => Some(reader.give_up()),
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
    // All values are asked for at once: a first visit tells what is to be asked.
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

/// Fills in what `read` has at each path, in an order that does not depend on what that is.
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

/// Adds the disks whose backends the kernel does not know.
fn user_space_disks(reader: &Reader, domains: &mut [Domain]) -> Result<(), Down> {
    let listed = |path: String| Ok(reader.list(path)?.unwrap_or_default());
    let kinds = listed("/local/domain/0/backend".to_owned())?;
    for (kind, served_by) in [
        ("vbd3", DiskBackend::Tapdisk),
        ("qdisk", DiskBackend::Qdisk),
    ] {
        if !kinds.iter().any(|there| there == kind) {
            continue;
        }
        for domain in &mut *domains {
            let Some(disks) = &mut domain.disks else {
                continue;
            };
            for name in listed(format!("/local/domain/0/backend/{kind}/{}", domain.id))? {
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

/// The path of a key of a device's backend in dom0.
fn backend(kind: &str, domain: DomId, device: u32, key: &str) -> String {
    format!("/local/domain/0/backend/{kind}/{domain}/{device}/{key}")
}

/// Takes back everything that [`fill_in`] fills in.
fn forget(domains: &mut [Domain], pools: &mut [Pool]) {
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
