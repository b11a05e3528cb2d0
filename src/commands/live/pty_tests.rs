//! Tests that are alone in a process, on a terminal of their own.

#![allow(clippy::unwrap_used)]

use std::env;
use std::io::Read;
use std::process::exit;
use std::thread;
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use portable_pty::{CommandBuilder, ExitStatus, PtySize, native_pty_system};
use vt100::Parser;

/// Says what a test is to do when it is alone.
const TASK: &str = "XENSCOPE_TEST_ALONE";

/// What a test that was alone left.
pub(super) struct Left {
    pub(super) status: ExitStatus,
    pub(super) shown: Vec<u8>,
    /// Whether the terminal has the modes that it had before.
    pub(super) same_modes: bool,
}

impl Left {
    /// The screen as it is in the end.
    pub(super) fn screen(&self) -> vt100::Screen {
        let mut parser = Parser::new(24, 80, 0);
        parser.process(&self.shown);
        parser.screen().clone()
    }

    /// Whether the terminal was taken, and is as programs that know nothing of screens want it.
    pub(super) fn gave_back(&self) -> bool {
        let taken = self.shown.windows(8).any(|part| part == b"\x1b[?1049h");
        let screen = self.screen();
        taken && !screen.alternate_screen() && !screen.hide_cursor() && self.same_modes
    }
}

/// What this process is to do; `None` when it is the one of all tests.
pub(super) fn task() -> Option<String> {
    let task = env::var(TASK).ok()?;
    // Signals that dump core are not to leave files behind.
    setrlimit(Resource::RLIMIT_CORE, 0, 0).unwrap();
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(20));
        exit(99);
    });
    Some(task)
}

/// Runs the test of this name and module once more, with a task, on a terminal of this size.
pub(super) fn run(module: &str, test: &str, task: &str, (cols, rows): (u16, u16)) -> Left {
    let size = PtySize {
        rows,
        cols,
        ..PtySize::default()
    };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env::current_exe().unwrap());
    let (_, module) = module.split_once("::").unwrap();
    command.args(["--exact", &format!("{module}::{test}"), "--nocapture"]);
    command.env(TASK, task);
    command.env("RUST_BACKTRACE", "0");
    for name in ["LINES", "COLUMNS"] {
        command.env_remove(name);
    }
    let modes = || format!("{:?}", pair.master.get_termios());
    let before = modes();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut shown = Vec::new();
    let mut reader = pair.master.try_clone_reader().unwrap();
    // Reading fails when the program is gone.
    let _ = reader.read_to_end(&mut shown);
    Left {
        status: child.wait().unwrap(),
        shown,
        same_modes: modes() == before,
    }
}
