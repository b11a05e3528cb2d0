//! All exit codes.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use thiserror::Error;
use xenscope::selector::NotFound;
use xenscope::xen;

/// How a command ended that ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was done: 0.
    Done,
    /// A named domain does not exist: 1.
    NotThere,
    /// A check failed: 1.
    Failed,
}

/// There is no snapshot where the feed stands, or not as many as it takes.
#[derive(Debug, Error)]
#[error("nothing was recorded at that time")]
pub(crate) struct NoSnapshot;

/// Nothing was recorded at the time that was asked for.
#[derive(Debug, Error)]
#[error("nothing was recorded {asked}; {recorded}")]
pub(crate) struct NothingRecorded {
    /// The time, such as `up to 2026-11-28T23:59:00+00:00`.
    pub(crate) asked: String,
    /// What the recording has.
    pub(crate) recorded: String,
}

/// The command cannot be carried out in the way that it was asked for.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) String);

/// Input or output failed.
#[derive(Debug, Error)]
#[error("cannot {what}: {error}")]
pub(crate) struct Cannot {
    what: &'static str,
    error: io::Error,
}

/// Returns a function that adds to an error what failed, such as `write the output`.
pub(crate) fn cannot<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> Cannot {
    move |error| Cannot {
        what,
        error: error.into(),
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::NotThere | Outcome::Failed => Self::FAILURE,
        }
    }
}

/// Writes a line to stderr; if that fails, nobody reads it.
pub(crate) fn complain(what: impl Display) {
    let _ = writeln!(io::stderr(), "xenscope: {what}");
}

/// Prints the help or the version, or explains in one line why the command line is wrong. Returns
/// the exit code: 2 if it is wrong.
pub(crate) fn no_command(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    match text.strip_prefix("error: ") {
        Some(text) => {
            let ends = ["\n\nUsage: ", "\n\nFor more information"];
            let end = ends.iter().filter_map(|end| text.find(end)).min();
            let words: Vec<&str> = text[..end.unwrap_or(text.len())]
                .split_whitespace()
                .collect();
            complain(format_args!("{}; see --help", words.join(" ")));
        }
        // The help or the version. A reader that closed the pipe has read enough.
        None => drop(error.print()),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Writes an error to stderr in one line, and returns its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<xen::Error>() {
        Some(_) => complain(format_args!(
            "{error}; 'xenscope doctor' shows what is missing"
        )),
        None => complain(error),
    }
    match error.downcast_ref::<NotFound>() {
        Some(NotFound::Ambiguous { .. }) => ExitCode::from(2),
        Some(_) => ExitCode::from(1),
        None if error.is::<WrongUsage>() => ExitCode::from(2),
        None if error.is::<xen::Error>() => ExitCode::from(3),
        None => ExitCode::from(1),
    }
}
