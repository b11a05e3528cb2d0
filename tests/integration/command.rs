//! Runs programs and checks their output.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

/// A program's output and exit code.
#[derive(Debug)]
pub struct Said {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Said {
    /// Returns its stdout; asserts exit code 0 and an empty stderr.
    ///
    /// That a trace shows that pCPUs' clocks differ is left out: under emulation they do at times.
    pub fn fine(self) -> String {
        let start: String = self.stdout.chars().take(2000).collect();
        let lines = self.stderr.lines();
        let said: Vec<&str> = lines
            .filter(|line| !line.ends_with("as if pCPUs' clocks differ"))
            .collect();
        assert_eq!((self.code, &*said), (Some(0), &[][..]), "{start}");
        self.stdout
    }

    /// Asserts that it failed with this code and one line on stderr that contains these words.
    pub fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        let line = self.stderr.strip_suffix('\n').expect("no line on stderr");
        assert!(
            line.starts_with("xenscope: ") && !line.contains('\n'),
            "{self:?}"
        );
        for word in words {
            assert!(line.contains(word), "no {word:?} in {line:?}");
        }
    }
}

/// Returns the path of the xenscope under test: dom0's, or the one built with the tests.
pub fn xenscope_path() -> String {
    std::env::var("XENSCOPE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_xenscope").to_owned())
}

/// Returns a command that runs xenscope with these arguments.
pub fn xenscope(words: &[&str]) -> Command {
    let mut command = Command::new(xenscope_path());
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs a command until it ends.
pub fn run(command: &mut Command) -> Said {
    let program = command.get_program().to_owned();
    command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
        .into()
}

/// Runs xenscope until it ends.
pub fn say(words: &[&str]) -> Said {
    run(&mut xenscope(words))
}

/// Runs another program, which has to succeed, and returns its stdout.
pub fn tool<S: AsRef<OsStr>>(program: &str, words: &[S]) -> String {
    let said = run(Command::new(program).args(words).stdin(Stdio::null()));
    assert_eq!(said.code, Some(0), "{program}: {said:?}");
    said.stdout
}
