//! When samples are due.

use std::time::{Duration, Instant};

/// When samples are due: at points in time an interval apart, however long the samples take.
#[derive(Debug)]
pub(super) struct Schedule {
    last: Instant,
    next: Instant,
    interval: Duration,
}

impl Schedule {
    /// The first sample is due after `first`, the others at the interval.
    pub(super) fn new(now: Instant, first: Duration, interval: Duration) -> Self {
        Self {
            last: now,
            next: now + first,
            interval,
        }
    }

    /// When the next sample is due.
    pub(super) fn due(&self) -> Instant {
        self.next
    }

    /// Goes on to the next point in time after a sample; returns how many have passed since it was
    /// begun. Those before that passed while the program was stopped.
    pub(super) fn go_on(&mut self, begun: Instant, now: Instant) -> u64 {
        self.last = self.next;
        self.next += self.interval;
        self.catch_up(begun);
        self.catch_up(now)
    }

    /// Puts the points in time another interval apart, from the last sample on. None of them is
    /// now, as a key must not make a sample.
    pub(super) fn change(&mut self, interval: Duration, now: Instant) {
        self.interval = interval;
        self.next = self.last + interval;
        self.catch_up(now);
    }

    /// Passes over the points in time that are not to come; returns how many.
    fn catch_up(&mut self, now: Instant) -> u64 {
        let Some(late) = now.checked_duration_since(self.next) else {
            return 0;
        };
        let passed = (late.as_nanos() / self.interval.as_nanos().max(1)) as u64 + 1;
        // An interval is a day at most, so as many as have passed take no more than `late`.
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
    fn samples_are_due_an_interval_apart_however_long_they_take() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, FIRST, SECOND);
        assert_eq!(schedule.next, start + FIRST);
        let begun = start + FIRST;
        assert_eq!(schedule.go_on(begun, begun + SECOND / 2), 0);
        assert_eq!(schedule.next, start + FIRST + SECOND);
    }

    #[test]
    fn a_sample_slower_than_the_interval_leaves_out_others() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, FIRST, SECOND);
        let begun = start + FIRST;
        assert_eq!(schedule.go_on(begun, begun + SECOND * 7 / 2), 3);
        assert_eq!(schedule.next, start + FIRST + 4 * SECOND);
    }

    #[test]
    fn what_passes_while_the_program_is_stopped_is_not_left_out_by_it() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, FIRST, SECOND);
        let begun = start + FIRST + SECOND * 19 / 2;
        assert_eq!(schedule.go_on(begun, begun + SECOND / 4), 0);
        assert_eq!(schedule.next, start + FIRST + 10 * SECOND);
        let begun = schedule.next + 5 * SECOND;
        assert_eq!(schedule.go_on(begun, begun + SECOND * 5 / 2), 2);
    }

    #[test]
    fn another_interval_is_no_reason_for_a_sample() {
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
