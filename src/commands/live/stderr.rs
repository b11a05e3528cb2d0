//! What is written to stderr while the screen is up, by `--verbose` or by a library, comes after
//! the screen and not over it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, PipeReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

use nix::unistd::dup2_stderr;
use xenscope::xen::crash;

/// How many lines are kept.
const KEPT: usize = 1000;

/// stderr as it was, and the thread that reads what is written to it now.
struct HeldBack {
    before: OwnedFd,
    reader: JoinHandle<()>,
}

static HELD_BACK: Mutex<Option<HeldBack>> = Mutex::new(None);

/// Holds back what is written to stderr, if that is a terminal. Returns what gives it back at a crash.
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
        tell(&last_lines(reader), out.into());
        drop(telling);
    });
    *held_back = Some(HeldBack { before, reader });
    Ok(Some(crash::HeldBack {
        before: crashed,
        told: told.into(),
    }))
}

/// Gives stderr back, and has the last of what was held back written to it.
pub(super) fn let_go() {
    let Ok(mut held_back) = HELD_BACK.lock() else {
        return;
    };
    // With the pipe's last writer gone, its reader comes to the end.
    if let Some(HeldBack { before, reader }) = held_back.take()
        && dup2_stderr(&before).is_ok()
    {
        let _ = reader.join();
    }
}

fn last_lines(pipe: PipeReader) -> VecDeque<Vec<u8>> {
    let mut pipe = BufReader::new(pipe);
    let mut lines = VecDeque::new();
    loop {
        let mut line = Vec::new();
        if !matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
            return lines;
        }
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

fn tell(lines: &VecDeque<Vec<u8>>, mut stderr: File) {
    for line in lines {
        let _ = stderr.write_all(line);
    }
}
