//! What is known of XenStore, shared by the samples and the thread that has the connection.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::liveness::Liveness;
use super::wanted::Wanted;
use super::watched_path::{Device, Key, Kind, WatchedPath};
use crate::snapshot::{Identity, Listing, Note};

/// The data that samples and the thread share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    known: Mutex<Known>,
    /// Wakes the samples that wait for the thread.
    pub(super) changed: Condvar,
    /// Wakes the thread: something else is wanted, or the connection was lost.
    pub(super) wake: Notify,
}

/// The known values, and what is wanted.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) wanted: Wanted,
    /// Increases when something else is wanted.
    pub(super) revision: u64,
    /// Whether everything that is wanted has been read.
    pub(super) complete: bool,
    pub(super) facts: BTreeMap<Identity, Facts>,
    pub(super) pools: BTreeMap<u32, Option<String>>,
    /// What XenStore lists, until a sample has taken it.
    pub(super) listing: Option<Listing>,
    pub(super) connection: ConnectionState,
    /// The length of the last outage, until a sample has reported it.
    outage: Option<Duration>,
    /// Increases when a value changes, and when a domain is introduced or released.
    pub(super) changes: u64,
    /// [`Watches::wake`](super::Watches::wake) was called since the last wait.
    pub(super) woken: bool,
    /// Whether the thread has a connection.
    pub(super) connected: bool,
    /// Whether there must be no connection, because this program is about to stop.
    pub(super) released: bool,
    /// Nobody needs the thread any more.
    pub(super) ended: bool,
}

/// The known values of one domain.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) values: [Option<Arc<str>>; Key::ALL.len()],
    pub(super) devices: [Vec<Device>; Kind::ALL.len()],
    /// The vCPUs with an availability, and whether they are available; until a sample has taken it.
    pub(super) available: Option<Vec<(u32, bool)>>,
}

/// The state of the connection.
#[derive(Debug)]
pub(super) enum ConnectionState {
    /// Not connected yet, or not again after this program was stopped.
    Connecting { since: UpToDate },
    /// Connected.
    Up(Liveness),
    /// Lost, or not everything has been read again.
    Down { why: String, since: UpToDate },
}

/// When everything was last known to be up to date; `None` if it never was.
type UpToDate = Option<(Instant, Timestamp)>;

impl Default for ConnectionState {
    fn default() -> Self {
        Self::Connecting { since: None }
    }
}

impl Shared {
    /// Locks the known values.
    pub(super) fn lock(&self) -> MutexGuard<'_, Known> {
        // No change can panic halfway, so the values behind a poisoned lock are valid.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all that wait for a change.
    pub(super) fn notify(&self) {
        self.changed.notify_all();
    }

    /// Waits for this long, or until the thread must end.
    pub(super) fn pause(&self, length: Duration) {
        let known = self.lock();
        let _ = self
            .changed
            .wait_timeout_while(known, length, |known| !known.ended);
    }

    /// Waits while there must be no connection. Returns `false` if the thread must end.
    pub(super) fn wait_for_work(&self) -> bool {
        let waiting = self
            .changed
            .wait_while(self.lock(), |known| known.released && !known.ended);
        !waiting.unwrap_or_else(PoisonError::into_inner).ended
    }
}

impl Known {
    /// Sets what is wanted from now on.
    pub(super) fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        self.revision += 1;
        self.complete = false;
    }

    /// Marks the connection as lost. The values were up to date until `ago` before now.
    pub(super) fn mark_lost(&mut self, why: String, ago: Duration) {
        self.connection = match std::mem::take(&mut self.connection) {
            ConnectionState::Up(_) => ConnectionState::Down {
                why,
                since: before(ago),
            },
            // The first reason says more than the failure to connect again.
            ConnectionState::Down {
                why,
                since: since @ Some(_),
            } => ConnectionState::Down { why, since },
            ConnectionState::Connecting { since } | ConnectionState::Down { since, .. } => {
                ConnectionState::Down { why, since }
            }
        };
    }

    /// Marks the connection as closed, because this program is about to stop.
    pub(super) fn mark_released(&mut self) {
        self.connection = match std::mem::take(&mut self.connection) {
            ConnectionState::Up(_) => ConnectionState::Connecting {
                since: before(Duration::ZERO),
            },
            other => other,
        };
    }

    /// Forgets values whose path is not among these: nothing keeps them up to date.
    pub(super) fn retain(&mut self, paths: &HashSet<WatchedPath>) {
        for (&domain, facts) in &mut self.facts {
            if !paths.contains(&WatchedPath::Name(domain.id)) {
                facts.values[Key::Name as usize] = None;
            }
            if !paths.contains(&WatchedPath::Target(domain.id)) {
                for key in Key::WITH_TARGET {
                    facts.values[key as usize] = None;
                }
            }
            let gone = |kind: &Kind| !paths.contains(&WatchedPath::DevicesOf(domain.id, *kind));
            for kind in Kind::ALL.into_iter().filter(gone) {
                facts.devices[kind as usize].clear();
            }
        }
    }

    /// Marks the connection as up because everything has been read. `all` says whether that is
    /// everything that is wanted now.
    pub(super) fn mark_up(&mut self, liveness: &Liveness, all: bool) {
        self.complete = all;
        if let ConnectionState::Connecting { since } | ConnectionState::Down { since, .. } =
            self.connection
        {
            self.outage = since.map(|(since, _)| since.elapsed()).or(self.outage);
        }
        if !matches!(self.connection, ConnectionState::Up(_)) {
            self.connection = ConnectionState::Up(liveness.clone());
        }
    }

    pub(super) fn note(&mut self) -> Option<Note> {
        match &self.connection {
            ConnectionState::Down {
                why,
                since: Some((_, since)),
            } => Some(Note::XenstoreStale {
                since: *since,
                why: why.clone(),
            }),
            ConnectionState::Down { why, since: None } => Some(Note::XenstoreDown(why.clone())),
            ConnectionState::Connecting { .. } | ConnectionState::Up(_) => {
                self.outage.take().map(|outage| Note::XenstoreBack {
                    blind_ns: u64::try_from(outage.as_nanos()).unwrap_or(u64::MAX),
                })
            }
        }
    }

    /// Returns the known values of domain 5, `web`.
    #[cfg(test)]
    pub(super) fn example() -> Self {
        use crate::fixtures::domain;
        use crate::snapshot::{Collect, DiskBackend, DomId};

        let text = |text: &str| Some(Arc::from(text));
        let device = |id, disk, value| Device {
            id,
            disk,
            backend_domain: DomId::DOM0,
            value: Some(str::to_owned(value)),
            process: Some(77),
            storage: None,
        };
        let elsewhere = |id, disk, domain| Device {
            backend_domain: DomId(domain),
            process: None,
            ..device(id, disk, "of another domain")
        };
        let facts = Facts {
            values: ["web", "1024", "2048", "512", "/vm/none", "3"].map(text),
            devices: [
                vec![device(1, None, "00:16:3e:00:00:07")],
                vec![device(51760, Some(DiskBackend::Tapdisk), "xvdd")],
                vec![device(51712, Some(DiskBackend::Qdisk), "xvda")],
                vec![elsewhere(2, None, 3)],
                vec![Device {
                    value: None,
                    ..elsewhere(51744, Some(DiskBackend::Blkback), 4)
                }],
            ],
            available: None,
        };
        let mut known = Self::default();
        known.wanted.collect = Collect::ALL;
        known.facts.insert(domain(5, "", 0, 0).identity(), facts);
        known
    }
}

/// Returns the time this long ago.
fn before(ago: Duration) -> UpToDate {
    let now = (Instant::now(), Timestamp::now());
    let then = now.0.checked_sub(ago).zip(now.1.checked_sub(ago).ok());
    then.or(Some(now))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::domain;

    #[test]
    fn unwatched_values_are_forgotten() {
        let domain = domain(5, "", 0, 0).identity();
        let after = |paths: &[WatchedPath]| {
            let mut known = Known::example();
            known.retain(&paths.iter().copied().collect());
            known.facts.remove(&domain).unwrap()
        };
        let name = WatchedPath::Name(domain.id);
        let facts = after(&[name, WatchedPath::DevicesOf(domain.id, Kind::Qdisk)]);
        assert_eq!(
            facts.values,
            [Some("web".into()), None, None, None, None, None]
        );
        let devices = facts.devices.map(|devices| devices.len());
        assert_eq!(devices, [0, 0, 1, 0, 0]);
        let facts = after(&[WatchedPath::Target(domain.id)]);
        assert_eq!(
            facts.values.map(|value| value.is_some()),
            [false, true, true, true, true, true]
        );
    }

    #[test]
    fn names_outlast_a_lost_connection() {
        let liveness = Liveness::always();
        let mut known = Known::example();
        known.mark_lost("refused".to_owned(), Duration::ZERO);
        assert_eq!(known.note(), Some(Note::XenstoreDown("refused".to_owned())));
        known.mark_up(&liveness, true);
        assert_eq!(known.note(), None);

        known.mark_lost("stopped".to_owned(), Duration::from_secs(2));
        known.mark_lost("no answer".to_owned(), Duration::from_secs(2));
        let note = known.note();
        assert!(
            matches!(&note, Some(Note::XenstoreStale { why, since })
                if why == "stopped" && Timestamp::now() > *since),
            "{note:?}"
        );
        let mut domains = [domain(5, "", 0, 0)];
        known.fill_in(&mut domains, &mut []);
        assert_eq!(domains[0].name.as_deref(), Some("web"));

        known.mark_up(&liveness, true);
        let note = known.note();
        assert!(
            matches!(note, Some(Note::XenstoreBack { blind_ns }) if blind_ns >= 2_000_000_000),
            "{note:?}"
        );
        assert_eq!(known.note(), None);
    }
}
