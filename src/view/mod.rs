//! What people and programs get to see: snapshots and rates turned into text.
//!
//! A view takes a [`Sample`] and returns text; it reads nothing and writes nothing.

pub mod audit;
pub mod compare;
pub mod csv;
mod domain;
pub mod events;
pub mod fields;
pub mod host;
pub mod json;
pub mod list;
mod options;
pub mod status;
mod table;
pub mod top;
pub mod tui;
pub mod vcpus;
pub mod xentop;

pub use options::DisplayOptions;

pub use crate::sample::Sample;

#[cfg(test)]
mod tests;
