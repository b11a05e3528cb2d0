//! Signals. The terminal is restored before a signal takes effect.

use std::io;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use nix::sys::signal::Signal::{SIGSTOP, SIGTSTP};
use nix::sys::signal::{kill, raise};
use nix::unistd::Pid;
use ratatui::crossterm::terminal::disable_raw_mode;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use xenscope::tracer;

use super::message::Message;
use crate::commands::signals::wait_for_hangup;

/// The signal that stops a program until it is continued.
pub(super) const STOP: i32 = libc::SIGTSTP;
/// The signal that continues a program.
pub(super) const CONTINUE: i32 = SIGCONT;

/// The signals that users and programs send to end a program. The others that end one are
/// [`FATAL`](xenscope::xen::crash::FATAL), except SIGKILL, which no program can handle, SIGPIPE,
/// which Rust programs ignore, and the real-time signals, which leave the terminal as it is.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// How long a signal waits for the screen to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts the threads that wait for signals, and for the terminal to hang up.
pub(super) fn watch(out: Sender<Message>) -> io::Result<()> {
    let mut signals = Signals::new(ENDING.into_iter().chain([STOP, CONTINUE]))?;
    let hung_up = out.clone();
    // Not every terminal sends SIGHUP, and reading from a closed one returns nothing in a busy loop.
    thread::spawn(move || {
        wait_for_hangup(io::stdin());
        let _ = hung_up.send(Message::Signal(SIGHUP));
    });
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = out.send(Message::Signal(signal));
            if signal != STOP && signal != CONTINUE {
                // If the terminal accepts no output, the driver hangs, so this ends the program.
                thread::sleep(CLOSE_TIMEOUT);
                let _ = disable_raw_mode();
                tracer::switch_off();
                let _ = emulate_default_handler(signal);
            }
        }
    });
    Ok(())
}

/// How long after [`stop`] this program may receive its signal.
pub(super) const ECHO: Duration = Duration::from_secs(1);

/// Stops the program and its process group until they are continued, as the terminal does at
/// Ctrl-Z. The shell waits for the group's leader, which may be sudo or a script.
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
    fn every_fatal_signal_is_handled() {
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
