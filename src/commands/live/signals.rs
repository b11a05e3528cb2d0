//! Signals: the terminal is given back before any of them has its effect.

use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{getpid, getsid};
use signal_hook::consts::{
    SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU,
};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::Message;

/// The signal that stops a program until it is continued.
pub(super) const STOP: i32 = SIGTSTP;
/// The signal that continues a program.
pub(super) const CONTINUE: i32 = SIGCONT;

/// The signals that end a program which does not heed them.
const ENDING: [i32; 10] = [
    SIGALRM, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
];

/// How long a signal waits for the screen to be closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts the threads that wait for signals, and for the end of the terminal.
pub(super) fn watch(out: Sender<Message>) -> io::Result<()> {
    let mut signals = Signals::new(ENDING.iter().chain(&[STOP, CONTINUE]))?;
    let hung_up = out.clone();
    thread::spawn(move || wait_for_hangup(&hung_up));
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = out.send(Message::Signal(signal));
            if ENDING.contains(&signal) {
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
    emulate_default_handler(signal)
}

/// Whether there is a shell that could continue this program after it stopped; there is none
/// above the leader of a session.
pub(super) fn can_be_continued() -> bool {
    getsid(None) != Ok(getpid())
}
