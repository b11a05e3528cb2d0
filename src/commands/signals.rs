//! Signals, and a reader that is gone, for a command without a screen.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use libc::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, c_int};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{getpgrp, getsid};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use xenscope::feed::Watches;
use xenscope::tracer;

/// The signals that ask a program to end.
pub(super) const ENDING: [c_int; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// How long after a signal the program ends, even if it has not written everything.
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);

/// Why a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nobody reads stdout any more.
    ReaderGone,
    /// The program received this signal.
    Signal(c_int),
}

/// The first reason to end, which the threads that wait for one set.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(Arc<Mutex<Option<End>>>);

impl Watch {
    /// Starts a thread that waits for these signals. It also releases the watches before SIGTSTP stops the program. A
    /// signal that the program was started without, as by nohup, stays ignored.
    ///
    /// # Errors
    /// If there can be no more threads or files.
    pub(super) fn start(watches: Watches, signals: &[c_int]) -> io::Result<Self> {
        let signals = signals.iter().chain(&[SIGTSTP]).copied();
        let mut signals = Signals::new(not_ignored(signals))?;
        let watch = Self::default();
        let at_signal = watch.clone();
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for signal in signals.forever() {
                    if signal == SIGTSTP {
                        stop(&watches);
                        continue;
                    }
                    at_signal.set(End::Signal(signal), &watches);
                    thread::sleep(TIMEOUT);
                    tracer::switch_off();
                    let _ = emulate_default_handler(signal);
                }
            })?;
        Ok(watch)
    }

    /// Starts a thread that waits until nobody reads stdout any more.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub(super) fn also_reader(&self, watches: Watches) -> io::Result<()> {
        let at_hangup = self.clone();
        let thread = thread::Builder::new().name("reader".into());
        thread.spawn(move || {
            wait_for_hangup(io::stdout());
            at_hangup.set(End::ReaderGone, &watches);
        })?;
        Ok(())
    }

    /// Returns the first reason to end; `None` if there is none yet.
    pub(super) fn end(&self) -> Option<End> {
        *self.lock()
    }

    fn set(&self, end: End, watches: &Watches) {
        self.lock().get_or_insert(end);
        watches.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Option<End>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a signal that ends the program switch off its trace first.
///
/// # Errors
/// If there can be no more threads or files.
pub(super) fn switch_off_first() -> io::Result<()> {
    let mut signals = Signals::new(not_ignored(ENDING.into_iter()))?;
    let wait = move || {
        for signal in signals.forever() {
            tracer::switch_off();
            let _ = emulate_default_handler(signal);
        }
    };
    thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(())
}

/// Stops the program until it is continued, without watches in the meantime.
fn stop(watches: &Watches) {
    if can_be_continued() {
        watches.release();
        // This raises SIGSTOP.
        let _ = emulate_default_handler(SIGTSTP);
        watches.resume();
    }
}

/// Returns whether a shell could continue this program after it stopped. A shell with job control
/// gives each job a process group of its own, which is not that of the session leader.
pub(super) fn can_be_continued() -> bool {
    getsid(None) != Ok(getpgrp())
}

/// Waits until a pipe or a socket has no other end, or a terminal hangs up. Does not return for
/// other files.
pub(super) fn wait_for_hangup(file: impl AsFd) {
    // Without requested events, poll waits only for POLLHUP and POLLERR.
    let mut file = [PollFd::new(file.as_fd(), PollFlags::empty())];
    while poll(&mut file, PollTimeout::NONE) == Err(Errno::EINTR) {}
}

/// Returns those of these signals that this program was not started without.
pub(super) fn not_ignored(signals: impl Iterator<Item = c_int>) -> Vec<c_int> {
    let ignored = ignored(&fs::read_to_string("/proc/self/status").unwrap_or_default());
    signals.filter(|&signal| !ignored(signal)).collect()
}

/// Returns which signals are ignored, by the text of `/proc/self/status` (proc_pid_status(5)).
fn ignored(status: &str) -> impl Fn(c_int) -> bool + use<> {
    let mask = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let mask = mask.unwrap_or(0);
    move |signal| mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_recognised() {
        let ignored = ignored("SigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n");
        assert!(ignored(SIGHUP));
        assert!(!ignored(SIGINT) && !ignored(SIGTERM));
        assert!(!super::ignored("")(SIGHUP));
    }
}
