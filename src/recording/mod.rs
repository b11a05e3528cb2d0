//! Recordings: snapshots on disk.

mod bytes;
mod group;
mod tree;
