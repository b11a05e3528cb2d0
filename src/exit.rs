//! Exit codes, all in one place.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use xenscope::error::Error;
use xenscope::selector::NotFound;

use crate::commands::live::NoScreen;

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

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::NotThere | Outcome::Failed => Self::FAILURE,
        }
    }
}

/// Tells about an error in one line on stderr, and gives the exit code that it has.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // Whoever read the output has seen enough.
        if error.kind() == ErrorKind::BrokenPipe {
            return ExitCode::SUCCESS;
        }
        eprintln!("xenscope: the output could not be written: {error}");
        return ExitCode::from(1);
    }
    eprintln!("xenscope: {error}");
    match error.downcast_ref::<NotFound>() {
        Some(NotFound::Ambiguous { .. }) => ExitCode::from(2),
        Some(_) => ExitCode::from(1),
        None if matches!(
            error.downcast_ref(),
            Some(NoScreen::NotATerminal(_) | NoScreen::Dumb(_))
        ) =>
        {
            ExitCode::from(2)
        }
        None if error.is::<Error>() => ExitCode::from(3),
        None => ExitCode::from(1),
    }
}
