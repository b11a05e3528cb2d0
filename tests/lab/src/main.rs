//! `cargo lab`: see the library for how the laboratory works.

use std::process::ExitCode;

fn main() -> ExitCode {
    lab::cli::main()
}
