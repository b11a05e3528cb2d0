//! What is expected of numbers, so that only what is different takes space.

use super::bytes::{fold, length};
use super::cell::Cell;
use super::log::Change;

/// What the differences of a class are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// Nothing.
    Nothing = 0,
    /// The difference of the node before in the same sample: what was read together moves together.
    NodeBefore = 1,
}

impl Follows {
    /// Returns what takes fewer bytes.
    pub(super) fn cheaper(samples: u32, changes: impl Iterator<Item = Change>) -> Self {
        let [mut alone, mut after] =
            [Self::Nothing, Self::NodeBefore].map(|follows| Prediction::new(follows, samples));
        let (mut alone_bytes, mut after_bytes) = (0, 0);
        for change in changes {
            if let Cell::Number(difference) = change.cell {
                alone_bytes += length(fold(alone.rest(change.sample, difference)));
                after_bytes += length(fold(after.rest(change.sample, difference)));
            }
        }
        match after_bytes < alone_bytes {
            true => Self::NodeBefore,
            false => Self::Nothing,
        }
    }
}

/// The differences that are expected in each sample.
#[derive(Debug)]
pub(super) struct Prediction(Option<Vec<u64>>);

impl Prediction {
    pub(super) fn new(follows: Follows, samples: u32) -> Self {
        let expected = vec![0; samples as usize];
        Self((follows == Follows::NodeBefore).then_some(expected))
    }

    /// Returns a difference less the expected one.
    pub(super) fn rest(&mut self, sample: u32, difference: u64) -> u64 {
        match &mut self.0 {
            None => difference,
            Some(expected) => {
                let before = std::mem::replace(&mut expected[sample as usize], difference);
                difference.wrapping_sub(before)
            }
        }
    }

    /// Returns the difference of which this is the rest.
    pub(super) fn difference(&mut self, sample: u32, rest: u64) -> u64 {
        match &mut self.0 {
            None => rest,
            Some(expected) => {
                let difference = rest.wrapping_add(expected[sample as usize]);
                expected[sample as usize] = difference;
                difference
            }
        }
    }
}
