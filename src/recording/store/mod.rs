//! The SQLite file of a recording.
//!
//! A chunk is a part of a group, compressed with zstd. It is read with the key of its group, of which there is a copy,
//! so that a broken page of the file costs one chunk.

mod append;
mod entries;
mod file;
mod file_id;
mod room;

pub(super) use append::{Appended, NewChunk};
pub(super) use entries::Entry;
pub(super) use file::{FILE, FORMAT, Store, index_time};
pub(super) use file_id::FileId;
