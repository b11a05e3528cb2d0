//! Why a recording cannot be read or written.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What failed with a recording.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The folder or a file in it cannot be used.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the kernel says.
        error: io::Error,
    },
    /// SQLite reports an error.
    #[error("{path}: {error}", path = path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// Another process writes to the folder.
    #[error("{path}: another xenscope records here; stop it, or give another --dir", path = path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// It is an SQLite file of something else.
    #[error("{path}: not a recording of xenscope", path = path.display())]
    NotRecording {
        /// The file.
        path: PathBuf,
    },
    /// It has a newer format.
    #[error(
        "{path}: a newer xenscope wrote it (format {found}, this one reads up to {known}); update xenscope",
        path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format that it has.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// A snapshot has values that cannot be stored.
    #[error("a sample cannot be stored: {0}")]
    Unstorable(&'static str),
}
