//! Which part of a span was recorded, as far as the index says.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use super::recorder::CHUNK_NS;
use super::samples::Times;

/// The time after which samples are written: all of them but the last were taken within it.
const CHUNK: SignedDuration = SignedDuration::from_nanos(CHUNK_NS as i64);

impl Times {
    /// Returns how far its samples are from each other in the mean; `None` if there is only one.
    fn distance(&self) -> Option<SignedDuration> {
        let steps = i32::try_from(self.samples.checked_sub(1)?).ok()?;
        let distance = (steps > 0).then(|| self.latest.duration_since(self.earliest) / steps)?;
        // If it is more, the last sample came late.
        let is_more = steps > 1 && distance > CHUNK;
        Some(if is_more { CHUNK } else { distance })
    }
}

/// How far two samples may be apart without a gap: recorders take one each second, or each minute if told so.
pub const USUAL: SignedDuration = SignedDuration::from_secs(61);

/// Which part of a span was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The first time in the span that was recorded.
    pub first: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// How often nothing was recorded for longer than the usual distance of two samples, between the first time and the
    /// last one.
    pub gaps: usize,
    /// The longest of these times; zero if there are none.
    pub longest: SignedDuration,
    /// The distance of two samples up to which nothing is missing.
    pub usual: SignedDuration,
}

impl Coverage {
    /// Finds what was recorded of a span, from the times of all samples. `None` if nothing was. Samples that are at most
    /// `usual` from each other have no gap between them, nor have those of a recording with a longer interval.
    pub fn of(
        mut all: Vec<Times>,
        span: RangeInclusive<Timestamp>,
        usual: SignedDuration,
    ) -> Option<Self> {
        all.retain(|one| one.latest >= *span.start() && one.earliest <= *span.end());
        all.sort_by_key(|one| one.earliest);
        let distance = distance(&all);
        let usual = usual.max(distance.saturating_mul(2));
        let mut found: Option<Self> = None;
        for (from, to) in all.iter().flat_map(|one| parts(one, distance, usual)) {
            let (from, to) = (from.max(*span.start()), to.min(*span.end()));
            if from > to {
                continue;
            }
            let found = found.get_or_insert(Self {
                first: from,
                last: to,
                gaps: 0,
                longest: SignedDuration::ZERO,
                usual,
            });
            let gap = from.duration_since(found.last);
            if gap > usual {
                found.gaps += 1;
                found.longest = found.longest.max(gap);
            }
            found.last = found.last.max(to);
        }
        found
    }
}

/// Returns the usual distance of two samples: the median.
fn distance(all: &[Times]) -> SignedDuration {
    let next = all.iter().skip(1).map(Some).chain([None]);
    let distances = all.iter().zip(next).filter_map(|(one, next)| {
        let to_next = || Some(next?.earliest.duration_since(one.earliest));
        one.distance().or_else(to_next)
    });
    let mut distances: Vec<_> = distances.collect();
    distances.sort_unstable();
    let median = distances.get(distances.len().saturating_sub(1) / 2);
    median.copied().unwrap_or_default()
}

/// Returns the begin and the end of each part of these times without a gap. A gap can only be before the last sample,
/// because a sample that comes after a long pause is the last one of its chunk.
fn parts(
    times: &Times,
    distance: SignedDuration,
    usual: SignedDuration,
) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let Times {
        earliest, latest, ..
    } = *times;
    let before = i32::try_from(times.samples.saturating_sub(2)).unwrap_or(i32::MAX);
    let end = earliest.saturating_add(distance.saturating_mul(before).min(CHUNK));
    let end = end.unwrap_or(latest).min(latest);
    let parts = match latest.duration_since(end) > usual {
        true => [Some((earliest, end)), Some((latest, latest))],
        false => [Some((earliest, latest)), None],
    };
    parts.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::constant(second, 0)
    }

    /// Samples from one second to another.
    fn times(from: i64, to: i64, samples: u32) -> Times {
        Times {
            earliest: at(from),
            latest: at(to),
            samples,
        }
    }

    /// Returns the first and last second that was recorded, how many gaps there are, and the seconds of the longest.
    fn covered(all: &[Times], span: RangeInclusive<i64>) -> Option<[i64; 4]> {
        let span = at(*span.start())..=at(*span.end());
        let found = Coverage::of(all.to_vec(), span, SignedDuration::from_secs(61))?;
        let [first, last] = [found.first, found.last].map(Timestamp::as_second);
        Some([first, last, found.gaps as i64, found.longest.as_secs()])
    }

    #[test]
    fn a_gap_is_longer_than_usual() {
        let each_second = [times(0, 9, 10), times(10, 19, 10), times(100, 109, 10)];
        assert_eq!(covered(&each_second, 0..=200), Some([0, 109, 1, 81]));
        assert_eq!(covered(&each_second, 5..=15), Some([5, 15, 0, 0]));
        assert_eq!(covered(&each_second, 15..=104), Some([15, 104, 1, 81]));
        assert_eq!(covered(&each_second, 20..=99), None);
        assert_eq!(covered(&[], 0..=99), None);
        // In any order, as after the clock was set back.
        let [one, two, three] = each_second;
        assert_eq!(covered(&[three, one, two], 0..=200), Some([0, 109, 1, 81]));
        let twice = [times(0, 9, 10), times(3, 6, 4), times(70, 79, 10)];
        assert_eq!(covered(&twice, 0..=79), Some([0, 79, 0, 0]));
    }

    #[test]
    fn a_gap_is_found_before_a_last_sample() {
        // The fifth sample comes ten minutes late, and is written with those before.
        let paused = [
            times(0, 10, 11),
            times(11, 20, 10),
            times(21, 624, 5),
            times(625, 635, 11),
        ];
        assert_eq!(covered(&paused, 0..=635), Some([0, 635, 1, 600]));
        assert_eq!(covered(&paused, 60..=630), Some([624, 630, 0, 0]));
        assert_eq!(covered(&paused, 60..=600), None);
        // Of these samples alone, it is known to ten seconds.
        assert_eq!(covered(&paused[2..3], 0..=624), Some([21, 624, 1, 593]));
    }

    #[test]
    fn a_recording_with_a_long_interval_has_no_gaps() {
        let mut all = vec![times(0, 300, 2)];
        all.extend((2..20).map(|number| times(number * 300, number * 300, 1)));
        assert_eq!(covered(&all, 0..=5700), Some([0, 5700, 0, 0]));
        all.remove(5);
        assert_eq!(covered(&all, 0..=5700), Some([0, 5700, 0, 0]));
        all.drain(5..7);
        assert_eq!(covered(&all, 0..=5700), Some([0, 5700, 1, 1200]));
    }
}
