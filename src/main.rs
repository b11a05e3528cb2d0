//! The command `xenscope`: parse, run, map errors to exit codes.

mod cli;
mod commands;
#[cfg(test)]
#[path = "../tests/integration/console.rs"]
mod console;
mod exit;
#[cfg(test)]
#[allow(dead_code)]
mod fixtures;

use std::process::ExitCode;

use tracing::Level;

use cli::Cli;
// `fixtures` belongs to the library and imports this from the crate's root.
#[cfg(test)]
use xenscope::snapshot;

fn main() -> ExitCode {
    let cli = match Cli::of_process() {
        Ok(cli) => cli,
        Err(error) => return exit::no_command(&error),
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        // If nobody reads stderr, reporting that there would panic.
        .log_internal_errors(false)
        .with_max_level(match cli.verbose {
            0 => Level::WARN,
            1 => Level::DEBUG,
            _ => Level::TRACE,
        })
        .init();
    match commands::run(&cli) {
        Ok(outcome) => outcome.into(),
        Err(error) => exit::report(&error),
    }
}
