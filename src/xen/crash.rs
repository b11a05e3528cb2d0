//! Gives the terminal back when a signal ends the process on the spot: no panic hook and no
//! destructor runs when libxenctrl or libc abort, an allocation fails, or an address is wrong.
//!
//! None of that concerns Xen; it is here because only unsafe code can install a signal handler.

use std::os::fd::{AsFd, OwnedFd};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use nix::libc::c_int;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal::{
    SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGIO, SIGPROF, SIGPWR, SIGSEGV, SIGSTKFLT, SIGSYS,
    SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use nix::sys::termios::{SetArg, Termios, tcsetattr};
use nix::unistd::{dup2_stderr, write};

/// The signals that end the process on the spot: those of a crash, and others that hardly anyone
/// sends. What people send, such as SIGTERM, is the program's to handle.
pub const FATAL: [Signal; 17] = [
    SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGIO, SIGPROF, SIGPWR, SIGSEGV, SIGSTKFLT, SIGSYS,
    SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
];

/// How many milliseconds the end waits for a terminal that takes no output, and for who tells the messages.
const PATIENCE: u16 = 500;

/// What gives a terminal back.
#[derive(Debug)]
pub struct Terminal {
    /// Where `modes` are set.
    pub input: OwnedFd,
    /// The modes that it had.
    pub modes: Termios,
    /// Where `leave` is written.
    pub output: OwnedFd,
    /// What is written.
    pub leave: &'static [u8],
    /// What gives stderr back, if its messages are held back.
    pub stderr: Option<HeldBack>,
}

/// What gives back an stderr that is a pipe, whose reader tells the messages once the pipe has no
/// writer any more.
#[derive(Debug)]
pub struct HeldBack {
    /// stderr as it was.
    pub before: OwnedFd,
    /// The reading end of a pipe that the reader keeps open until it has told all.
    pub told: OwnedFd,
}

/// What one of [`FATAL`] gives back; null for nothing. Whoever takes it out owns it.
static TERMINAL: AtomicPtr<Terminal> = AtomicPtr::new(ptr::null_mut());

/// From now on, gives this terminal back before one of [`FATAL`] ends the process.
///
/// # Errors
///
/// sigaction(2)'s.
pub fn arm(terminal: Terminal) -> nix::Result<()> {
    static INSTALLED: OnceLock<nix::Result<()>> = OnceLock::new();
    (*INSTALLED.get_or_init(install))?;
    drop(replace(Box::into_raw(Box::new(terminal))));
    Ok(())
}

/// Returns the terminal that [`arm`] was given last, so that whoever calls this gives it back, and no
/// signal does. `None` if it has been returned already.
pub fn disarm() -> Option<Box<Terminal>> {
    replace(ptr::null_mut())
}

/// Whether a terminal is to be given back.
pub fn is_armed() -> bool {
    !TERMINAL.load(Ordering::SeqCst).is_null()
}

fn replace(new: *mut Terminal) -> Option<Box<Terminal>> {
    let old = TERMINAL.swap(new, Ordering::SeqCst);
    // SAFETY: Every pointer in TERMINAL but null is from Box::into_raw in `arm`, and the swap hands it
    // out once.
    (!old.is_null()).then(|| unsafe { Box::from_raw(old) })
}

fn install() -> nix::Result<()> {
    // The stack may be what is full. The first signal is the last.
    let flags = SaFlags::SA_ONSTACK | SaFlags::SA_RESETHAND;
    let action = SigAction::new(SigHandler::Handler(end), flags, SigSet::all());
    for signal in FATAL {
        // SAFETY: `end` calls nothing that is not async-signal-safe. The actions that this replaces
        // are the default ones, and std's, which tell of a stack overflow and then abort.
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(())
}

/// The handler. It allocates nothing, waits for no lock, and calls what signal-safety(7) lists.
extern "C" fn end(signal: c_int) {
    if let Some(terminal) = replace(ptr::null_mut()) {
        terminal.give_back();
        // Nothing is freed.
        Box::leak(terminal);
    }
    // The action is the default one again, which this has once the handler returns. For a fault that
    // is at the instruction that made it, where a core dump shows it.
    if let Ok(signal) = Signal::try_from(signal) {
        let _ = raise(signal);
    }
}

impl Terminal {
    /// Gives the terminal and stderr back. It may be gone, so that no one is left to be told of errors.
    fn give_back(&self) {
        if is_ready(&self.output, PollFlags::POLLOUT) {
            let _ = write(&self.output, self.leave);
        }
        let _ = tcsetattr(&self.input, SetArg::TCSANOW, &self.modes);
        if let Some(HeldBack { before, told }) = &self.stderr
            && dup2_stderr(before).is_ok()
        {
            is_ready(told, PollFlags::POLLIN);
        }
    }
}

/// Waits until a file can be read or written, or its other end is gone; `false` if it takes too long.
fn is_ready(file: &OwnedFd, event: PollFlags) -> bool {
    let mut file = [PollFd::new(file.as_fd(), event)];
    poll(&mut file, PATIENCE).is_ok_and(|ready| ready > 0)
}
