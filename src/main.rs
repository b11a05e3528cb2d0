//! The command `xenscope`: parse, run, map errors to exit codes.

mod cli;
mod commands;
#[cfg(test)]
#[path = "../tests/integration/console.rs"]
mod console;
mod exit;

use std::process::ExitCode;

use tracing::Level;

use cli::{Cli, Command};
use exit::Outcome;

fn main() -> ExitCode {
    let cli = match Cli::of_process() {
        Ok(cli) => cli,
        Err(error) => return exit::no_command(&error),
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(match cli.verbose {
            0 => Level::WARN,
            1 => Level::DEBUG,
            _ => Level::TRACE,
        })
        .init();
    match run(&cli) {
        Ok(outcome) => outcome.into(),
        Err(error) => exit::report(&error),
    }
}

fn run(cli: &Cli) -> anyhow::Result<Outcome> {
    let allow_untested = cli.allow_untested_xen;
    match &cli.command {
        Command::List(options) => commands::list::run(options, allow_untested)?,
        Command::Status(options) => return commands::measured::status(options, allow_untested),
        Command::Vcpus(options) => return commands::measured::vcpus(options, allow_untested),
        Command::Host(options) => return commands::measured::host(options, allow_untested),
        Command::Compare(options) => return commands::compare::run(options, allow_untested),
        Command::Top(options) => commands::top::run(options, allow_untested)?,
        Command::Audit(options) => return commands::audit::run(options, allow_untested),
        Command::Events(options) => commands::events::run(options, allow_untested)?,
        Command::Man(options) => commands::manual::man(options)?,
        Command::Fields(options) => commands::fields::run(options)?,
        Command::Completions { shell } => commands::manual::completions(*shell)?,
    }
    Ok(Outcome::Done)
}
