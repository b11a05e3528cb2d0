//! What time it is for the deletion of old samples.
//!
//! The wall clock may be years ahead for some minutes, for example until NTP sets it after a boot, and would then make
//! all samples too old. So a step of the clock counts an hour after it, if the clock was not set back.

use std::collections::VecDeque;

/// How long a clock has to say something before it is believed.
const PATIENCE_NS: u64 = 3_600_000_000_000;

/// Returns what time it was at the last chunk of a recording: the earliest by what its chunks of the hour before say, or of
/// the time since the clock was set back. Their latest times come newest first. A step ahead, or an hour without a chunk,
/// counts as no time: a recorder that is started while the clock is ahead must not believe it sooner than one that goes
/// on.
pub(super) fn time_of_last(latest: impl IntoIterator<Item = i64>) -> Option<i64> {
    let (mut believed, mut later) = (None::<i64>, None::<i64>);
    let mut passed_ns = 0;
    for time in latest {
        let step = later.map_or(0, |later| later.saturating_sub(time));
        passed_ns += match u64::try_from(step) {
            Ok(step) if step < PATIENCE_NS => step,
            Ok(_) => 0,
            Err(_) => break,
        };
        if passed_ns >= PATIENCE_NS {
            break;
        }
        let at_end = time.saturating_add_unsigned(passed_ns);
        believed = Some(believed.map_or(at_end, |believed| believed.min(at_end)));
        later = Some(time);
    }
    believed
}

/// The earliest of the times that the wall clock has said lately.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// What was said when, by a clock that nobody sets, and by how much the wall clock was ahead of that. Each is less
    /// than the next one: what a later one undercuts is left out.
    said: VecDeque<(u64, i64)>,
    last_ns: u64,
}

impl Clock {
    /// Returns a clock that has not said anything yet, if the recording has no samples, or the last of them at this
    /// wall-clock time.
    pub(super) fn new(last_sample: Option<i64>, at_ns: u64) -> Self {
        let mut clock = Self::default();
        if let Some(time) = last_sample {
            clock.say(time, at_ns);
        }
        clock
    }

    /// Returns the wall-clock time at `at_ns`, in nanoseconds since the epoch. The wall clock says that it is `time`.
    pub(super) fn now(&mut self, time: i64, at_ns: u64) -> i64 {
        if at_ns < self.last_ns {
            // After a reboot.
            let before = self.time(self.last_ns);
            *self = Self::new(before, at_ns);
        }
        self.say(time, at_ns);
        self.time(at_ns).unwrap_or(time)
    }

    fn say(&mut self, time: i64, at_ns: u64) {
        self.last_ns = at_ns;
        let ahead = time.saturating_sub_unsigned(at_ns);
        let lately = at_ns.saturating_sub(PATIENCE_NS);
        self.said
            .retain(|(of, other)| *of >= lately && *other < ahead);
        self.said.push_back((at_ns, ahead));
    }

    fn time(&self, at_ns: u64) -> Option<i64> {
        let (_, ahead) = self.said.front()?;
        Some(ahead.saturating_add_unsigned(at_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const YEAR: i64 = 365 * 86_400 * SECOND as i64;
    const HOUR: u64 = 3_600;

    /// Returns what a clock says at these seconds, if the wall clock is ahead by that much.
    fn now(clock: &mut Clock, wall: &[(u64, i64)]) -> Vec<i64> {
        let say = |&(second, ahead): &(u64, i64)| {
            let at_ns = second * SECOND;
            clock.now(at_ns as i64 + ahead, at_ns) - at_ns as i64
        };
        wall.iter().map(say).collect()
    }

    #[test]
    fn a_clock_that_is_not_set_is_believed() {
        let mut clock = Clock::new(None, 0);
        let wall = [(10, YEAR), (20, YEAR), (20 + 2 * HOUR, YEAR)];
        assert_eq!(now(&mut clock, &wall), [YEAR; 3]);
    }

    #[test]
    fn a_step_ahead_is_believed_after_an_hour() {
        let mut clock = Clock::new(None, 0);
        let wall = [(10, 0), (20, YEAR), (HOUR, YEAR)];
        assert_eq!(now(&mut clock, &wall), [0; 3]);
        // It was set back in time.
        assert_eq!(now(&mut clock, &[(HOUR + 5, 0), (HOUR + 15, YEAR)]), [0; 2]);
        let later = 3 * HOUR;
        assert_eq!(now(&mut clock, &[(later, YEAR)]), [YEAR]);
        // A step back counts at once.
        assert_eq!(now(&mut clock, &[(later + 10, 7)]), [7]);
    }

    #[test]
    fn a_step_shortly_before_the_end_is_not_believed() {
        let second = |second: i64| second * SECOND as i64;
        let ended = |seconds: &[i64]| {
            let newest_first = seconds.iter().rev().map(|&at| second(at));
            time_of_last(newest_first).map(|time| time / SECOND as i64)
        };
        let year = YEAR / SECOND as i64;
        assert_eq!(ended(&[]), None);
        assert_eq!(ended(&[10, 20, 30]), Some(30));
        assert_eq!(ended(&[10, 20, year, year + 10]), Some(30));
        // It was set back since: what it said before counts no more.
        assert_eq!(ended(&[10, year, year + 10, 40]), Some(40));
        let hour = (0..=360).map(|chunk| year + 10 * chunk);
        let said: Vec<i64> = [10, 20].into_iter().chain(hour).collect();
        assert_eq!(ended(&said[..300]), Some(20 + 10 * 297));
        assert_eq!(ended(&said), Some(year + 3600));
    }

    #[test]
    fn after_a_pause_it_goes_on_from_the_last_sample() {
        let mut clock = Clock::new(Some(0), 0);
        let wall = [(10, YEAR), (HOUR, YEAR), (HOUR + 1, YEAR)];
        assert_eq!(now(&mut clock, &wall), [0, 0, YEAR]);
        // And after a reboot.
        assert_eq!(now(&mut clock, &[(5, 2 * YEAR)]).len(), 1);
        assert_eq!(now(&mut clock, &[(6 + HOUR, 2 * YEAR)]), [2 * YEAR]);
    }
}
