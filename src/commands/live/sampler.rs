//! The thread that takes the samples, at the interval and at no other time.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use xenscope::snapshot::{Collect, Snapshot};
use xenscope::source::Source;
use xenscope::xen::Error;

use super::Message;
/// As of a live feed.
const PRIMING: Duration = Duration::from_millis(250);

/// What the sampler can be asked for.
pub(super) enum Request {
    /// Another interval.
    Interval(Duration),
    /// Samples that hold something else.
    Collect(Collect),
}

/// What came of a sample.
pub(super) struct Sampled {
    pub(super) outcome: Result<Snapshot, Error>,
    /// So many samples were left out, for this one or one before it took too long.
    pub(super) skipped: u64,
}

/// The newest sample, until it is taken. A terminal that takes no output would have others wait.
#[derive(Clone, Default)]
pub(super) struct Newest(Arc<Mutex<Option<Sampled>>>);

impl Newest {
    /// Puts a sample in the place of the one before it; `true` when that one was taken.
    fn put(&self, mut new: Sampled) -> bool {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        new.skipped += place.as_ref().map_or(0, |old| old.skipped);
        place.replace(new).is_none()
    }

    pub(super) fn take(&self) -> Option<Sampled> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.take()
    }
}

/// Where samples go: into their place, and a message of them to whoever shows them.
struct Out {
    newest: Newest,
    messages: Sender<Message>,
}

impl Out {
    /// `false` when no one takes samples any more.
    fn put(&self, sampled: Sampled) -> bool {
        !self.newest.put(sampled) || self.messages.send(Message::Sampled).is_ok()
    }
}

/// Says that there will be no more samples, even when the thread ends by a panic.
impl Drop for Out {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Ended);
    }
}

/// Starts the thread. The hypervisor is opened there, as its handle stays with its thread.
pub(super) fn start(
    collect: Collect,
    interval: Duration,
    allow_untested: bool,
    messages: Sender<Message>,
) -> (Sender<Request>, Newest) {
    let (requests, requested) = mpsc::channel();
    let newest = Newest::default();
    let out = Out {
        newest: newest.clone(),
        messages,
    };
    thread::spawn(move || {
        if let Err(error) = run(collect, interval, allow_untested, &requested, &out) {
            out.put(Sampled {
                outcome: Err(error),
                skipped: 0,
            });
        }
    });
    (requests, newest)
}

/// Samples until no one takes the samples any more.
fn run(
    collect: Collect,
    interval: Duration,
    allow_untested: bool,
    requested: &Receiver<Request>,
    out: &Out,
) -> Result<(), Error> {
    // What the host is made of is asked for once.
    let whole = Collect {
        host: true,
        ..collect
    };
    let mut source = Source::open(whole, allow_untested)?;
    source.watch();
    let first = source.sample()?;
    source.set_collect(collect);
    let mut schedule = Schedule::new(Instant::now(), interval);
    let first = Sampled {
        outcome: Ok(first),
        skipped: 0,
    };
    if !out.put(first) {
        return Ok(());
    }
    loop {
        let wait = schedule.next.saturating_duration_since(Instant::now());
        match requested.recv_timeout(wait) {
            Ok(Request::Interval(interval)) => schedule.change(interval, Instant::now()),
            Ok(Request::Collect(collect)) => source.set_collect(collect),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                let begun = Instant::now();
                let outcome = source.sample();
                let skipped = schedule.go_on(begun, Instant::now());
                if !out.put(Sampled { outcome, skipped }) {
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

    /// Goes on to the next point in time after a sample; returns how many have passed since it was
    /// begun. Those before that passed while the program was stopped.
    fn go_on(&mut self, begun: Instant, now: Instant) -> u64 {
        self.last = self.next;
        self.next += self.interval;
        self.catch_up(begun);
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
        let begun = start + PRIMING;
        assert_eq!(schedule.go_on(begun, begun + SECOND / 2), 0);
        assert_eq!(schedule.next, start + PRIMING + SECOND);
    }

    #[test]
    fn a_sample_slower_than_the_interval_leaves_out_others() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, SECOND);
        let begun = start + PRIMING;
        assert_eq!(schedule.go_on(begun, begun + SECOND * 7 / 2), 3);
        assert_eq!(schedule.next, start + PRIMING + 4 * SECOND);
    }

    #[test]
    fn what_passes_while_the_program_is_stopped_is_not_left_out_by_it() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, SECOND);
        let begun = start + PRIMING + SECOND * 19 / 2;
        assert_eq!(schedule.go_on(begun, begun + SECOND / 4), 0);
        assert_eq!(schedule.next, start + PRIMING + 10 * SECOND);
        let begun = schedule.next + 5 * SECOND;
        assert_eq!(schedule.go_on(begun, begun + SECOND * 5 / 2), 2);
    }

    #[test]
    fn only_the_newest_sample_waits_and_none_that_was_left_out_is_forgotten() {
        let newest = Newest::default();
        let failed = |skipped| Sampled {
            outcome: Err(Error::NotRoot),
            skipped,
        };
        assert!(newest.take().is_none());
        assert!(newest.put(failed(1)), "someone is to be told");
        assert!(!newest.put(failed(0)), "they have been");
        assert!(!newest.put(failed(2)));
        assert_eq!(newest.take().map(|sampled| sampled.skipped), Some(3));
        assert!(newest.take().is_none());
        assert!(newest.put(failed(0)));
    }

    #[test]
    fn another_interval_is_no_reason_for_a_sample() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 10 * SECOND);
        schedule.go_on(start + PRIMING, start + PRIMING);
        let last = start + PRIMING;
        schedule.change(2 * SECOND, last + 5 * SECOND);
        assert_eq!(schedule.next, last + 6 * SECOND);
        schedule.change(20 * SECOND, last + 5 * SECOND);
        assert_eq!(schedule.next, last + 20 * SECOND);
    }
}
