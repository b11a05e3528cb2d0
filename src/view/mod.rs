//! Views format snapshots and rates as text, for people and programs.
//!
//! A view takes a [`Sample`] and returns text. It does no I/O.

pub mod audit;
pub mod compare;
pub mod csv;
pub mod doctor;
mod domain;
pub mod events;
pub mod fields;
pub mod host;
pub mod json;
pub mod list;
pub mod openmetrics;
mod options;
mod pressure;
pub mod report;
pub mod status;
mod table;
pub mod top;
pub mod tui;
pub mod vcpus;
pub mod waits;
pub mod xentop;

pub use options::DisplayOptions;

pub use crate::sample::Sample;

#[cfg(test)]
mod tests;
