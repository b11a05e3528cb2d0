//! `cargo lab package`: one program for all dom0s.

mod program;

pub use program::build;
