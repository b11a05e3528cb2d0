//! Snapshots that can be returned by their positions.

use std::sync::Arc;

use jiff::Timestamp;

use crate::snapshot::Snapshot;

/// Snapshots in the order in which they were taken.
pub trait Samples {
    /// Returns how many there are, with those that cannot be read.
    fn count(&self) -> usize;

    /// Returns the one at this position, from 0; `None` if there is none, or if it cannot be read.
    fn get(&mut self, position: usize) -> Option<Arc<Snapshot>>;

    /// Returns the position of the newest one at or before this wall-clock time; `None` if there is none. If the clock
    /// was set back, several may have the same time: this is the one that was taken last.
    fn up_to(&mut self, time: Timestamp) -> Option<usize>;
}

impl Samples for Vec<Arc<Snapshot>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn get(&mut self, position: usize) -> Option<Arc<Snapshot>> {
        self.as_slice().get(position).cloned()
    }

    fn up_to(&mut self, time: Timestamp) -> Option<usize> {
        newest_up_to(self, time)
    }
}

/// Returns the position of the newest snapshot at or before a time, the last one of equals.
pub(super) fn newest_up_to(snapshots: &[Arc<Snapshot>], time: Timestamp) -> Option<usize> {
    let positions = snapshots.iter().enumerate();
    let up_to = positions.filter(|(_, snapshot)| snapshot.time <= time);
    // `max_by_key` returns the last of equal elements.
    let newest = up_to.max_by_key(|(_, snapshot)| snapshot.time);
    newest.map(|(position, _)| position)
}
