//! Recordings: snapshots on disk.
//!
//! A [`Recorder`] writes snapshots to an SQLite file, and a [`Recording`] returns them. Samples are in chunks of 10 s.
//! In a chunk, each sample is what differs from the one before: a value that does not change takes no space, and a
//! counter is a difference. Values are under the names that serde has for the fields of a snapshot.

mod age;
mod bytes;
mod cell;
mod changes;
mod children;
mod chunk;
mod compress;
mod coverage;
mod damaged;
mod encode;
mod error;
mod files;
mod flatten;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod group;
mod log;
mod part;
mod prediction;
mod readable;
mod reader;
mod rebuild;
mod recorder;
mod salvage;
mod samples;
mod store;
#[cfg(test)]
mod tests;
mod tree;

pub use coverage::{Coverage, USUAL};
pub use error::RecordingError;
pub use files::{is_of_recorder, is_part_of};
pub use reader::Recording;
pub use recorder::{Limits, Recorder};
pub use samples::{Samples, Times};
