//! The trait of feeds, and the pairs that they return.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::rates::Rates;
use crate::snapshot::{Collect, Identity, Snapshot};
use crate::xen::Error;
use crate::xenstore::Watches;

/// A snapshot, and the one before it in the same boot.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The snapshot before; `None` if there is none, or if it is of another boot.
    pub older: Option<Arc<Snapshot>>,
    /// The snapshot.
    pub newer: Arc<Snapshot>,
}

impl Pair {
    /// Returns the rates between the two. All of them are `None` without an older snapshot.
    pub fn rates(&self) -> Rates {
        Rates::between(self.older.as_deref(), &self.newer)
    }
}

/// Returns snapshots in the order in which they were taken. The position of a feed is the snapshot
/// that it returned last; at first it is before the first snapshot.
///
/// A method that returns `None` has found nothing, and does not change the position.
///
/// # Errors
/// The hypervisor may refuse a live feed's sample, see
/// [`Source::sample`](crate::source::Source::sample). The next call may succeed, see
/// [`Feed::gives_up`].
pub trait Feed {
    /// Returns one snapshot: a live feed takes it now, a recorded feed returns the one at its
    /// position.
    fn look(&mut self) -> Result<Option<Arc<Snapshot>>, Error>;

    /// Returns one pair: a live feed takes two snapshots at its interval, a recorded feed returns
    /// the pair at its position.
    /// `first` gets the older snapshot before the interval begins.
    fn measure(&mut self, first: &mut dyn FnMut(&Snapshot)) -> Result<Option<Pair>, Error>;

    /// Returns the next pair. A live feed waits until it is due; its first pair also has an older
    /// snapshot.
    fn next(&mut self) -> Result<Option<Pair>, Error>;

    /// Returns when the next pair is due: a live feed with an interval takes it then. After a sample
    /// that failed, this is a second later, or less if the interval is shorter. In all other cases
    /// it is now.
    fn due(&self) -> Instant;

    /// Returns whether a command ends after an error: there is no snapshot yet, or ten samples in a
    /// row failed.
    fn gives_up(&self) -> bool;

    /// Returns the snapshot before the first one that a span of time has, whatever its boot; `None` if there is none. A
    /// live feed has none.
    fn before(&mut self) -> Option<Arc<Snapshot>>;

    /// Returns the pair before the position. A live feed has none.
    fn previous(&mut self) -> Result<Option<Pair>, Error>;

    /// Moves to the newest snapshot at or before this wall-clock time, and returns its pair. A live
    /// feed has none.
    fn go_to(&mut self, time: Timestamp) -> Result<Option<Pair>, Error>;

    /// Returns the last `count` pairs up to the position, oldest first. A live feed has none.
    fn recent(&mut self, count: usize) -> Result<Vec<Pair>, Error>;

    /// Sets what the next snapshots contain. A recorded feed ignores this.
    fn collect(&mut self, collect: Collect);

    /// Restricts the next snapshots to these domains.
    fn only(&mut self, domains: &[Identity]);

    /// Returns a handle on the watches, which also ends [`Feed::wait`] from another thread; `None` for
    /// a feed that does not watch XenStore, and for a recorded feed, which never waits.
    fn watches(&self) -> Option<Watches>;

    /// Waits until there is a reason for the next snapshot, then returns `true`; returns `false` at
    /// `deadline`, and after [`Watches::wake`]. The reason is a change in XenStore if a live feed
    /// watches it. A recorded feed returns `true` at once.
    fn wait(&mut self, deadline: Instant) -> bool;

    /// Returns whether the snapshots are taken now. If not, a slow reader misses none.
    fn is_live(&self) -> bool;
}
