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
    /// The times of what it returns; `None` for no limit.
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// How many snapshots it has passed over because of their times.
    left_out: usize,
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
            since: None,
            until: None,
            left_out: 0,
            only: None,
        }
    }

    /// Restricts the feed to snapshots of these wall-clock times. Its position is before the first of them. Those in between
    /// that are of other times are passed over: the clock was wrong, or was set.
    pub fn between(mut self, since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        if let Some(since) = since {
            let end = until.or_else(|| self.end_of(since));
            let first = self.samples.first_in(since..=end.unwrap_or(Timestamp::MAX));
            self.first = first.unwrap_or(self.samples.count()) + 1;
        }
        (self.since, self.until) = (since, until);
        self.last = self.last_number();
        self.position = self.first - 1;
        self
    }

    /// Returns whether a time is one of those that the feed is restricted to.
    fn is_in_span(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time <= until)
    }

    /// Returns how many snapshots [`Feed::next`] has passed over because they are of other times.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Returns the time of the last snapshot that was taken, if that is not before `since`: what is later was taken by a
    /// clock that was ahead.
    pub fn end_of(&mut self, since: Timestamp) -> Option<Timestamp> {
        let mut all = (0..self.samples.count()).rev();
        let last = all.find_map(|at| self.samples.pcpu_times(at))?;
        Some(last.time).filter(|&time| time >= since)
    }

    /// Returns the number of the last snapshot that it may return; 0 if there is none.
    fn last_number(&mut self) -> usize {
        let Some(until) = self.until else {
            return self.samples.count();
        };
        let times = self.since.unwrap_or(Timestamp::MIN)..=until;
        self.samples.last_in(times).map_or(0, |last| last + 1)
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
        let last = (self.first..=self.last).rev();
        let mut positions = last.filter(|&position| self.pair(position).is_some());
        self.position = positions.next().unwrap_or(self.position);
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
        if !self.is_in_span(newer.time) {
            return None;
        }
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
        for position in self.position + 1..=self.last {
            if let Some(pair) = self.pair(position) {
                self.position = position;
                return Ok(Some(pair));
            }
            // What cannot be read was said.
            self.left_out += usize::from(self.samples.get(position - 1).is_some());
        }
        Ok(None)
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
