//! Tests in a real dom0. `cargo lab test` runs them; they are ignored elsewhere.

mod accounting;
mod audit;
mod bridge;
mod churn;
mod compare;
mod debian;
mod devices;
mod doctor;
mod driver_domains;
mod ends;
mod events;
mod export;
mod faults;
mod follow;
mod guest;
mod guests;
mod incident;
mod listing;
mod live;
mod many;
mod nics;
mod packages;
mod panes;
mod proxy;
mod quiet;
mod ready;
mod recordings;
mod refusals;
mod sample;
mod shells;
mod store;
mod topology;
mod waits;
mod xenstored_killed;
mod xentop;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::process::Child;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// How long a test waits for something, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(120);

/// The most CPU time that a vCPU may seem to use, in per cent.
///
/// A CPU % comes from two readings. A pause in the middle of one moves its time by up to half of the pause, so the time
/// between both may seem half as long as it was.
const MOST_PERCENT: f64 = 205.0;

/// Waits until this is true.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// Waits until a command sleeps between two samples.
fn until_asleep(command: &mut Child) {
    let place = format!("/proc/{}/wchan", command.id());
    wait_until("it sleeps", || {
        let ended = command.try_wait().unwrap();
        assert!(ended.is_none(), "it ended by itself: {ended:?}");
        fs::read_to_string(&place).unwrap().contains("nanosleep")
    });
}

/// Makes a measurement until its assertions hold, at most this many times; returns what that one found.
///
/// The machine may stall for seconds, and Xen charges that time to whoever runs.
fn attempts<T>(most: usize, mut measure: impl FnMut() -> T) -> T {
    for _ in 1..most {
        if let Ok(found) = panic::catch_unwind(AssertUnwindSafe(&mut measure)) {
            return found;
        }
    }
    measure()
}

/// Reverts a change of the host when a test is left. A test that has failed may have left it so that this fails as
/// well, and a second panic would abort all tests.
fn revert(change: impl FnOnce()) {
    let reverted = panic::catch_unwind(AssertUnwindSafe(change));
    if let Err(failure) = reverted
        && !thread::panicking()
    {
        panic::resume_unwind(failure);
    }
}

/// Returns the middle one of these values.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
