//! Why a recording cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Error as Sqlite, ErrorCode, ffi};
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
    /// Nothing was recorded in the folder.
    #[error(
        "{path}: nothing is recorded here; 'systemctl enable --now xenscope-record' or 'xenscope record' does that",
        path = path.display()
    )]
    Nothing {
        /// The folder.
        path: PathBuf,
    },
    /// SQLite reports an error.
    #[error("{path}: {error}", path = path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// SQLite finds that its file is not as it was written.
    #[error("{path}: damaged: {what}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite has found.
        what: String,
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

/// The errors of SQLite for parts of a file that cannot be read.
const UNREADABLE: [i32; 3] = [
    ffi::SQLITE_IOERR_READ,
    ffi::SQLITE_IOERR_SHORT_READ,
    ffi::SQLITE_IOERR_CORRUPTFS,
];

impl RecordingError {
    /// Returns whether the file is not as it was written, so that nothing can be written to it.
    pub(super) fn is_damage(&self) -> bool {
        let error = match self {
            Self::Damaged { .. } => return true,
            Self::Sqlite { error, .. } => error,
            _ => return false,
        };
        match error {
            Sqlite::SqliteFailure(failure, _) | Sqlite::SqlInputError { error: failure, .. } => {
                let damage = [
                    ErrorCode::DatabaseCorrupt,
                    ErrorCode::NotADatabase,
                    // There are two rows of one ID.
                    ErrorCode::ConstraintViolation,
                    // There is no such table or column.
                    ErrorCode::Unknown,
                ];
                damage.contains(&failure.code) || UNREADABLE.contains(&failure.extended_code)
            }
            // What it returns is of another type than what was written.
            Sqlite::InvalidColumnType(..)
            | Sqlite::IntegralValueOutOfRange(..)
            | Sqlite::FromSqlConversionFailure(..)
            | Sqlite::QueryReturnedNoRows => true,
            _ => false,
        }
    }

    /// Returns whether the disk has no room for what was to be written.
    pub(super) fn is_full_disk(&self) -> bool {
        self.code() == Some(ErrorCode::DiskFull)
    }

    /// Returns whether SQLite cannot open or create one of its files.
    pub(super) fn cannot_open(&self) -> bool {
        self.code() == Some(ErrorCode::CannotOpen)
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite { error, .. } => error.sqlite_error_code(),
            _ => None,
        }
    }
}

pub(super) fn io_error(path: &Path, error: io::Error) -> RecordingError {
    RecordingError::Io {
        path: path.to_owned(),
        error,
    }
}
