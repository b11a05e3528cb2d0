//! Recordings: snapshots on disk.
//!
//! In a chunk, each sample is what differs from the one before: a value that does not change takes no space, and a
//! counter is a difference. Values are under the names that serde has for the fields of a snapshot.

mod bytes;
mod error;
mod flatten;
mod group;
mod rebuild;
mod recorder;
mod store;
mod tree;

pub use error::RecordingError;
pub use recorder::{Limits, Recorder};
