//! Restores the terminal when a signal kills the process. If libxenctrl or libc abort, an
//! allocation fails or an address is invalid, no panic hook and no destructor runs.
//!
//! This has nothing to do with Xen. It is here because only unsafe code can install a signal
//! handler.

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

/// The signals that kill the process: those of a crash, and others that are rarely sent. The
/// program itself handles signals that people send, such as SIGTERM.
pub const FATAL: [Signal; 17] = [
    SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGIO, SIGPROF, SIGPWR, SIGSEGV, SIGSTKFLT, SIGSYS,
    SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
];

/// How many milliseconds to wait for a terminal that accepts no output, and for the reader of
/// stderr.
const PATIENCE: u16 = 500;

/// What is needed to restore a terminal.
#[derive(Debug)]
pub struct Terminal {
    /// The terminal whose modes are restored.
    pub input: OwnedFd,
    /// Its original modes.
    pub modes: Termios,
    /// The terminal that `leave` is written to.
    pub output: OwnedFd,
    /// The escape sequences that leave the live view.
    pub leave: &'static [u8],
    /// What is needed to restore stderr, if it is redirected to a pipe.
    pub stderr: Option<HeldBack>,
}

/// What is needed to restore an stderr that is redirected to a pipe. The reader of the pipe writes
/// out the messages once the pipe has no writer.
#[derive(Debug)]
pub struct HeldBack {
    /// The original stderr.
    pub before: OwnedFd,
    /// The reading end of a pipe that is closed once the reader has written out all messages.
    pub told: OwnedFd,
}

/// The terminal that a signal restores; null if there is none. The code that swaps it out owns it.
static TERMINAL: AtomicPtr<Terminal> = AtomicPtr::new(ptr::null_mut());

/// Restores this terminal from now on before a signal of [`FATAL`] kills the process. A signal that
/// the process was started without stays ignored.
///
/// # Errors
///
/// Those of sigaction(2).
pub fn arm(terminal: Terminal) -> nix::Result<()> {
    static INSTALLED: OnceLock<nix::Result<()>> = OnceLock::new();
    (*INSTALLED.get_or_init(install))?;
    drop(replace(Box::into_raw(Box::new(terminal))));
    Ok(())
}

/// Returns the terminal of the last [`arm`], for the caller to restore; no signal restores it any
/// more. `None` if it has been returned already.
pub fn disarm() -> Option<Box<Terminal>> {
    replace(ptr::null_mut())
}

/// Returns whether a signal would restore a terminal.
pub fn is_armed() -> bool {
    !TERMINAL.load(Ordering::SeqCst).is_null()
}

fn replace(new: *mut Terminal) -> Option<Box<Terminal>> {
    let old = TERMINAL.swap(new, Ordering::SeqCst);
    // SAFETY: every pointer in TERMINAL other than null is from Box::into_raw in `arm`, and the
    // swap returns it only once.
    (!old.is_null()).then(|| unsafe { Box::from_raw(old) })
}

fn install() -> nix::Result<()> {
    // The stack may be full, so use another one. Handle only the first signal.
    let flags = SaFlags::SA_ONSTACK | SaFlags::SA_RESETHAND;
    let action = SigAction::new(SigHandler::Handler(end), flags, SigSet::all());
    for signal in FATAL {
        // SAFETY: `end` calls only async-signal-safe functions. The action that this replaces is the
        // default one, std's, which reports a stack overflow and then aborts, or none: then it is
        // put back below.
        let before = unsafe { sigaction(signal, &action) }?;
        if matches!(before.handler(), SigHandler::SigIgn) {
            // SAFETY: ignoring a signal, as before, runs no code.
            unsafe { sigaction(signal, &before) }?;
        }
    }
    Ok(())
}

/// The handler. It allocates nothing, takes no lock, and calls only what signal-safety(7) lists.
extern "C" fn end(signal: c_int) {
    if let Some(terminal) = replace(ptr::null_mut()) {
        terminal.give_back();
        // Freeing memory is not async-signal-safe.
        Box::leak(terminal);
    }
    // SA_RESETHAND has restored the default action, which kills the process. The raised signal is
    // blocked until the handler returns, so a core dump shows the instruction that faulted.
    if let Ok(signal) = Signal::try_from(signal) {
        let _ = raise(signal);
    }
}

impl Terminal {
    /// Restores the terminal and stderr. Errors are ignored, because the terminal may no longer
    /// exist.
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

/// Waits until a file is readable or writable, or its other end is closed; `false` after
/// [`PATIENCE`].
fn is_ready(file: &OwnedFd, event: PollFlags) -> bool {
    let mut file = [PollFd::new(file.as_fd(), event)];
    poll(&mut file, PATIENCE).is_ok_and(|ready| ready > 0)
}
