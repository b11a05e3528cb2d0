//! A rate, and the time that it is measured over.

use crate::snapshot::Stamp;

/// A measured value and its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The value.
    pub value: f64,
    /// Largest error of the value, because each sample was taken at an unknown time within its
    /// bracket.
    pub uncertainty: f64,
}

impl Rate {
    /// Exactly 0.
    pub(super) const NOTHING: Self = Self {
        value: 0.0,
        uncertainty: 0.0,
    };

    pub(super) fn scaled(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            uncertainty: self.uncertainty * factor,
        }
    }

    /// Converts per cent idle to per cent busy, at least 0. The measured idle time may exceed the
    /// interval by the width of the bracket.
    pub(super) fn busy(self) -> Self {
        Self {
            value: (100.0 - self.value).max(0.0),
            uncertainty: self.uncertainty,
        }
    }

    /// Returns the sum; `None` if there are no figures, or if one of them is unknown.
    pub fn sum(figures: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        figures
            .into_iter()
            .reduce(|sum, figure| {
                let (sum, figure) = (sum?, figure?);
                Some(Self {
                    value: sum.value + figure.value,
                    uncertainty: sum.uncertainty + figure.uncertainty,
                })
            })
            .flatten()
    }
}

/// Returns the increase of a counter; `None` if it is unknown, or if it went back.
pub(super) fn risen(old: Option<u64>, new: Option<u64>) -> Option<u64> {
    new?.checked_sub(old?)
}

/// The time between two samples.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    /// Nanoseconds.
    pub(crate) ns: u64,
    /// Nanoseconds by which it may be longer or shorter: the sum of both stamps' uncertainties.
    pub(crate) uncertainty_ns: u64,
}

impl Span {
    /// Returns the time from `old` to `new`; `None` if `new` is not later.
    pub(crate) fn between(old: Stamp, new: Stamp) -> Option<Self> {
        let ns = new.at_ns.checked_sub(old.at_ns)?;
        (ns > 0).then(|| Self {
            ns,
            uncertainty_ns: old.uncertainty_ns.saturating_add(new.uncertainty_ns),
        })
    }

    /// Returns the increase of a counter of nanoseconds in per cent of this time.
    pub(super) fn share(self, old: Option<u64>, new: Option<u64>) -> Option<Rate> {
        Some(self.rate(risen(old, new)?, 100.0))
    }

    /// Returns an increase as a rate per second.
    pub(super) fn per_second(self, rise: Option<u64>) -> Option<Rate> {
        Some(self.rate(rise?, 1e9))
    }

    /// Returns an increase as a rate per nanosecond, times `factor`.
    fn rate(self, rise: u64, factor: f64) -> Rate {
        // Most domains of most hosts are idle, and divisions take time.
        if rise == 0 {
            return Rate::NOTHING;
        }
        let value = rise as f64 / self.ns as f64;
        let rate = Rate {
            value,
            uncertainty: value * self.uncertainty_ns as f64 / self.ns as f64,
        };
        rate.scaled(factor)
    }
}
