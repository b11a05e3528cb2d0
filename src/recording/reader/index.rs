//! Finds samples by their times, and checks the index against them.
//!
//! Rows of the index have no checksum; chunks and keys do.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::{OTHER_NUMBER, Place, Recording, shown};
use crate::recording::log::MAX_SAMPLES;
use crate::recording::samples::{Times, newest_up_to};
use crate::recording::store::{Entry, index_time};
use crate::recording::tree::Tree;

/// How many chunks are checked at most because those around them are of other times: where a clock is often set back,
/// all others are checked when they are read.
const MOST_CHECKED: usize = 32;

/// How many samples a chunk may have.
const SAMPLES: RangeInclusive<u32> = 1..=MAX_SAMPLES;

impl Recording {
    /// Checks what the index says of chunks that are not counted yet, if it contradicts itself: a chunk ends before it
    /// begins or after the next one begins, or has an impossible number of samples. A clock that was set back also does
    /// this, see [`MOST_CHECKED`].
    pub(super) fn check_index(&mut self) {
        let (mut doubtful, mut overlapping) = (BTreeSet::new(), BTreeSet::new());
        for (number, Place { entry, .. }) in self.chunks.iter().enumerate().skip(self.counted()) {
            if entry.earliest > entry.latest || !SAMPLES.contains(&entry.samples) {
                doubtful.insert(number);
            }
            let before = number.checked_sub(1);
            if let Some(before) = before.filter(|&at| self.chunks[at].entry.latest > entry.earliest)
            {
                overlapping.extend([before, number]);
            }
        }
        if overlapping.len() <= MOST_CHECKED {
            doubtful.extend(overlapping);
        }
        for number in doubtful {
            self.check(number);
            let entry = &mut self.chunks[number].entry;
            if !SAMPLES.contains(&entry.samples) {
                // It was reported that the chunk cannot be read.
                entry.samples = 0;
            }
        }
    }

    /// Checks what the index says of a chunk against its samples.
    pub(super) fn check(&mut self, number: usize) {
        let times = self.decode(number).and_then(|mut chunk| {
            let samples = 0..chunk.len();
            let times = samples.map(|sample| chunk.tree(sample).and_then(Tree::time));
            let times: Result<Vec<_>, _> = times.collect();
            times.map_err(|why| why.to_string())
        });
        match times {
            Ok(times) => self.correct(number, &times),
            Err(why) => self.skip(number, &why),
        }
    }

    /// Corrects what the index says of a chunk, and reports it, if its samples have other times.
    fn correct(&mut self, number: usize, times: &[Timestamp]) {
        let times = || times.iter().copied().map(index_time);
        let (Some(earliest), Some(latest)) = (times().min(), times().max()) else {
            return;
        };
        let entry = self.chunks[number].entry;
        let right = Entry {
            earliest,
            latest,
            samples: times().count() as u32,
            ..entry
        };
        if entry == right {
            return;
        }
        if entry.samples != right.samples && number < self.counted() {
            return self.skip(number, OTHER_NUMBER);
        }
        if entry.earliest != earliest && entry.latest != latest {
            // Perhaps its key is that of other chunks, and all its values are wrong.
            return self.skip(number, "its samples are of another time");
        }
        self.chunks[number].entry = right;
        let (from, to) = (shown(earliest), shown(latest));
        (self.report)(&format!(
            "the index of the recording is wrong about {from} to {to}; corrected from the samples"
        ));
    }

    /// Returns what the index says of the times of chunks that can be read, as far as that is known.
    pub(super) fn readable_times(&self) -> Vec<Times> {
        let entries = self.chunks.iter().map(|place| place.entry).enumerate();
        let times = entries.filter_map(|(number, entry)| {
            let is_read = entry.samples > 0 && !self.broken.contains(&number);
            let time = |ns: i64| Timestamp::from_nanosecond(ns.into()).ok();
            is_read.then_some(Times {
                earliest: time(entry.earliest)?,
                latest: time(entry.latest)?,
                samples: entry.samples,
            })
        });
        times.collect()
    }

    /// Returns the position of the newest sample at or before a time; `None` if there is none.
    pub(super) fn newest(&mut self, time: Timestamp) -> Option<usize> {
        let at = index_time(time);
        let numbers = 0..self.chunks.len();
        let mut possible: Vec<(i64, usize)> = numbers
            .filter(|&number| self.chunks[number].entry.earliest <= at)
            .map(|number| {
                // The time of the next chunk says as well how late this one may be.
                let latest = |number: usize| self.chunks.get(number).map(|place| place.entry);
                let [this, next] = [number, number + 1].map(latest);
                let this = this.map_or(i64::MIN, |entry| entry.latest);
                let next = next.map_or(i64::MIN, |entry| entry.earliest);
                (this.max(next).min(at), number)
            })
            .collect();
        possible.sort_unstable();
        let mut best: Option<(i64, usize)> = None;
        for (at_most, number) in possible.into_iter().rev() {
            if best.is_some_and(|(found, _)| found > at_most) {
                break;
            }
            best = best.max(self.newest_in(number, time));
        }
        // If no later sample of its chunk was taken after the time, one of the next chunk may be up to it: the index
        // may have a wrong time of that.
        let mut next = best.map_or(0, |(_, position)| position + 1);
        while let Some((number, 0)) = self.place(next) {
            let found = self.newest_in(number, time);
            if found > best {
                best = found;
                next = found.map_or(next, |(_, position)| position + 1);
            } else if self.broken.contains(&number) {
                next = self.starts[number + 1];
            } else {
                break;
            }
        }
        best.map(|(_, position)| position)
    }

    /// Returns the positions of a chunk's samples that were taken at one of these times; `None` if the index says that
    /// there are none.
    pub(super) fn in_chunk(
        &mut self,
        number: usize,
        times: &RangeInclusive<Timestamp>,
    ) -> Option<impl DoubleEndedIterator<Item = usize> + use<>> {
        let [from, to] = [times.start(), times.end()].map(|&time| index_time(time));
        let entry = self.chunks[number].entry;
        // The chunks beside it say as well how early and how late it may be: the index may be wrong about this one.
        let before = number
            .checked_sub(1)
            .map(|before| self.chunks[before].entry.latest);
        let after = self
            .chunks
            .get(number + 1)
            .map(|after| after.entry.earliest);
        if after.unwrap_or(entry.latest).max(entry.latest) < from
            || before.unwrap_or(entry.earliest).min(entry.earliest) > to
        {
            return None;
        }
        let start = self.starts[number];
        let read = self.times_of(number).into_iter().enumerate();
        let found = read.filter(|(_, time)| times.contains(time));
        let found: Vec<usize> = found.map(|(within, _)| within).collect();
        Some(found.into_iter().map(move |within| start + within))
    }

    /// Returns the newest sample of a chunk at or before a time: its time in the index, and its position.
    fn newest_in(&mut self, number: usize, time: Timestamp) -> Option<(i64, usize)> {
        let times = self.times_of(number).into_iter();
        let (within, time) = newest_up_to(times, time)?;
        Some((index_time(time), self.starts[number] + within))
    }

    /// Returns the times of a chunk's samples; none if it is broken. Checks what the index says of the chunk.
    fn times_of(&mut self, number: usize) -> Vec<Timestamp> {
        let samples = self.chunks[number].entry.samples as usize;
        let times = (0..samples).map_while(|sample| self.of_sample(number, sample, Tree::time));
        let times: Vec<_> = times.collect();
        if times.len() == samples {
            self.correct(number, &times);
        }
        match self.broken.contains(&number) {
            true => Vec::new(),
            false => times,
        }
    }
}
