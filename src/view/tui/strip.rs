//! The CPU use of the hour around a sample of the past.

use jiff::Timestamp;
use ratatui::layout::Size;

use crate::feed::{Hour, Use};

/// How many seconds a column may be long: each begins with a whole minute, or some columns after one.
const LENGTHS: [u32; 4] = [20, 30, 60, 120];

/// The number of columns besides those of the hour: `CPU 13:00 ` and ` 14:00`.
const LABELS: usize = 16;

/// The lines of a screen that is high enough for the strip.
const LEAST_HEIGHT: u16 = 16;

/// Returns how many seconds a column is long on a screen of this size; `None` if it has no room for the strip.
pub(super) fn column_s(screen: Size) -> Option<u32> {
    let fits = |&&length: &&u32| LABELS + (3600 / length) as usize <= usize::from(screen.width);
    let length = LENGTHS.iter().find(fits).copied();
    length.filter(|_| screen.height >= LEAST_HEIGHT)
}

/// The CPU use of an hour.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    pub(super) begin: Timestamp,
    pub(super) end: Timestamp,
    /// One for each column.
    pub(super) uses: Vec<Use>,
}

impl Strip {
    /// Returns the strip of an hour.
    pub(super) fn of(hour: &Hour) -> Self {
        Self {
            begin: hour.begin(),
            end: hour.end(),
            uses: hour.uses(),
        }
    }

    /// Returns the column of a time; `None` if it is not in the hour.
    pub(super) fn column(&self, time: Timestamp) -> Option<usize> {
        let since = time.duration_since(self.begin);
        let length = self.end.duration_since(self.begin);
        let is_in = !since.is_negative() && since < length;
        let share = since.as_secs_f64() / length.as_secs_f64();
        is_in.then_some((share * self.uses.len() as f64) as usize)
    }
}
