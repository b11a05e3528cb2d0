//! The thread that takes the samples, at the interval and at no other time.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use xenscope::error::Error;
use xenscope::source::{Parts, Source};

use super::Message;
use crate::commands::top::PRIMING;

/// What the sampler can be asked for.
pub(super) enum Request {
    /// Another interval.
    Interval(Duration),
    /// Samples that hold other parts.
    Parts(Parts),
}

/// Says that there will be no more samples, even when the thread ends by a panic.
struct Farewell(Sender<Message>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let _ = self.0.send(Message::Ended);
    }
}

/// Starts the thread. The hypervisor is opened there, as its handle stays with its thread.
pub(super) fn start(
    parts: Parts,
    interval: Duration,
    allow_untested: bool,
    out: Sender<Message>,
) -> Sender<Request> {
    let (requests, requested) = mpsc::channel();
    thread::spawn(move || {
        let out = Farewell(out);
        if let Err(error) = run(parts, interval, allow_untested, &requested, &out.0) {
            let _ = out.0.send(Message::Failed(error));
        }
    });
    requests
}

/// Samples until no one takes the samples any more.
fn run(
    parts: Parts,
    interval: Duration,
    allow_untested: bool,
    requested: &Receiver<Request>,
    out: &Sender<Message>,
) -> Result<(), Error> {
    // What the host is made of is asked for once.
    let whole = Parts {
        host: true,
        ..parts
    };
    let mut source = Source::open(whole, allow_untested)?;
    source.watch();
    let first = source.sample()?;
    source.set_parts(parts);
    let mut schedule = Schedule::new(Instant::now(), interval);
    if out.send(Message::Sampled(Box::new(first))).is_err() {
        return Ok(());
    }
    loop {
        let wait = schedule.next.saturating_duration_since(Instant::now());
        match requested.recv_timeout(wait) {
            Ok(Request::Interval(interval)) => schedule.change(interval, Instant::now()),
            Ok(Request::Parts(parts)) => source.set_parts(parts),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                let message = match source.sample() {
                    Ok(snapshot) => Message::Sampled(Box::new(snapshot)),
                    Err(error) => Message::Failed(error),
                };
                let skipped = schedule.go_on(Instant::now());
                if skipped > 0 && out.send(Message::Skipped(skipped)).is_err() {
                    return Ok(());
                }
                if out.send(message).is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// When samples are due: at points in time an interval apart, however long the samples take.
#[derive(Debug)]
struct Schedule {
    last: Instant,
    next: Instant,
    interval: Duration,
}

impl Schedule {
    /// The first sample is due after a short time to prime it, the others at the interval.
    fn new(now: Instant, interval: Duration) -> Self {
        Self {
            last: now,
            next: now + interval.min(PRIMING),
            interval,
        }
    }

    /// Goes on to the next point in time after a sample; returns how many have passed already.
    fn go_on(&mut self, now: Instant) -> u64 {
        self.last = self.next;
        self.next += self.interval;
        self.catch_up(now)
    }

    /// Puts the points in time another interval apart, from the last sample on. None of them is
    /// now, as a key must not make a sample.
    fn change(&mut self, interval: Duration, now: Instant) {
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

    #[test]
    fn samples_are_due_an_interval_apart_however_long_they_take() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, SECOND);
        assert_eq!(schedule.next, start + PRIMING);
        assert_eq!(schedule.go_on(start + PRIMING + SECOND / 2), 0);
        assert_eq!(schedule.next, start + PRIMING + SECOND);
    }

    #[test]
    fn a_sample_slower_than_the_interval_leaves_out_others() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, SECOND);
        assert_eq!(schedule.go_on(start + PRIMING + SECOND * 7 / 2), 3);
        assert_eq!(schedule.next, start + PRIMING + 4 * SECOND);
    }

    #[test]
    fn another_interval_is_no_reason_for_a_sample() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 10 * SECOND);
        schedule.go_on(start + PRIMING);
        let last = start + PRIMING;
        schedule.change(2 * SECOND, last + 5 * SECOND);
        assert_eq!(schedule.next, last + 6 * SECOND);
        schedule.change(20 * SECOND, last + 5 * SECOND);
        assert_eq!(schedule.next, last + 20 * SECOND);
    }
}
