//! A feed of snapshots that were taken before.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::pair::{Feed, Pair};
use crate::recording::{Coverage, Samples};
use crate::snapshot::{Collect, Identity, PcpuTimes, Snapshot};
use crate::xen::Error;
use crate::xenstore::Watches;

/// Returns snapshots that were taken before, in their order.
pub struct Recorded {
    samples: Box<dyn Samples + Send>,
    /// The number of the snapshot at the position, from 1; 0 is before the first.
    position: usize,
    /// The numbers of the first and the last snapshot that it returns.
    first: usize,
    last: usize,
    /// The time up to which it returns some; `None` for no limit.
    until: Option<Timestamp>,
    only: Option<Vec<Identity>>,
}

impl Recorded {
    /// Makes a feed of these snapshots, in the order in which they were taken. Its position is
    /// before the first.
    pub fn new(snapshots: Vec<Snapshot>) -> Self {
        let snapshots: Vec<_> = snapshots.into_iter().map(Arc::new).collect();
        Self::of(snapshots)
    }

    /// Makes a feed of what returns snapshots. Its position is before the first. Those that cannot be read are skipped.
    pub fn of(samples: impl Samples + Send + 'static) -> Self {
        Self {
            last: samples.count(),
            samples: Box::new(samples),
            position: 0,
            first: 1,
            until: None,
            only: None,
        }
    }

    /// Restricts the feed to snapshots of these wall-clock times, and to those between them: the clock may have been wrong
    /// there. Its position is before the first of them.
    pub fn between(mut self, since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        if let Some(since) = since {
            self.first = self.number_since(since, until);
        }
        self.until = until;
        self.last = self.last_number();
        self.position = self.first - 1;
        self
    }

    /// Returns the number of the first snapshot of these times; one more than the last has if there is none.
    fn number_since(&mut self, since: Timestamp, until: Option<Timestamp>) -> usize {
        let mut all = (0..self.samples.count()).rev();
        let last = all.find_map(|at| self.samples.pcpu_times(at));
        // What is later than the last one was taken by a clock that was ahead, unless the clock is wrong now.
        let until = until.or_else(|| Some(last?.time).filter(|&time| time >= since));
        let until = until.unwrap_or(Timestamp::MAX);
        let Some(first) = self.samples.first_in(since..=until) else {
            return self.samples.count() + 1;
        };
        let before = since.checked_sub(SignedDuration::from_nanos(1));
        let before = before.ok().and_then(|before| self.samples.up_to(before));
        // Those that were taken after the newest one before that time belong to it, by whatever clock.
        before.map_or(first, |before| first.min(before + 1)) + 1
    }

    /// Returns the number of the last snapshot that it may return; 0 if there is none.
    fn last_number(&mut self) -> usize {
        match self.until {
            Some(until) => self.samples.up_to(until).map_or(0, |last| last + 1),
            None => self.samples.count(),
        }
    }

    /// Adds the snapshots that were recorded since; returns whether there are some.
    pub fn read_new(&mut self) -> bool {
        let (count, last) = (self.samples.count(), self.last);
        self.samples.read_new();
        if self.samples.count() > count {
            self.last = self.last_number().max(last);
        }
        self.last > last
    }

    /// Returns whether no snapshot is of the times that it is restricted to.
    pub fn is_empty(&self) -> bool {
        self.first > self.last
    }

    /// Returns which part of a span was recorded, also if the feed is restricted to other times; `None` if nothing was.
    /// `usual` is as for [`Coverage::of`]. Reads no snapshots.
    pub fn coverage(
        &self,
        span: RangeInclusive<Timestamp>,
        usual: SignedDuration,
    ) -> Option<Coverage> {
        Coverage::of(self.samples.times(), span, usual)
    }

    /// Moves to the last snapshot.
    pub fn at_end(mut self) -> Self {
        self.position = (self.first..=self.last)
            .rev()
            .find(|&position| self.samples.get(position - 1).is_some())
            .unwrap_or(self.position);
        self
    }

    /// Moves to the first of these positions that has a snapshot, and returns its pair; `None` if none has.
    fn move_to(&mut self, positions: impl Iterator<Item = usize>) -> Option<Pair> {
        for position in positions {
            if let Some(pair) = self.pair(position) {
                self.position = position;
                return Some(pair);
            }
        }
        None
    }

    /// Returns the pair at this position; `None` if there is none.
    fn pair(&mut self, position: usize) -> Option<Pair> {
        if !(self.first..=self.last).contains(&position) {
            return None;
        }
        let at = position.checked_sub(1)?;
        let newer = self.samples.get(at)?;
        let older = self.last_of(0..at);
        let older = older.filter(|older| older.boot.is_same(&newer.boot));
        Some(Pair {
            older: older.map(|older| self.restricted(&older)),
            newer: self.restricted(&newer),
        })
    }

    /// Returns the last of these snapshots that can be read; `None` if none can.
    fn last_of(&mut self, places: Range<usize>) -> Option<Arc<Snapshot>> {
        places.rev().find_map(|at| self.samples.get(at))
    }

    /// Returns the pair that is `count` snapshots before the position, and does not move there; `None` if there is none.
    pub fn back(&mut self, count: usize) -> Option<Pair> {
        self.pair(self.position.checked_sub(count)?)
    }

    /// Returns the times of the first and the last snapshot; `None` if there are none.
    pub fn span(&mut self) -> Option<(Timestamp, Timestamp)> {
        let mut time = |position| Some(self.samples.pcpu_times(position - 1)?.time);
        let first = (self.first..=self.last).find_map(&mut time)?;
        let last = (self.first..=self.last).rev().find_map(&mut time)?;
        Some((first, last))
    }

    /// Returns the number of the newest snapshot up to this time; one less than the first has if there is none.
    pub(super) fn number_at(&mut self, time: Timestamp) -> usize {
        let at = self.samples.up_to(time);
        at.map_or(0, |at| at + 1).min(self.last).max(self.first - 1)
    }

    /// Returns the pCPUs of the snapshot with this number; `None` if there is none, or if it cannot be read.
    pub(super) fn pcpu_times(&mut self, number: usize) -> Option<PcpuTimes> {
        let is_in = (self.first..=self.last).contains(&number);
        self.samples
            .pcpu_times(number.checked_sub(1).filter(|_| is_in)?)
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
        Ok(self.move_to(self.position + 1..=self.last))
    }

    fn due(&self) -> Instant {
        Instant::now()
    }

    /// No method of this feed returns an error.
    fn gives_up(&self) -> bool {
        true
    }

    fn before(&mut self) -> Option<Arc<Snapshot>> {
        let before = self.last_of(0..self.first - 1)?;
        Some(self.restricted(&before))
    }

    fn previous(&mut self) -> Result<Option<Pair>, Error> {
        Ok(self.move_to((self.first..self.position).rev()))
    }

    /// If the wall clock was set back, several snapshots may have the same time. This moves to the
    /// one that was taken last.
    fn go_to(&mut self, time: Timestamp) -> Result<Option<Pair>, Error> {
        let position = self.samples.up_to(time).map(|at| self.last.min(at + 1));
        Ok(self.move_to(position.into_iter()))
    }

    fn recent(&mut self, count: usize) -> Result<Vec<Pair>, Error> {
        let back = (0..count).rev();
        Ok(back.filter_map(|count| self.back(count)).collect())
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
