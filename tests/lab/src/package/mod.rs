//! `cargo lab package`: one program for all dom0s.

mod contents;
mod crates;
mod program;

pub use program::build;
