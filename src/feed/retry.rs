//! When to try again after a sample that failed, and when to give up.

use std::time::{Duration, Instant};

/// How many samples in a row may fail before a command ends.
const LIMIT: u32 = 10;

/// The longest time from a sample that failed to the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// The samples that failed since the last one that did not.
#[derive(Debug, Default)]
pub(super) struct Retry {
    failures: u32,
    /// When to try again; `None` if the last sample did not fail.
    due: Option<Instant>,
}

impl Retry {
    /// Records a sample that failed. The next one is due after a second, or after the interval if
    /// that is shorter.
    pub(super) fn failed(&mut self, now: Instant, interval: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        self.due = Some(now + interval.unwrap_or(PAUSE).min(PAUSE));
    }

    /// Records a sample that did not fail.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Returns when to try again; `None` if the last sample did not fail.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Returns whether so many samples in a row failed that it is useless to try again.
    pub(super) fn gives_up(&self) -> bool {
        self.failures >= LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_ten_failures_in_a_row_are_too_many() {
        let now = Instant::now();
        let mut retry = Retry::default();
        for _ in 0..9 {
            retry.failed(now, None);
            assert!(!retry.gives_up());
        }
        retry.succeeded();
        for _ in 0..9 {
            retry.failed(now, None);
        }
        assert!(!retry.gives_up());
        retry.failed(now, None);
        assert!(retry.gives_up());
    }

    #[test]
    fn the_next_try_does_not_wait_for_a_long_interval() {
        let now = Instant::now();
        let mut retry = Retry::default();
        assert_eq!(retry.due(), None);
        retry.failed(now, Some(3600 * SECOND));
        assert_eq!(retry.due(), Some(now + SECOND));
        retry.failed(now, Some(SECOND / 10));
        assert_eq!(retry.due(), Some(now + SECOND / 10));
        retry.failed(now, None);
        assert_eq!(retry.due(), Some(now + SECOND));
        retry.succeeded();
        assert_eq!(retry.due(), None);
    }
}
