//! Runs a test in a separate process on a pseudo-terminal.

#![allow(clippy::unwrap_used)]

use std::env;
use std::io::{Read, Write};
use std::process::exit;
use std::thread;
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
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
    start(&command(module, test), task, size, |_, _| ())
}

/// Runs a test in a new process, and calls `type_all` with its keyboard once it has printed its
/// task.
pub(super) fn run_typing(
    module: &str,
    test: &str,
    task: &str,
    type_all: impl FnOnce(&mut dyn Write),
) -> TestResult {
    let command = command(module, test);
    start(&command, task, PtySize::default(), |master, shown| {
        let mut reader = master.try_clone_reader().unwrap();
        let mut byte = [0];
        while !shown.ends_with(task.as_bytes()) && reader.read(&mut byte).is_ok() {
            shown.extend(byte);
        }
        type_all(&mut master.take_writer().unwrap());
    })
}

/// Runs a test in a new process, with a shell's script that starts it as `"$@"`.
pub(super) fn run_in_script(script: &str, module: &str, test: &str) -> TestResult {
    // With -m, each job has a process group of its own, as in an interactive shell.
    let shell = ["sh", "-mc", script, "sh"].map(str::to_owned);
    let command = [&shell[..], &command(module, test)].concat();
    start(&command, "script", PtySize::default(), |_, _| ())
}

/// Returns the words that run only this test.
fn command(module: &str, test: &str) -> Vec<String> {
    let program = env::current_exe().unwrap().into_os_string();
    let (_, module) = module.split_once("::").unwrap();
    let test = format!("{module}::{test}");
    let program = program.into_string().unwrap();
    vec![program, "--exact".into(), test, "--nocapture".into()]
}

/// Runs a command on a new terminal, and calls `meanwhile` with it and the output so far.
fn start(
    command: &[String],
    task: &str,
    size: PtySize,
    meanwhile: impl FnOnce(&dyn MasterPty, &mut Vec<u8>),
) -> TestResult {
    let pair = native_pty_system().openpty(size).unwrap();
    let mut builder = CommandBuilder::from_argv(command.iter().map(Into::into).collect());
    builder.env(TASK, task);
    builder.env("RUST_BACKTRACE", "0");
    for name in ["LINES", "COLUMNS"] {
        builder.env_remove(name);
    }
    let modes = || format!("{:?}", pair.master.get_termios());
    let before = modes();
    let mut child = pair.slave.spawn_command(builder).unwrap();
    drop(pair.slave);
    let mut shown = Vec::new();
    meanwhile(&*pair.master, &mut shown);
    let mut reader = pair.master.try_clone_reader().unwrap();
    // Reading fails if the program has ended.
    let _ = reader.read_to_end(&mut shown);
    TestResult {
        status: child.wait().unwrap(),
        shown,
        same_modes: modes() == before,
    }
}
