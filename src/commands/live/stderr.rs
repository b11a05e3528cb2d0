//! Holds back what `--verbose` or a library writes to stderr while the screen is open, and writes
//! it after the screen has closed.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, PipeReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

use nix::unistd::dup2_stderr;
use xenscope::xen::crash;

/// How many lines are held back at most; the oldest are dropped.
const MAX_LINES: usize = 1000;

/// The original stderr, and the thread that reads what is written in the meantime.
struct HeldBack {
    before: OwnedFd,
    reader: JoinHandle<()>,
}

static HELD_BACK: Mutex<Option<HeldBack>> = Mutex::new(None);

/// Holds back what is written to stderr, if that is a terminal. Returns what a crash handler needs
/// to restore it; `None` if nothing is held back.
pub(super) fn hold_back() -> io::Result<Option<crash::HeldBack>> {
    let Ok(mut held_back) = HELD_BACK.lock() else {
        return Ok(None);
    };
    if held_back.is_some() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    let copy = || io::stderr().as_fd().try_clone_to_owned();
    let (before, out, crashed) = (copy()?, copy()?, copy()?);
    let (reader, writer) = io::pipe()?;
    let (told, telling) = io::pipe()?;
    dup2_stderr(&writer)?;
    let reader = thread::spawn(move || {
        write(&last_lines(reader), out.into());
        drop(telling);
    });
    *held_back = Some(HeldBack { before, reader });
    Ok(Some(crash::HeldBack {
        before: crashed,
        told: told.into(),
    }))
}

/// Restores stderr, and waits until the held-back lines are written to it.
pub(super) fn release() {
    let Ok(mut held_back) = HELD_BACK.lock() else {
        return;
    };
    // This closes the pipe's last writer, so its reader ends.
    if let Some(HeldBack { before, reader }) = held_back.take()
        && dup2_stderr(&before).is_ok()
    {
        let _ = reader.join();
    }
}

/// Reads the pipe to its end; returns the last lines.
fn last_lines(pipe: PipeReader) -> VecDeque<Vec<u8>> {
    let mut pipe = BufReader::new(pipe);
    let mut lines = VecDeque::new();
    loop {
        let mut line = Vec::new();
        if !matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
            return lines;
        }
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// Writes the lines; errors are ignored.
fn write(lines: &VecDeque<Vec<u8>>, mut stderr: File) {
    for line in lines {
        let _ = stderr.write_all(line);
    }
}
