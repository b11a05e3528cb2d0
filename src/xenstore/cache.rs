//! The last known values of XenStore, for commands that take many samples. Watches keep them up to
//! date, so a sample of a host without changes sends nothing to XenStore.
//!
//! A thread of its own has the connection (see [`super::connection`]); samples read the cache.

use std::io;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::connection;
use super::known::{ConnectionState, Shared};
use super::watched_path::Wanted;
use crate::snapshot::{Collect, Domain, Note, Pool};

/// How long a sample waits for the values of new domains. Values that arrive later are unknown in
/// that sample.
const WAIT: Duration = Duration::from_millis(500);

/// The cache, with the thread that keeps it up to date.
#[derive(Debug)]
pub(super) struct Cache {
    shared: Arc<Shared>,
    /// The value of [`Known::changes`] when [`Cache::wait`] last returned.
    changes_seen: u64,
}

impl Cache {
    /// Starts the thread.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        thread::Builder::new()
            .name("xenstore".into())
            .spawn(move || connection::run(&of_thread))?;
        Ok(Self {
            shared,
            changes_seen: 0,
        })
    }

    /// Fills in the known values. Returns a note if they may be older than the sample.
    pub(super) fn describe(
        &mut self,
        domains: &mut [Domain],
        pools: &mut [Pool],
        collect: Collect,
    ) -> Option<Note> {
        let collect = Collect {
            audit_inputs: false,
            ..collect
        };
        let mut known = self.shared.lock();
        if !known.wanted.fits(domains, pools, collect) {
            known.wanted = Wanted {
                domains: domains.iter().map(Domain::identity).collect(),
                pools: pools.iter().map(|pool| pool.id).collect(),
                collect,
            };
            known.revision += 1;
            known.complete = false;
            self.shared.wake.notify_one();
        }
        if let ConnectionState::Up(liveness) = &known.connection
            && let Err(why) = liveness.check()
        {
            known.mark_lost(why.to_owned(), Duration::ZERO);
            self.shared.wake.notify_one();
        }
        // The first answers are awaited as long as they keep arriving.
        let first = matches!(known.connection, ConnectionState::Connecting);
        // The clock is read only if there is something to wait for.
        let mut until = None;
        while !known.complete && !matches!(known.connection, ConnectionState::Down { .. }) {
            let now = Instant::now();
            let left = until
                .get_or_insert(now + WAIT)
                .saturating_duration_since(now);
            if left.is_zero() && !first {
                break;
            }
            let waited = self.shared.changed.wait_timeout(known, left.max(WAIT / 10));
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        known.fill_in(domains, pools);
        known.note()
    }

    /// Waits until something changed since the last return, or until `deadline`. Returns whether
    /// something changed.
    pub(super) fn wait(&mut self, deadline: Instant) -> bool {
        let mut known = self.shared.lock();
        while known.changes == self.changes_seen {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(known, left);
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.changes_seen = known.changes;
        true
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        self.shared.wake.notify_one();
    }
}
