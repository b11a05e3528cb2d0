//! `cargo lab`: the documentation of the library says how the lab works.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab::cli::main()
}
