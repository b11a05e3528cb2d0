//! A feed of snapshots in memory.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::pair::{Feed, Pair};
use crate::snapshot::{Collect, Identity, Snapshot};
use crate::xen::Error;
use crate::xenstore::Watches;

/// Returns snapshots that were taken before, in their order.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    snapshots: Vec<Arc<Snapshot>>,
    /// The number of the snapshot at the position, from 1; 0 is before the first.
    position: usize,
    only: Option<Vec<Identity>>,
}

impl Recorded {
    /// Makes a feed of these snapshots, in the order in which they were taken. Its position is
    /// before the first.
    pub fn new(snapshots: Vec<Snapshot>) -> Self {
        Self {
            snapshots: snapshots.into_iter().map(Arc::new).collect(),
            ..Self::default()
        }
    }

    /// Moves to this position, and returns its pair; `None` if there is none.
    fn move_to(&mut self, position: usize) -> Option<Pair> {
        let pair = self.pair(position)?;
        self.position = position;
        Some(pair)
    }

    /// Returns the pair at this position; `None` if there is none.
    fn pair(&self, position: usize) -> Option<Pair> {
        let at = position.checked_sub(1)?;
        let newer = self.snapshots.get(at)?;
        let older = at.checked_sub(1).and_then(|at| self.snapshots.get(at));
        let older = older.filter(|older| older.boot.is_same(&newer.boot));
        Some(Pair {
            older: older.map(|older| self.restricted(older)),
            newer: self.restricted(newer),
        })
    }

    /// Returns the snapshot without the domains that [`Feed::only`] left out.
    fn restricted(&self, snapshot: &Arc<Snapshot>) -> Arc<Snapshot> {
        match &self.only {
            Some(only) => Arc::new(snapshot.only(only)),
            None => Arc::clone(snapshot),
        }
    }
}

impl Feed for Recorded {
    fn look(&mut self) -> Result<Option<Arc<Snapshot>>, Error> {
        Ok(self.pair(self.position).map(|pair| pair.newer))
    }

    fn measure(&mut self, first: &mut dyn FnMut(&Snapshot)) -> Result<Option<Pair>, Error> {
        let pair = self.pair(self.position);
        if let Some(older) = pair.as_ref().and_then(|pair| pair.older.as_deref()) {
            first(older);
        }
        Ok(pair)
    }

    fn next(&mut self) -> Result<Option<Pair>, Error> {
        Ok(self.move_to(self.position + 1))
    }

    fn due(&self) -> Instant {
        Instant::now()
    }

    /// No method of this feed returns an error.
    fn gives_up(&self) -> bool {
        true
    }

    fn previous(&mut self) -> Result<Option<Pair>, Error> {
        Ok(self.move_to(self.position.saturating_sub(1)))
    }

    /// If the wall clock was set back, several snapshots may have the same time. This moves to the
    /// one that was taken last.
    fn go_to(&mut self, time: Timestamp) -> Result<Option<Pair>, Error> {
        let up_to = (1..)
            .zip(&self.snapshots)
            .filter(|(_, snapshot)| snapshot.time <= time);
        // `max_by_key` returns the last of equal elements.
        let nearest = up_to.max_by_key(|(_, snapshot)| snapshot.time);
        let position = nearest.map(|(position, _)| position);
        Ok(position.and_then(|position| self.move_to(position)))
    }

    fn recent(&mut self, count: usize) -> Result<Vec<Pair>, Error> {
        let first = self.position.saturating_sub(count);
        let positions = first + 1..=self.position;
        Ok(positions
            .filter_map(|position| self.pair(position))
            .collect())
    }

    fn collect(&mut self, _: Collect) {}

    fn only(&mut self, domains: &[Identity]) {
        self.only = Some(domains.to_vec());
    }

    fn watches(&self) -> Option<Watches> {
        None
    }

    fn wait(&mut self, _: Instant) -> bool {
        true
    }

    fn is_live(&self) -> bool {
        false
    }
}
