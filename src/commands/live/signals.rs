//! Signals: the terminal is given back before any of them has its effect.

use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal::{SIGSTOP, SIGTSTP};
use nix::sys::signal::{kill, raise};
use nix::unistd::{Pid, getpgrp, getsid};
use ratatui::crossterm::terminal::disable_raw_mode;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::message::Message;

/// The signal that stops a program until it is continued.
pub(super) const STOP: i32 = libc::SIGTSTP;
/// The signal that continues a program.
pub(super) const CONTINUE: i32 = SIGCONT;

/// The signals that people and programs send to end a program. The others that end one are
/// [`FATAL`](xenscope::xen::crash::FATAL), but for SIGKILL, which no program can handle, SIGPIPE, which
/// Rust has every program ignore, and those of real time, which no one sends to this one.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// How long a signal waits for the screen to be closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts the threads that wait for signals, and for the end of the terminal.
pub(super) fn watch(out: Sender<Message>) -> io::Result<()> {
    let mut signals = Signals::new(ENDING.into_iter().chain([STOP, CONTINUE]))?;
    let hung_up = out.clone();
    thread::spawn(move || wait_for_hangup(&hung_up));
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = out.send(Message::Signal(signal));
            if signal != STOP && signal != CONTINUE {
                // A terminal that takes no output keeps no one from ending.
                thread::sleep(PATIENCE);
                let _ = disable_raw_mode();
                let _ = emulate_default_handler(signal);
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

/// Whether there is a shell that could continue this program after it stopped: one that has jobs
/// gives each of them a process group of its own, which is not that of the session's leader.
pub(super) fn can_be_continued() -> bool {
    getsid(None) != Ok(getpgrp())
}

/// For how long after [`stop`] its signal may come to this program too.
pub(super) const ECHO: Duration = Duration::from_secs(1);

/// Stops the program until it is continued, and its group with it, as a terminal does that reads the
/// key itself: what the shell waits for is the sudo or the script that leads the group.
pub(super) fn stop() -> io::Result<()> {
    kill(Pid::from_raw(0), SIGTSTP)?;
    raise(SIGSTOP)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::Signal;
    use xenscope::xen::crash::FATAL;

    use super::*;

    #[test]
    fn every_signal_that_ends_a_program_gives_the_terminal_back() {
        use Signal::*;
        let not_handled = [SIGKILL, SIGPIPE];
        let harmless = [SIGCHLD, SIGCONT, SIGURG, SIGWINCH];
        let stopping = [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU];
        for signal in Signal::iterator() {
            let handled = FATAL.contains(&signal) || ENDING.contains(&(signal as i32));
            let others = [&not_handled[..], &harmless, &stopping].concat();
            assert_ne!(handled, others.contains(&signal), "{signal}");
        }
    }
}
