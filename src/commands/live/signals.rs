//! Signals: the terminal is given back before any of them has its effect.

use std::fs;
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
use ratatui::crossterm::terminal::disable_raw_mode;
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
                let _ = disable_raw_mode();
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

    use libc::{
        SIGCHLD, SIGFPE, SIGILL, SIGKILL, SIGPIPE, SIGSEGV, SIGSTOP, SIGTTIN, SIGTTOU, SIGURG,
        SIGWINCH,
    };

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
