//! The caller's standard input, terminal size and mode, and signals.

use std::io::{self, Read};
use std::process;
use std::sync::mpsc::Sender;
use std::thread;

use anyhow::{Context, Result};
use crossterm::terminal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::machine::{Dom0, Event};
use crate::protocol::{CHUNK, Size, ToDom0};

/// Makes signals such as Ctrl-C end the lab at any time, with the exit code of shells: 128 and the
/// signal.
///
/// Exiting is enough: QEMU and all other processes of the lab are tied to it.
pub fn end_on_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot handle signals")?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // This does nothing unless the terminal is raw.
            let _ = terminal::disable_raw_mode();
            process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Sends the caller's standard input to the command that runs in dom0.
pub fn feed(dom0: Dom0) {
    thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        // If dom0 has ended, or the input cannot be read, there is nothing to send.
        while let Ok(count @ 1..) = io::stdin().read(&mut buffer) {
            if dom0.tell(&ToDom0::Stdin(buffer[..count].to_vec())).is_err() {
                return;
            }
        }
        let _ = dom0.tell(&ToDom0::StdinEnd);
    });
}

/// Returns the terminal's size.
pub fn size() -> Result<Size> {
    let (cols, rows) = terminal::size().context("cannot get the terminal's size")?;
    Ok(Size { rows, cols })
}

/// The caller's terminal in raw mode; dropped, its former mode is restored.
pub struct Raw;

impl Raw {
    /// Enters raw mode, and reports changes of the size from now on.
    pub fn enter(events: Sender<Event>) -> Result<Self> {
        terminal::enable_raw_mode().context("cannot set the terminal to raw mode")?;
        let raw = Self;
        let mut signals = Signals::new([SIGWINCH]).context("cannot handle signals")?;
        thread::spawn(move || {
            for _ in signals.forever() {
                // The receiver is dropped only with the machine.
                let _ = size().map(|size| events.send(Event::Resized(size)));
            }
        });
        Ok(raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // The lab ends after this, so errors are ignored.
        let _ = terminal::disable_raw_mode();
    }
}
