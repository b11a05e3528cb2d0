//! Which file has a path.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What differs between two files; `None` if it is unknown.
#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct FileId(Option<(u64, u64)>);

impl FileId {
    /// Returns the ID of a file: its device and inode.
    pub(in crate::recording) fn of(file: io::Result<Metadata>) -> Self {
        Self(file.ok().map(|file| (file.dev(), file.ino())))
    }

    /// Returns whether this file has a path. If that is unknown, it has.
    pub(in crate::recording) fn is_at(self, path: &Path) -> bool {
        match fs::metadata(path) {
            Ok(found) => self.0.is_none_or(|id| id == (found.dev(), found.ino())),
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }
}
