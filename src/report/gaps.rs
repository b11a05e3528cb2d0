//! When nothing was recorded.

use jiff::{SignedDuration, Timestamp};

use crate::recording::USUAL;

/// The times between samples that are longer than usual.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps {
    /// How many times there are, the short ones as well.
    count: usize,
    long: Vec<(Timestamp, Timestamp)>,
}

impl Gaps {
    /// Adds a time without a sample in it.
    pub(super) fn add(&mut self, from: Timestamp, to: Timestamp) {
        self.count += 1;
        if to.duration_since(from) > USUAL {
            self.long.push((from, to));
        }
    }

    /// Returns those that are more than twice as long as the median: a recorder may be slower than usual.
    pub(super) fn all(&self) -> Vec<(Timestamp, Timestamp)> {
        let length = |&(from, to): &(Timestamp, Timestamp)| to.duration_since(from);
        let mut lengths: Vec<SignedDuration> = self.long.iter().map(length).collect();
        lengths.sort_by(|one, other| other.cmp(one));
        let median = lengths.get(self.count / 2);
        let least = median.map_or(USUAL, |median| median.saturating_mul(2));
        let gaps = self.long.iter().filter(|gap| length(gap) > least);
        gaps.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_longer_than_twice_the_usual_time() {
        for (step, is_gap) in [(1, true), (60, true), (299, true), (301, false)] {
            let mut gaps = Gaps::default();
            let mut at = Timestamp::UNIX_EPOCH;
            // Also the first two samples, which follow each other at once, and a recorder that starts again.
            for seconds in [0, step, step, 600, 0, step, step] {
                let from = at;
                at += SignedDuration::from_secs(seconds);
                gaps.add(from, at);
            }
            let lengths = gaps
                .all()
                .iter()
                .map(|(from, to)| to.duration_since(*from))
                .collect::<Vec<_>>();
            let expected: &[_] = &[SignedDuration::from_secs(600)];
            assert_eq!(lengths, if is_gap { expected } else { &[] }, "{step}");
        }
        assert!(Gaps::default().all().is_empty());
    }
}
