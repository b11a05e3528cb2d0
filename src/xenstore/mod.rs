//! XenStore: domain names, what the toolstack asked of domains, and the devices that dom0's kernel
//! does not know.
//!
//! Only keys that dom0 writes are read. Keys that a guest can write (`~/device`, `~/data`, …) are
//! never read.
//!
//! A thread has the connection (`connection.rs`) and stores what it reads (`known.rs`); samples wait
//! for it and copy what they need.

mod client;
mod connection;
mod daemon;
mod examine;
mod fill_in;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod known;
mod liveness;
mod parse;
mod query;
mod session;
mod wanted;
mod watched_path;

use std::mem;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::snapshot::{Collect, Domain, Listing, Note, Pool};
pub(crate) use examine::{Reached, Unreached, examine};
use known::{ConnectionState, Known, Shared};
use wanted::Wanted;

/// How long a sample of a source that watches waits for the values of new domains. Values that
/// arrive later are unknown in that sample.
const WAIT: Duration = Duration::from_millis(500);

/// How long [`Watches::release`] waits for the connection to close.
const RELEASE: Duration = Duration::from_millis(250);

/// XenStore. It connects on first use, and again after the connection was lost.
///
/// By default it reads everything for each sample. After [`XenStore::watch`] it reads everything
/// once, and then only what changed.
#[derive(Debug, Default)]
pub(crate) struct XenStore {
    watches: Watches,
    watching: bool,
    /// Whether the thread runs. It starts when something is read for the first time.
    started: bool,
    /// The value of [`Known::changes`](known::Known::changes) when a sample last read the values.
    changes_seen: u64,
}

/// A handle on the watches of a command that goes on. Clones are handles on the same watches.
#[derive(Clone, Debug, Default)]
pub struct Watches(Arc<Shared>);

/// What XenStore has, beside what it filled in.
#[derive(Debug, Default)]
pub(crate) struct Described {
    /// What XenStore lists; `None` if it was not wanted, or if XenStore did not answer.
    pub(crate) listing: Option<Listing>,
    /// What went wrong.
    pub(crate) note: Option<Note>,
}

impl XenStore {
    /// Watches from now on. `watches` is a handle on the watches.
    pub(crate) fn watch(&mut self, watches: &Watches) {
        *self = Self {
            watches: watches.clone(),
            watching: true,
            ..Self::default()
        };
    }

    /// Returns the handle on its watches; `None` without [`XenStore::watch`].
    pub(crate) fn watches(&self) -> Option<Watches> {
        self.watching.then(|| self.watches.clone())
    }

    /// Waits until something changed since the last sample, until `deadline`, or until
    /// [`Watches::wake`] is called. Returns whether something changed: a value that it fills in, or a
    /// domain that was introduced to XenStore, shut down or was destroyed. Without
    /// [`XenStore::watch`] no change is noticed.
    pub(crate) fn wait(&mut self, deadline: Instant) -> bool {
        let shared = &self.watches.0;
        let mut known = shared.lock();
        while known.changes == self.changes_seen || !self.watching {
            if mem::take(&mut known.woken) {
                return false;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = shared.changed.wait_timeout(known, left);
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.changes_seen = known.changes;
        true
    }

    /// Fills in what XenStore has of domains and pools. If XenStore does not answer, fills in what
    /// has arrived, and the last known values of everything else; a note says so.
    pub(crate) fn describe(
        &mut self,
        domains: &mut [Domain],
        pools: &mut [Pool],
        collect: Collect,
    ) -> Described {
        let collect = collect.from_xenstore();
        if !self.watching && collect == Collect::default() {
            return Described::default();
        }
        if let Err(error) = self.start() {
            return Described {
                listing: None,
                note: Some(Note::XenstoreDown(error.to_string())),
            };
        }
        let shared = &self.watches.0;
        let mut known = shared.lock();
        // Nothing watches what an audit reads.
        let read_again = !self.watching || collect.audit_inputs;
        known.listing = None;
        // What XenStore lists is read before the thousands of other values, because an audit compares
        // it with the domains that Xen has just listed.
        let rounds = match collect.audit_inputs {
            true => &[true, false][..],
            false => &[false],
        };
        for &only_listing in rounds {
            if read_again || !known.wanted.fits(domains, pools, collect) {
                known.want(Wanted {
                    domains: domains.iter().map(Domain::identity).collect(),
                    pools: pools.iter().map(|pool| pool.id).collect(),
                    collect,
                    only_listing,
                    watch: self.watching,
                });
                shared.wake.notify_one();
            }
            known = await_answers(shared, known, read_again);
        }
        self.changes_seen = known.changes;
        known.fill_in(domains, pools);
        Described {
            listing: known.listing.take(),
            note: known.note(),
        }
    }

    /// Starts the thread if it does not run yet.
    fn start(&mut self) -> std::io::Result<()> {
        if !self.started {
            let shared = Arc::clone(&self.watches.0);
            let thread = thread::Builder::new().name("xenstore".into());
            thread.spawn(move || connection::run(&shared))?;
            self.started = true;
        }
        Ok(())
    }
}

/// Waits until everything that is wanted has been read, or until XenStore does not answer. Unless
/// `all`, also stops waiting after [`WAIT`].
fn await_answers<'a>(
    shared: &'a Shared,
    mut known: MutexGuard<'a, Known>,
    all: bool,
) -> MutexGuard<'a, Known> {
    if let ConnectionState::Up(liveness) = &known.connection
        && let Err(why) = liveness.check()
    {
        known.mark_lost(why.to_owned(), Duration::ZERO);
        shared.wake.notify_one();
    }
    // Answers that nothing can replace are awaited as long as they keep arriving.
    let all = all || matches!(known.connection, ConnectionState::Connecting { .. });
    // The clock is read only if there is something to wait for.
    let mut until = None;
    while !known.complete && !matches!(known.connection, ConnectionState::Down { .. }) {
        let now = Instant::now();
        let left = until
            .get_or_insert(now + WAIT)
            .saturating_duration_since(now);
        if left.is_zero() && !all {
            break;
        }
        let waited = shared.changed.wait_timeout(known, left.max(WAIT / 10));
        known = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    known
}

impl Drop for XenStore {
    fn drop(&mut self) {
        let shared = &self.watches.0;
        shared.lock().ended = true;
        shared.notify();
        shared.wake.notify_one();
    }
}

impl Watches {
    /// Ends the current wait for a change; if there is none, the next one returns at once.
    pub fn wake(&self) {
        self.0.lock().woken = true;
        self.0.notify();
    }

    /// Ends all watches by closing the connection, before this program stops: the daemon would queue
    /// events for it without a limit. Returns when the connection is closed, or after 250 ms.
    pub fn release(&self) {
        let shared = &self.0;
        let mut known = shared.lock();
        known.released = true;
        shared.wake.notify_one();
        shared.notify();
        let closed = shared
            .changed
            .wait_timeout_while(known, RELEASE, |known| known.connected);
        drop(closed);
    }

    /// Connects and watches again. The next sample waits until everything has been read again; its
    /// note says for how long nothing was watched.
    pub fn resume(&self) {
        self.0.lock().released = false;
        self.0.notify();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wake_ends_one_wait() {
        let watches = Watches::default();
        let mut xenstore = XenStore::default();
        xenstore.watch(&watches);
        let never = Instant::now() + Duration::from_secs(86_400);
        watches.wake();
        assert!(!xenstore.wait(never), "called before the wait");
        let other = watches.clone();
        let thread = thread::spawn(move || other.wake());
        assert!(!xenstore.wait(never));
        assert!(thread.join().is_ok());
        assert!(!xenstore.wait(Instant::now()));
        watches.0.lock().changes += 1;
        watches.wake();
        assert!(xenstore.wait(never), "a change comes first");
        assert!(!xenstore.wait(never));
    }
}
