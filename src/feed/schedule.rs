//! The times at which samples are due.

use std::time::{Duration, Instant};

/// The times at which samples are due. How long a sample takes does not shift them.
#[derive(Debug)]
pub(super) struct Schedule {
    last: Instant,
    next: Instant,
    interval: Duration,
    skips: bool,
}

impl Schedule {
    /// Makes a schedule. The next sample is due after `first`, the others at the interval.
    pub(super) fn new(now: Instant, first: Duration, interval: Duration) -> Self {
        Self {
            last: now,
            next: now + first,
            interval,
            skips: true,
        }
    }

    /// Takes a sample that is late at once, instead of skipping it.
    pub(super) fn without_skips(self) -> Self {
        Self {
            skips: false,
            ..self
        }
    }

    /// Returns when the next sample is due.
    pub(super) fn due(&self) -> Instant {
        self.next
    }

    /// Moves on after a sample that was started at `begun`. Returns how many samples were skipped
    /// because it took too long. Samples that were due before `begun` do not count, because the
    /// program was stopped.
    pub(super) fn go_on(&mut self, begun: Instant, now: Instant) -> u64 {
        self.last = self.next;
        self.next += self.interval;
        if !self.skips {
            self.next = self.next.max(begun);
            return 0;
        }
        self.catch_up(begun);
        self.catch_up(now)
    }

    /// Changes the interval, starting at the last sample. The next sample is due later than `now`,
    /// because a key must not cause a sample.
    pub(super) fn change(&mut self, interval: Duration, now: Instant) {
        self.interval = interval;
        self.next = self.last + interval;
        self.catch_up(now);
    }

    /// Skips the samples that are due at or before `now`; returns how many.
    fn catch_up(&mut self, now: Instant) -> u64 {
        let Some(late) = now.checked_duration_since(self.next) else {
            return 0;
        };
        let passed = (late.as_nanos() / self.interval.as_nanos().max(1)) as u64 + 1;
        // An interval is a day at most, so this is no more than `late` plus a day, and fits.
        self.next += Duration::from_nanos((self.interval.as_nanos() * u128::from(passed)) as u64);
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const FIRST: Duration = Duration::from_millis(250);

    #[test]
    fn slow_samples_do_not_shift_the_schedule() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, FIRST, SECOND);
        assert_eq!(schedule.next, start + FIRST);
        let begun = start + FIRST;
        assert_eq!(schedule.go_on(begun, begun + SECOND / 2), 0);
        assert_eq!(schedule.next, start + FIRST + SECOND);
    }

    #[test]
    fn samples_slower_than_the_interval_skip_others() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, FIRST, SECOND);
        let begun = start + FIRST;
        assert_eq!(schedule.go_on(begun, begun + SECOND * 7 / 2), 3);
        assert_eq!(schedule.next, start + FIRST + 4 * SECOND);
    }

    #[test]
    fn without_skips_a_late_sample_is_due_at_once() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, FIRST, SECOND).without_skips();
        let begun = start + FIRST;
        assert_eq!(schedule.go_on(begun, begun + SECOND * 7 / 2), 0);
        assert_eq!(schedule.next, start + FIRST + SECOND);
        let begun = begun + SECOND * 7 / 2;
        assert_eq!(schedule.go_on(begun, begun + SECOND / 2), 0);
        assert_eq!(schedule.next, begun, "already over: it is taken at once");
    }

    #[test]
    fn samples_due_while_stopped_are_not_counted() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, FIRST, SECOND);
        let begun = start + FIRST + SECOND * 19 / 2;
        assert_eq!(schedule.go_on(begun, begun + SECOND / 4), 0);
        assert_eq!(schedule.next, start + FIRST + 10 * SECOND);
        let begun = schedule.next + 5 * SECOND;
        assert_eq!(schedule.go_on(begun, begun + SECOND * 5 / 2), 2);
    }

    #[test]
    fn a_new_interval_causes_no_sample() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, FIRST, 10 * SECOND);
        schedule.go_on(start + FIRST, start + FIRST);
        let last = start + FIRST;
        schedule.change(2 * SECOND, last + 5 * SECOND);
        assert_eq!(schedule.next, last + 6 * SECOND);
        schedule.change(20 * SECOND, last + 5 * SECOND);
        assert_eq!(schedule.next, last + 20 * SECOND);
    }
}
