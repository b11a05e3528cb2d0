//! How fast something happens, and the time that it is measured over.

use crate::snapshot::Stamp;

/// A figure, and how far the truth may be from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The figure.
    pub value: f64,
    /// How far off it may be for not knowing when within its bracket each sample was taken.
    pub uncertainty: f64,
}

impl Rate {
    /// What nothing did, for certain.
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

    /// Per cent busy of per cent idle. Idle time may come out above the interval by the bracket's
    /// width, which is no reason for a negative number.
    pub(super) fn busy(self) -> Self {
        Self {
            value: (100.0 - self.value).max(0.0),
            uncertainty: self.uncertainty,
        }
    }

    /// The sum of figures; `None` for the sum of nothing, and when one of them is not known.
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

/// By how much a counter rose; `None` when it is not known, or when it went back.
pub(super) fn risen(old: Option<u64>, new: Option<u64>) -> Option<u64> {
    new?.checked_sub(old?)
}

/// The time between two samples.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    /// Nanoseconds.
    pub(crate) ns: u64,
    /// Nanoseconds by which it may be longer or shorter: both stamps' uncertainties.
    pub(crate) uncertainty_ns: u64,
}

impl Span {
    /// `None` when the newer sample is not the later one.
    pub(crate) fn between(old: Stamp, new: Stamp) -> Option<Self> {
        let ns = new.at_ns.checked_sub(old.at_ns)?;
        (ns > 0).then(|| Self {
            ns,
            uncertainty_ns: old.uncertainty_ns.saturating_add(new.uncertainty_ns),
        })
    }

    /// What per cent of this time a counter of nanoseconds rose by.
    pub(super) fn share(self, old: Option<u64>, new: Option<u64>) -> Option<Rate> {
        Some(self.per_ns(risen(old, new)?).scaled(100.0))
    }

    /// What a rise comes to per second.
    pub(super) fn per_second(self, rise: Option<u64>) -> Option<Rate> {
        Some(self.per_ns(rise?).scaled(1e9))
    }

    fn per_ns(self, rise: u64) -> Rate {
        let value = rise as f64 / self.ns as f64;
        Rate {
            value,
            uncertainty: value * self.uncertainty_ns as f64 / self.ns as f64,
        }
    }
}
