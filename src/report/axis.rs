//! Time in columns of equal length, few enough to draw.

use jiff::{SignedDuration, Timestamp};

/// How many columns there are at most. A column is as long as needed for that.
pub const COLUMNS: usize = 480;

/// The columns of a report. They begin a second long, and get twice as long whenever there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    begin: Timestamp,
    column_ns: i128,
    columns: usize,
}

impl Axis {
    pub(super) fn new(begin: Timestamp) -> Self {
        Self {
            begin,
            column_ns: 1_000_000_000,
            columns: 0,
        }
    }

    /// Returns the time at which the first column begins.
    pub fn begin(&self) -> Timestamp {
        self.begin
    }

    /// Returns the time at which a column begins.
    pub fn at(&self, column: usize) -> Timestamp {
        let ns = self.column_ns.saturating_mul(column as i128);
        let since = SignedDuration::try_from_nanos_i128(ns).unwrap_or(SignedDuration::MAX);
        self.begin.saturating_add(since).unwrap_or(Timestamp::MAX)
    }

    /// Returns how long a column is, in seconds.
    pub fn column_seconds(&self) -> f64 {
        self.column_ns as f64 / 1e9
    }

    /// Returns how many columns have something in them, and all before the last of these.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns where a moment is, in columns from the begin.
    pub fn place(&self, time: Timestamp) -> f64 {
        self.since(time) as f64 / self.column_ns as f64
    }

    /// Makes columns so long that there is one for this time. Returns how often they got twice as long.
    pub(super) fn reach(&mut self, time: Timestamp) -> u32 {
        let since = self.since(time).max(0);
        let mut doubled = 0;
        while since / self.column_ns >= COLUMNS as i128 {
            self.column_ns *= 2;
            self.columns = self.columns.div_ceil(2);
            doubled += 1;
        }
        self.columns = self.columns.max((since / self.column_ns) as usize + 1);
        doubled
    }

    /// Begins so much earlier that there is a column for this time, as when the clock was set back. Returns how often
    /// columns got twice as long, and how many were put before the first one after that.
    pub(super) fn reach_back(&mut self, time: Timestamp) -> (u32, usize) {
        let before = -self.since(time).min(0);
        let mut doubled = 0;
        let missing = loop {
            let missing = (before + self.column_ns - 1) / self.column_ns;
            if missing + self.columns as i128 <= COLUMNS as i128 {
                break missing;
            }
            self.column_ns *= 2;
            self.columns = self.columns.div_ceil(2);
            doubled += 1;
        };
        let earlier = SignedDuration::try_from_nanos_i128(missing * self.column_ns);
        let begin = earlier.and_then(|earlier| self.begin.checked_sub(earlier).ok());
        // There are no times before the first one.
        self.begin = begin.unwrap_or(Timestamp::MIN);
        self.columns += missing as usize;
        (doubled, missing as usize)
    }

    /// Returns the columns that a time reaches over, and how many nanoseconds of each. What lies before the first is
    /// left out.
    pub(super) fn over(self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = (usize, f64)> {
        let [from, to] = [from, to].map(|time| self.since(time).max(0));
        let columns = from / self.column_ns..=to / self.column_ns;
        columns.filter_map(move |column| {
            let begin = column * self.column_ns;
            let ns = to.min(begin + self.column_ns) - from.max(begin);
            (ns > 0).then_some((usize::try_from(column).ok()?, ns as f64))
        })
    }

    fn since(&self, time: Timestamp) -> i128 {
        time.as_nanosecond() - self.begin.as_nanosecond()
    }
}

/// A figure over time: the mean of each column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series(Vec<Cell>);

/// What is known of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cell {
    /// The sum of all values, each times how long it was so.
    sum: f64,
    ns: f64,
}

impl Cell {
    fn mean(self) -> Option<f64> {
        (self.ns > 0.0).then(|| self.sum / self.ns)
    }
}

impl Series {
    /// Returns the mean of each column, `None` where it is unknown. Columns after the last that is known are missing.
    pub fn means(&self) -> impl Iterator<Item = Option<f64>> + '_ {
        self.0.iter().map(|cell| cell.mean())
    }

    /// Returns the mean of a column; `None` if it is unknown.
    pub fn at(&self, column: usize) -> Option<f64> {
        self.0.get(column)?.mean()
    }

    /// Returns the mean of all columns; `None` if nothing is known.
    pub fn mean(&self) -> Option<f64> {
        let add = |all: Cell, cell: &Cell| Cell {
            sum: all.sum + cell.sum,
            ns: all.ns + cell.ns,
        };
        self.0.iter().fold(Cell::default(), add).mean()
    }

    /// Returns the highest mean of a column; `None` if nothing is known.
    pub fn most(&self) -> Option<f64> {
        self.means().flatten().max_by(f64::total_cmp)
    }

    /// Returns the sum of what it was, times the nanoseconds.
    pub(super) fn total(&self) -> f64 {
        self.0.iter().map(|cell| cell.sum).sum()
    }

    pub(super) fn add(&mut self, column: usize, value: Option<f64>, ns: f64) {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            return;
        };
        if self.0.len() <= column {
            self.0.resize(column + 1, Cell::default());
        }
        self.0[column].sum += value * ns;
        self.0[column].ns += ns;
    }

    /// Puts unknown columns before the first one.
    pub(super) fn put_before(&mut self, columns: usize) {
        let unknown = std::iter::repeat_n(Cell::default(), columns);
        self.0.splice(0..0, unknown);
    }

    /// Joins each two columns.
    pub(super) fn double(&mut self) {
        let pairs = self.0.chunks(2);
        let joined = pairs.map(|pair| Cell {
            sum: pair.iter().map(|cell| cell.sum).sum(),
            ns: pair.iter().map(|cell| cell.ns).sum(),
        });
        self.0 = joined.collect();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn second(second: u32) -> Timestamp {
        Timestamp::from_second(i64::from(second)).unwrap()
    }

    proptest! {
        /// However long the columns get, nothing is lost and nothing counts twice.
        #[test]
        fn the_mean_is_that_of_all_samples(
            steps in prop::collection::vec((1..5000_u32, prop::option::of(0..1000_u32)), 1..200),
        ) {
            let mut axis = Axis::new(second(7));
            let mut series = Series::default();
            let (mut at, mut sum, mut known) = (7, 0.0, 0.0);
            for (passed, value) in steps {
                let (from, to) = (second(at), second(at + passed));
                at += passed;
                for _ in 0..axis.reach(to) {
                    series.double();
                }
                let value = value.map(f64::from);
                for (column, ns) in axis.over(from, to) {
                    prop_assert!(column < axis.columns());
                    series.add(column, value, ns);
                }
                if let Some(value) = value {
                    sum += value * f64::from(passed);
                    known += f64::from(passed);
                }
            }
            prop_assert!(axis.columns() <= COLUMNS);
            prop_assert!(axis.at(axis.columns()) >= second(at));
            match series.mean() {
                Some(mean) => prop_assert!((mean - sum / known).abs() < 1e-6 * mean.max(1.0)),
                None => prop_assert_eq!(known, 0.0),
            }
        }
    }

    #[test]
    fn an_axis_can_begin_earlier() {
        let mut axis = Axis::new(second(1000));
        let mut series = Series::default();
        assert_eq!(axis.reach(second(1009)), 0);
        series.add(9, Some(7.0), 1e9);
        assert_eq!(axis.reach_back(second(1005)), (0, 0));
        assert_eq!(axis.reach_back(second(998)), (0, 2));
        series.put_before(2);
        assert_eq!(
            (axis.begin(), axis.columns(), series.at(11)),
            (second(998), 12, Some(7.0))
        );
        // Too many seconds.
        assert_eq!(axis.reach_back(second(214)), (1, 392));
        assert_eq!(
            (axis.begin(), axis.column_seconds(), axis.columns()),
            (second(214), 2.0, 398)
        );
        assert_eq!(axis.place(second(998)), 392.0);
    }

    #[test]
    fn a_sample_over_a_border_is_in_both_columns() {
        let axis = Axis::new(second(0));
        let half = Timestamp::from_millisecond(500).unwrap();
        let over: Vec<_> = axis.over(half, second(2)).collect();
        assert_eq!(over, [(0, 5e8), (1, 1e9)]);
        // Before the begin, as when the clock was set back.
        assert_eq!(Axis::new(second(5)).over(second(1), second(3)).count(), 0);
    }
}
