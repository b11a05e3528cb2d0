//! What each command does with what a feed hands out, and where the running host becomes a feed.

pub(crate) mod audit;
pub(crate) mod compare;
pub(crate) mod events;
pub(crate) mod fields;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod manual;
pub(crate) mod measured;
mod output;
#[cfg(test)]
mod tests;
pub(crate) mod top;

use xenscope::feed::{Live, Pace};

use crate::cli::{Cli, Command};
use crate::exit::Outcome;
use output::Output;

/// Runs the command.
///
/// # Errors
/// What [`report`](crate::exit::report) tells about.
pub(crate) fn run(cli: &Cli) -> anyhow::Result<Outcome> {
    let allow_untested = cli.allow_untested_xen;
    let open = |collect, pace| Live::open(collect, pace, allow_untested);
    let out = &mut Output::stdout();
    match &cli.command {
        Command::List(options) => {
            let collect = list::collect(options.format);
            list::run(options, &mut open(collect, Pace::AtOnce)?, out)
        }
        Command::Status(options) => measured::status(options, allow_untested, out),
        Command::Vcpus(options) => measured::vcpus(options, allow_untested, out),
        Command::Host(options) => measured::host(options, allow_untested, out),
        Command::Compare(options) => compare::run(options, allow_untested, out),
        Command::Top(options) => top::run(options, allow_untested, out),
        Command::Audit(options) => audit::run(options, allow_untested, out),
        Command::Events(options) => events::run(options, allow_untested),
        Command::Man(options) => manual::man(options, out),
        Command::Fields(options) => fields::run(options, out),
        Command::Completions { shell } => manual::completions(*shell, out),
    }
}
