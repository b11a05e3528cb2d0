//! Recordings: snapshots on disk.

mod bytes;
mod tree;
