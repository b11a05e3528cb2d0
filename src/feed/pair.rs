//! What a feed hands out, and what a feed is.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::rates::Rates;
use crate::snapshot::{Collect, Identity, Snapshot};
use crate::xen::Error;

/// A snapshot, and the one before it in the same boot of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The one before; `None` if there is none, or if it is of another boot.
    pub older: Option<Arc<Snapshot>>,
    /// The snapshot.
    pub newer: Arc<Snapshot>,
}

impl Pair {
    /// The rates between the two; all of them `None` without an older one.
    pub fn rates(&self) -> Rates {
        Rates::between(self.older.as_deref(), &self.newer)
    }
}

/// Hands out snapshots in the order in which they were taken. It stands at the one that it handed out
/// last, and before the first until then.
///
/// Each method that returns an option returns `None` if there is nothing, and the feed stands where
/// it stood.
///
/// # Errors
/// The hypervisor may refuse a live feed's sample, see
/// [`Source::sample`](crate::source::Source::sample). The feed can be asked again.
pub trait Feed {
    /// The snapshot that a live feed takes now; of a recorded one, the snapshot that it stands at.
    fn look(&mut self) -> Result<Option<Arc<Snapshot>>, Error>;

    /// Measures once: a live feed takes two snapshots as far apart as it is paced; a recorded one has
    /// the pair that it stands at.
    fn measure(&mut self) -> Result<Option<Pair>, Error>;

    /// The next pair. A live feed waits until it is due; its first one has an older snapshot too.
    fn next(&mut self) -> Result<Option<Pair>, Error>;

    /// The pair before the one that the feed stands at. A live feed has none.
    fn previous(&mut self) -> Result<Option<Pair>, Error>;

    /// The pair whose newer snapshot is the newest at or before this wall-clock time. A live feed has
    /// none.
    fn go_to(&mut self, time: Timestamp) -> Result<Option<Pair>, Error>;

    /// The pair that the feed stands at and those before it, `count` at most, from the oldest on. A
    /// live feed has none.
    fn recent(&mut self, count: usize) -> Result<Vec<Pair>, Error>;

    /// Says what to collect from now on. A recorded feed has what was collected.
    fn collect(&mut self, collect: Collect);

    /// Restricts the snapshots from now on to these domains.
    fn only(&mut self, domains: &[Identity]);

    /// Waits until there is a reason for the next snapshot, which is `true`, or until `deadline`. A
    /// live feed that watches has one if something changes in XenStore, a recorded one always.
    fn wait(&mut self, deadline: Instant) -> bool;

    /// Whether the snapshots are of now. If not, the next one does not go by while no one asks.
    fn is_live(&self) -> bool;
}
