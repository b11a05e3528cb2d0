//! Signals: the terminal is given back before any of them has its effect.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use libc::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ratatui::crossterm::terminal::disable_raw_mode;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::Message;

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

/// Whether there is a shell that could continue this program after it stopped.
pub(super) fn can_be_continued() -> bool {
    Process::read("self").is_some_and(|own| continued(&own, |id| Process::read(&id.to_string())))
}

/// Whether whoever waits for a process continues it: a shell does that gives each of its jobs a group
/// of its own. What a parent in the same group waits for is the child's end, and the kernel has no
/// one in another session told of its stop.
fn continued(child: &Process, find: impl Fn(i32) -> Option<Process>) -> bool {
    let mut parent = find(child.parent);
    // These stop with the command that they run, and go on with it.
    while let Some(between) = parent.take_if(|parent| {
        parent.group == child.group && ["sudo", "su", "runuser"].contains(&&*parent.name)
    }) {
        parent = find(between.parent);
    }
    parent.is_some_and(|parent| parent.group != child.group && parent.session == child.session)
}

/// What a process is to others (proc_pid_stat(5)).
struct Process {
    name: String,
    parent: i32,
    group: i32,
    session: i32,
}

impl Process {
    fn read(id: &str) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name may have anything in it.
        let (start, rest) = stat.rsplit_once(") ")?;
        let (_, name) = start.split_once('(')?;
        let mut numbers = rest.split(' ').skip(1).map_while(|word| word.parse().ok());
        Some(Self {
            name: name.to_owned(),
            parent: numbers.next()?,
            group: numbers.next()?,
            session: numbers.next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use nix::sys::signal::Signal;
    use xenscope::xen::crash::FATAL;

    use super::*;

    #[test]
    fn a_shell_is_in_another_group_of_the_same_session() {
        let process = |name: &str, [parent, group, session]: [i32; 3]| {
            Process::parse(&format!("7 ({name}) S {parent} {group} {session} 0 -1")).unwrap()
        };
        let own = process("xenscope", [19, 20, 10]);
        let below = |name, ids| {
            let find = move |id| match id {
                19 => Some(process(name, ids)),
                10 => Some(process("bash", [1, 10, 10])),
                _ => None,
            };
            continued(&own, find)
        };
        assert!(below("bash", [1, 10, 10]));
        assert!(!below("a script) S 1", [10, 20, 10]));
        assert!(below("sudo", [10, 20, 10]));
        assert!(!below("sudo", [8, 20, 10]), "whose parent is gone");
        assert!(!below("init", [0, 1, 1]), "whoever adopts orphans");
        assert!(!continued(&own, |_| None));
        assert!(Process::read("self").is_some_and(|own| own.parent > 0));
    }

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
