//! Snapshots that were taken before as a feed.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use super::pair::{Feed, Pair};
use crate::snapshot::{Collect, Identity, Snapshot};
use crate::xen::Error;

/// Hands out snapshots that were taken before, in the order in which they were taken.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    snapshots: Vec<Arc<Snapshot>>,
    /// How many snapshots there are up to the one that it stands at; 0 before the first.
    passed: usize,
    only: Option<Vec<Identity>>,
}

impl Recorded {
    /// A feed of these snapshots, which are in the order in which they were taken. It stands before
    /// the first.
    pub fn new(snapshots: Vec<Snapshot>) -> Self {
        Self {
            snapshots: snapshots.into_iter().map(Arc::new).collect(),
            ..Self::default()
        }
    }

    /// Moves to where so many snapshots have passed.
    fn stand(&mut self, passed: usize) -> Option<Pair> {
        let pair = self.pair(passed)?;
        self.passed = passed;
        Some(pair)
    }

    /// The pair where so many snapshots have passed; `None` if there is none.
    fn pair(&self, passed: usize) -> Option<Pair> {
        let at = passed.checked_sub(1)?;
        let newer = self.snapshots.get(at)?;
        let older = at.checked_sub(1).and_then(|at| self.snapshots.get(at));
        let older = older.filter(|older| older.boot.is_same(&newer.boot));
        Some(Pair {
            older: older.map(|older| self.restricted(older)),
            newer: self.restricted(newer),
        })
    }

    /// The snapshot with the domains that are wanted.
    fn restricted(&self, snapshot: &Arc<Snapshot>) -> Arc<Snapshot> {
        match &self.only {
            Some(only) => Arc::new(snapshot.only(only)),
            None => Arc::clone(snapshot),
        }
    }
}

impl Feed for Recorded {
    fn look(&mut self) -> Result<Option<Arc<Snapshot>>, Error> {
        Ok(self.pair(self.passed).map(|pair| pair.newer))
    }

    fn measure(&mut self) -> Result<Option<Pair>, Error> {
        Ok(self.pair(self.passed))
    }

    fn next(&mut self) -> Result<Option<Pair>, Error> {
        Ok(self.stand(self.passed + 1))
    }

    fn previous(&mut self) -> Result<Option<Pair>, Error> {
        Ok(self.stand(self.passed.saturating_sub(1)))
    }

    /// If the wall clock was set back, more than one snapshot may be of the same time: the last one
    /// of those that come closest.
    fn go_to(&mut self, time: Timestamp) -> Result<Option<Pair>, Error> {
        let up_to = (1..)
            .zip(&self.snapshots)
            .filter(|(_, snapshot)| snapshot.time <= time);
        // Of equal ones, this is the last.
        let nearest = up_to.max_by_key(|(_, snapshot)| snapshot.time);
        let passed = nearest.map(|(passed, _)| passed);
        Ok(passed.and_then(|passed| self.stand(passed)))
    }

    fn recent(&mut self, count: usize) -> Result<Vec<Pair>, Error> {
        let first = self.passed.saturating_sub(count);
        let places = first + 1..=self.passed;
        Ok(places.filter_map(|passed| self.pair(passed)).collect())
    }

    fn collect(&mut self, _: Collect) {}

    fn only(&mut self, domains: &[Identity]) {
        self.only = Some(domains.to_vec());
    }

    fn wait(&mut self, _: Instant) -> bool {
        true
    }

    fn is_live(&self) -> bool {
        false
    }
}
