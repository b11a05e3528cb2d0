//! Recordings: snapshots on disk.

mod bytes;
mod flatten;
mod group;
mod rebuild;
mod tree;
