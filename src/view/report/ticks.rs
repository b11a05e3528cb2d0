//! Where the time axis has labels.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::report::Axis;

/// How many labels there are at most.
const LABELS: i64 = 9;

/// Seconds between two labels.
const STEPS: [i64; 19] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    172_800,
];

/// A label on the time axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// In columns.
    pub(super) place: f64,
    pub(super) label: String,
}

/// Returns the labels of an axis, at round times of a zone.
pub(super) fn ticks(axis: &Axis, zone: &TimeZone) -> Vec<Tick> {
    let (begin, end) = (
        axis.begin().as_second(),
        axis.at(axis.columns()).as_second(),
    );
    let fits = |step: &&i64| (end - begin) / **step < LABELS;
    // Of years, one label in so many days.
    let long = ((end - begin) / LABELS / 86_400 + 1) * 86_400;
    let step = STEPS.iter().find(fits).copied().unwrap_or(long);
    let offset = i64::from(zone.to_offset(axis.begin()).seconds());
    let first = (begin + offset + step - 1).div_euclid(step) * step - offset;
    let mut day = None;
    let mut ticks = Vec::new();
    for second in (first..end).step_by(usize::try_from(step).unwrap_or(1)) {
        let Ok(time) = Timestamp::from_second(second) else {
            continue;
        };
        let zoned = time.to_zoned(zone.clone());
        let is_new_day = day.replace(zoned.date()) != Some(zoned.date());
        ticks.push(Tick {
            place: axis.place(time),
            label: label(&zoned, step, is_new_day),
        });
    }
    ticks
}

/// Formats a label: the day where it is new, the seconds if they matter.
fn label(time: &Zoned, step: i64, is_new_day: bool) -> String {
    let format = match (step, is_new_day) {
        (86_400.., _) => "%b %-d",
        (_, true) => "%b %-d %H:%M",
        (..60, false) => "%H:%M:%S",
        (_, false) => "%H:%M",
    };
    time.strftime(format).to_string()
}
