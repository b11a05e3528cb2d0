//! Snapshots that can be returned by their positions.

use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::Timestamp;

use crate::snapshot::{PcpuTimes, Snapshot};

/// The wall-clock times of samples that were written together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The time of the earliest sample.
    pub earliest: Timestamp,
    /// The time of the latest sample.
    pub latest: Timestamp,
    /// How many samples there are.
    pub samples: u32,
}

/// Snapshots in the order in which they were taken.
pub trait Samples {
    /// Returns how many there are, with those that cannot be read.
    fn count(&self) -> usize;

    /// Adds those that were recorded since.
    fn read_new(&mut self) {}

    /// Returns the one at this position, from 0; `None` if there is none, or if it cannot be read.
    fn get(&mut self, position: usize) -> Option<Arc<Snapshot>>;

    /// Returns the pCPUs of the one at this position, which takes less than the whole; `None` as for the whole.
    fn pcpu_times(&mut self, position: usize) -> Option<PcpuTimes>;

    /// Returns the position of the newest one at or before this wall-clock time; `None` if there is none. If the clock
    /// was set back, several may have the same time: this is the one that was taken last.
    fn up_to(&mut self, time: Timestamp) -> Option<usize>;

    /// Returns the position of the first one that was taken at one of these wall-clock times; `None` if none was.
    fn first_in(&mut self, times: RangeInclusive<Timestamp>) -> Option<usize>;

    /// Returns the position of the last one that was taken at one of these wall-clock times; `None` if none was.
    fn last_in(&mut self, times: RangeInclusive<Timestamp>) -> Option<usize>;

    /// Returns the wall-clock times of all, without those that were found to be unreadable. Reads none.
    fn times(&self) -> Vec<Times>;
}

impl Samples for Vec<Arc<Snapshot>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn get(&mut self, position: usize) -> Option<Arc<Snapshot>> {
        self.as_slice().get(position).cloned()
    }

    fn pcpu_times(&mut self, position: usize) -> Option<PcpuTimes> {
        let snapshot = self.as_slice().get(position)?;
        Some(PcpuTimes::from(&**snapshot))
    }

    fn up_to(&mut self, time: Timestamp) -> Option<usize> {
        let times = self.iter().map(|snapshot| snapshot.time);
        newest_up_to(times, time).map(|(position, _)| position)
    }

    fn first_in(&mut self, times: RangeInclusive<Timestamp>) -> Option<usize> {
        self.iter()
            .position(|snapshot| times.contains(&snapshot.time))
    }

    fn last_in(&mut self, times: RangeInclusive<Timestamp>) -> Option<usize> {
        self.iter()
            .rposition(|snapshot| times.contains(&snapshot.time))
    }

    fn times(&self) -> Vec<Times> {
        let times = self.iter().map(|snapshot| Times {
            earliest: snapshot.time,
            latest: snapshot.time,
            samples: 1,
        });
        times.collect()
    }
}

/// Returns the newest of these times that is at or before a time, with its position; the last one of equals.
pub(super) fn newest_up_to(
    times: impl Iterator<Item = Timestamp>,
    time: Timestamp,
) -> Option<(usize, Timestamp)> {
    let up_to = times.enumerate().filter(|(_, one)| *one <= time);
    // `max_by_key` returns the last of equal elements.
    up_to.max_by_key(|(_, one)| *one)
}
