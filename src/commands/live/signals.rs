//! Signals: the terminal is given back before any of them has its effect.

use std::io;
use std::os::fd::AsFd;
use std::process::exit;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use libc::{
    SIGABRT, SIGALRM, SIGBUS, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGPWR, SIGQUIT, SIGRTMAX,
    SIGRTMIN, SIGSTKFLT, SIGSYS, SIGTERM, SIGTRAP, SIGTSTP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
    SIGXFSZ,
};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getpgid, getppid, getsid};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::Message;

/// The signal that stops a program until it is continued.
pub(super) const STOP: i32 = SIGTSTP;
/// The signal that continues a program.
pub(super) const CONTINUE: i32 = SIGCONT;

/// The signals that end a program which does not heed them, see signal(7); [`ending`] adds those of
/// real time. Not among them are SIGKILL, which no one can heed, SIGSEGV, SIGILL and SIGFPE, after
/// which a program can't go on, and SIGPIPE, which Rust has every program ignore.
const ENDING: [i32; 18] = [
    SIGABRT, SIGALRM, SIGBUS, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGPWR, SIGQUIT, SIGSTKFLT, SIGSYS,
    SIGTERM, SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
];

/// All the signals that end a program and can be heeded.
fn ending() -> impl Iterator<Item = i32> {
    ENDING.into_iter().chain(SIGRTMIN()..=SIGRTMAX())
}

/// How long a signal waits for the screen to be closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts the threads that wait for signals, and for the end of the terminal.
pub(super) fn watch(out: Sender<Message>) -> io::Result<()> {
    let mut signals = Signals::new(ending().chain([STOP, CONTINUE]))?;
    let hung_up = out.clone();
    thread::spawn(move || wait_for_hangup(&hung_up));
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = out.send(Message::Signal(signal));
            if signal != STOP && signal != CONTINUE {
                // A terminal that takes no output keeps no one from ending.
                thread::sleep(PATIENCE);
                let _ = obey(signal);
            }
        }
    });
    Ok(())
}

/// Makes a signal of the end of the terminal. Not every terminal that ends sends one, and whoever
/// goes on to read from it reads nothing, again and again.
fn wait_for_hangup(out: &Sender<Message>) {
    let stdin = io::stdin();
    // Nothing is waited for but what can't be left out: POLLHUP and POLLERR.
    let mut terminal = [PollFd::new(stdin.as_fd(), PollFlags::empty())];
    while poll(&mut terminal, PollTimeout::NONE) == Err(Errno::EINTR) {}
    let _ = out.send(Message::Signal(SIGHUP));
}

/// Does what the signal does to a program that does not heed it.
pub(super) fn obey(signal: i32) -> io::Result<()> {
    let done = emulate_default_handler(signal);
    if signal == STOP {
        return done;
    }
    // One that signal-hook does not know to end a program: end as a shell tells of such a program.
    exit(128 + signal)
}

/// Whether there is a shell that could continue this program after it stopped.
pub(super) fn can_be_continued() -> bool {
    let ids = |process| (getpgid(process).ok(), getsid(process).ok());
    continues(ids(Some(getppid())), ids(None))
}

/// Whether a parent in this group and session continues a child in that one: a shell does that gives
/// each of its jobs a group of its own. What a parent in the same group waits for is the child's end,
/// and the kernel has no one in another session told of its stop.
fn continues(parent: (Option<Pid>, Option<Pid>), child: (Option<Pid>, Option<Pid>)) -> bool {
    parent.0 != child.0 && parent.1 == child.1 && child.1.is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use libc::{
        SIGCHLD, SIGFPE, SIGILL, SIGKILL, SIGPIPE, SIGSEGV, SIGSTOP, SIGTTIN, SIGTTOU, SIGURG,
        SIGWINCH,
    };

    use super::*;

    #[test]
    fn a_shell_is_in_another_group_of_the_same_session() {
        let ids = |group, session| (Some(Pid::from_raw(group)), Some(Pid::from_raw(session)));
        let child = ids(20, 10);
        assert!(continues(ids(10, 10), child));
        assert!(!continues(ids(20, 10), child), "a script");
        assert!(!continues(ids(7, 7), child), "whoever adopts orphans");
        assert!(!continues((None, None), (None, None)));
    }

    #[test]
    fn every_signal_that_ends_a_program_is_heeded_if_it_can_be() {
        let unheeded = [SIGKILL, SIGSEGV, SIGILL, SIGFPE, SIGPIPE];
        let harmless = [SIGCHLD, SIGCONT, SIGURG, SIGWINCH];
        let stopping = [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU];
        let mut all: Vec<i32> = ending().collect();
        all.extend(unheeded.iter().chain(&harmless).chain(&stopping));
        all.sort_unstable();
        // The C library keeps those before the first of real time to itself.
        let expected: Vec<i32> = (1..32).chain(SIGRTMIN()..=SIGRTMAX()).collect();
        assert_eq!(all, expected);
        Signals::new(ending()).unwrap();
    }
}
