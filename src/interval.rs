//! The time between two samples.

use std::time::Duration;

/// The interval if none is given.
pub const DEFAULT: Duration = Duration::from_secs(3);
/// The shortest interval.
pub const SHORTEST: Duration = Duration::from_millis(10);
/// The longest interval.
pub const LONGEST: Duration = Duration::from_secs(86_400);

/// The steps of [`longer`] and [`shorter`], in milliseconds.
const STEPS: [u64; 12] = [
    100, 200, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 30_000, 60_000, 300_000,
];

/// Parses an interval in seconds, from [`SHORTEST`] to [`LONGEST`].
///
/// # Errors
/// A sentence that says what is wrong and what to give instead.
pub fn parse(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds; use for example 1 or 0.5".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|interval| (SHORTEST..=LONGEST).contains(interval))
        .ok_or_else(|| "out of range; use 0.01 to 86400 seconds".to_owned())
}

/// Returns the next longer step; `than` itself if there is none.
pub fn longer(than: Duration) -> Duration {
    let mut steps = STEPS.into_iter().map(Duration::from_millis);
    steps.find(|&step| step > than).unwrap_or(than)
}

/// Returns the next shorter step; `than` itself if there is none.
pub fn shorter(than: Duration) -> Duration {
    let mut steps = STEPS.into_iter().rev().map(Duration::from_millis);
    steps.find(|&step| step < than).unwrap_or(than)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_seconds_in_range_are_intervals() {
        assert_eq!(parse("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("86400"), Ok(LONGEST));
        for text in ["0", "-1", "1e9", "inf", "NaN", "0.009", "", "1s", "soon"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn steps_go_up_and_down_to_an_end() {
        let seconds = Duration::from_secs;
        assert_eq!(longer(seconds(3)), seconds(5));
        assert_eq!(longer(seconds(4)), seconds(5));
        assert_eq!(longer(LONGEST), LONGEST);
        assert_eq!(shorter(seconds(4)), seconds(3));
        assert_eq!(shorter(SHORTEST), SHORTEST);
    }
}
