//! Exit codes, all in one place.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use thiserror::Error;
use xenscope::selector::NotFound;
use xenscope::xen;

/// How a command that ran to its end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything that was asked for was done: 0.
    Done,
    /// A domain that was named is not there: 1.
    NotThere,
    /// What was to be checked does not hold: 1.
    Failed,
}

/// There is no snapshot where the feed stands, or not as many as it takes.
#[derive(Debug, Error)]
#[error("nothing was recorded at that time")]
pub(crate) struct NoSnapshot;

/// The command cannot be carried out in the way that it was asked for.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) String);

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::NotThere | Outcome::Failed => Self::FAILURE,
        }
    }
}

/// A line on stderr; if no one reads that, no one is to be told.
pub(crate) fn complain(what: impl Display) {
    let _ = writeln!(io::stderr(), "xenscope: {what}");
}

/// Gives what was asked for in place of a command, or tells in one line why the command line makes
/// none; the code is 2 then.
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
        // The help, or the version. Whoever reads it may have seen enough.
        None => drop(error.print()),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Tells about an error in one line on stderr, and gives the exit code that it has.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // Whoever read the output has seen enough.
        if error.kind() == ErrorKind::BrokenPipe {
            return ExitCode::SUCCESS;
        }
        complain(format_args!("the output could not be written: {error}"));
        return ExitCode::from(1);
    }
    complain(error);
    match error.downcast_ref::<NotFound>() {
        Some(NotFound::Ambiguous { .. }) => ExitCode::from(2),
        Some(_) => ExitCode::from(1),
        None if error.is::<WrongUsage>() => ExitCode::from(2),
        None if error.is::<xen::Error>() => ExitCode::from(3),
        None => ExitCode::from(1),
    }
}
