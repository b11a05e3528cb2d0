//! Runs a test in a separate process on a pseudo-terminal.

#![allow(clippy::unwrap_used)]

use std::env;
use std::io::Read;
use std::process::exit;
use std::thread;
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use portable_pty::{CommandBuilder, ExitStatus, PtySize, native_pty_system};
use vt100::Parser;

/// The variable that passes a task to the test in the new process.
const TASK: &str = "XENSCOPE_TEST_TASK";

/// The result of a test in a new process.
pub(super) struct TestResult {
    pub(super) status: ExitStatus,
    /// All output to the terminal.
    pub(super) shown: Vec<u8>,
    /// Whether the terminal's modes are the same as before.
    pub(super) same_modes: bool,
}

impl TestResult {
    /// Returns the final screen.
    pub(super) fn screen(&self) -> vt100::Screen {
        let mut parser = Parser::new(24, 80, 0);
        parser.process(&self.shown);
        parser.screen().clone()
    }

    /// Returns whether the alternate screen was used, and the terminal has been restored.
    pub(super) fn is_restored(&self) -> bool {
        let used = self.shown.windows(8).any(|part| part == b"\x1b[?1049h");
        let screen = self.screen();
        used && !screen.alternate_screen() && !screen.hide_cursor() && self.same_modes
    }
}

/// Returns this process's task; `None` in the process that runs all tests. Limits the process to
/// 20 seconds.
pub(super) fn task() -> Option<String> {
    let task = env::var(TASK).ok()?;
    // Signals must leave no core dumps.
    setrlimit(Resource::RLIMIT_CORE, 0, 0).unwrap();
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(20));
        exit(99);
    });
    Some(task)
}

/// Runs the test of this module and name in a new process, with a task, on a terminal of this size.
pub(super) fn run(module: &str, test: &str, task: &str, (cols, rows): (u16, u16)) -> TestResult {
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
    // Reading fails if the program has ended.
    let _ = reader.read_to_end(&mut shown);
    TestResult {
        status: child.wait().unwrap(),
        shown,
        same_modes: modes() == before,
    }
}
