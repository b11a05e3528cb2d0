//! An SQLite file, and what makes it a recording.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use nix::fcntl::{FallocateFlags, fallocate};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::file_id::FileId;
use crate::recording::error::{RecordingError, io_error};

/// The format of the chunks that this version writes, and the newest that it reads. It has to increase if an enumeration
/// of [`Snapshot`](crate::snapshot::Snapshot) gets a value, which an older version cannot read. Fields and notes may come
/// and go.
pub(in crate::recording) const FORMAT: u32 = 1;

/// The name of the file in its folder.
pub(in crate::recording) const FILE: &str = "recording.sqlite";

/// Marks an SQLite file as a recording: `xens`.
const APPLICATION: u32 = 0x7865_6e73;

/// How many tables it has.
const TABLES: u32 = 4;

/// How long to wait for another process that uses the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// The size of the log of changes in bytes, unless one change is larger.
const LOG: i64 = 1 << 20;

/// Times in nanoseconds since the epoch. The data is in a table of its own, so that the index is read without it.
const SCHEMA: &str = "
    CREATE TABLE chunk (
        id INTEGER PRIMARY KEY,
        key INTEGER NOT NULL,
        format INTEGER NOT NULL,
        boot TEXT,
        earliest INTEGER NOT NULL,
        latest INTEGER NOT NULL,
        samples INTEGER NOT NULL
    );
    CREATE TABLE data (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE key (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE key_copy (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TRIGGER chunk_deleted AFTER DELETE ON chunk BEGIN DELETE FROM data WHERE id = old.id; END;
";

/// An open recording.
#[derive(Debug)]
pub(in crate::recording) struct Store {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
    id: FileId,
    /// The ID of the last key that was written.
    pub(super) key: Option<i64>,
    /// Whether the log of changes could not be copied into the file.
    pub(super) cannot_grow: bool,
}

/// Returns a time as the index has it.
pub(in crate::recording) fn index_time(time: Timestamp) -> i64 {
    let ns = time.as_nanosecond();
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}

impl Store {
    /// Opens a recording to write, and creates it if there is none. Only its owner reads it then, because it has the
    /// names of all domains. SQLite gives its log of changes the same mode.
    ///
    /// # Errors
    /// If the file cannot be written, is damaged, is no recording, or has a newer format.
    pub(in crate::recording) fn create(path: PathBuf) -> Result<Self, RecordingError> {
        let mut options = fs::File::options();
        match options.write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(io_error(&path, error));
            }
            _ => {}
        }
        if !can_be_written(&path) {
            let what = "SQLite cannot write it".to_owned();
            return Err(RecordingError::Damaged { path, what });
        }
        let connection = Connection::open(&path);
        let mut store = Self::of(path, connection)?;
        store.run(|connection| {
            connection.busy_timeout(PATIENCE)?;
            let tables: u32 =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if tables == 0 {
                connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
                connection.pragma_update(None, "application_id", APPLICATION)?;
                connection.pragma_update(None, "user_version", FORMAT)?;
            }
            Ok(())
        })?;
        store.check()?;
        store.run(|connection| {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            // What is written is on the disk, so that it survives a loss of power.
            connection.pragma_update(None, "synchronous", "FULL")?;
            // The log of changes is copied into the file after each change, see `empty_log`.
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            connection.pragma_update(None, "journal_size_limit", LOG)?;
            // In KiB if it is negative. What was written is not read again: it needs no 2 MiB.
            connection.pragma_update(None, "cache_size", -256)?;
            let has_table = connection
                .query_row(
                    "SELECT 1 FROM sqlite_schema WHERE name = 'chunk'",
                    [],
                    |_| Ok(()),
                )
                .optional()?;
            match has_table {
                Some(()) => Ok(()),
                None => connection.execute_batch(&format!("BEGIN; {SCHEMA} COMMIT;")),
            }
        })?;
        store.check_whole()?;
        // If there is no room for it, that is tried again.
        store.cannot_grow = store.empty_log().is_err_and(|error| error.is_full_disk());
        store.reserve_log();
        Ok(store)
    }

    /// Copies the log of changes into the file, so that damage or loss of the log costs no more than the last change. A
    /// process that is reading may keep some of it from being copied; the next time copies that.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn empty_log(&self) -> Result<(), RecordingError> {
        self.run(|connection| connection.query_row("PRAGMA wal_checkpoint", [], |_| Ok(())))
    }

    /// Gives the log of changes its size, so that there is room for changes when the disk is full: deletions also need
    /// that. If the disk has less, the log has a part. All works without it until the disk is full.
    fn reserve_log(&self) {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        if let Ok(log) = fs::File::options().write(true).open(path) {
            (0..4).any(|half| fallocate(&log, FallocateFlags::empty(), 0, LOG >> half).is_ok());
        }
    }

    /// Checks what is not too large for it: the schema, and the table of chunks.
    fn check_whole(&self) -> Result<(), RecordingError> {
        let damaged = |what: String| {
            Err(RecordingError::Damaged {
                path: self.path.clone(),
                what,
            })
        };
        if self.application()? != APPLICATION {
            return damaged("it is not marked as a recording".to_owned());
        }
        if !(1..=FORMAT).contains(&self.format()?) {
            return damaged("its format is wrong".to_owned());
        }
        let found = self.run(|connection| {
            for table in ["data", "key", "key_copy"] {
                connection.prepare(&format!("SELECT id, bytes FROM {table}"))?;
            }
            let triggers = "SELECT count(*) FROM sqlite_schema WHERE name = 'chunk_deleted'";
            let triggers: u32 = connection.query_row(triggers, [], |row| row.get(0))?;
            if triggers != 1 {
                return Ok("a part of the schema is missing".to_owned());
            }
            connection.query_row("PRAGMA quick_check(chunk)", [], |row| row.get(0))
        })?;
        match &*found {
            "ok" => Ok(()),
            _ => damaged(found),
        }
    }

    /// Opens a recording to read.
    ///
    /// # Errors
    /// If there is none that can be read, or if it has a newer format.
    pub(in crate::recording) fn open(path: PathBuf) -> Result<Self, RecordingError> {
        // What is no file, such as a pipe, might never be opened.
        match fs::metadata(&path) {
            Ok(found) if !found.is_file() => return Err(RecordingError::NotRecording { path }),
            _ => {}
        }
        if let Err(error) = fs::File::open(&path) {
            return Err(RecordingError::Io { path, error });
        }
        let open = |parameters: &str, is_alone: bool| {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            let uri = format!("file:{}{parameters}", escaped(&path));
            let store = Self::of(path.clone(), Connection::open_with_flags(uri, flags))?;
            store.run(|connection| {
                if is_alone {
                    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
                    // It does not try to copy the log into the file when it is closed.
                    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
                }
                connection.busy_timeout(PATIENCE)
            })?;
            store.check().map(|()| store)
        };
        // In a read-only folder, nobody writes, and SQLite cannot create what it shares with other processes. It reads
        // the log of changes without that if it has the file for itself; if there is no log, it has to know that the
        // file does not change.
        let mut opened = open("?mode=ro", false);
        for (parameters, is_alone) in [("?mode=ro&vfs=unix-none", true), ("?immutable=1", false)] {
            if opened.as_ref().is_err_and(RecordingError::cannot_open) {
                opened = open(parameters, is_alone);
            }
        }
        opened
    }

    fn of(path: PathBuf, connection: rusqlite::Result<Connection>) -> Result<Self, RecordingError> {
        match connection {
            Ok(connection) => Ok(Self {
                id: FileId::of(fs::metadata(&path)),
                path,
                connection,
                key: None,
                cannot_grow: false,
            }),
            Err(error) => Err(RecordingError::Sqlite { path, error }),
        }
    }

    /// Returns whether the file still has its name.
    pub(in crate::recording) fn is_in_place(&self) -> bool {
        self.id.is_at(&self.path)
    }

    /// Runs a function, and adds the file's name to its error.
    pub(super) fn run<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, RecordingError> {
        work(&self.connection).map_err(|error| RecordingError::Sqlite {
            path: self.path.clone(),
            error,
        })
    }

    /// Checks that it is a recording that this version reads.
    fn check(&self) -> Result<(), RecordingError> {
        let path = self.path.clone();
        // If only the mark is damaged, it has the tables.
        if self.application()? != APPLICATION && self.tables()? < TABLES {
            return Err(RecordingError::NotRecording { path });
        }
        match self.format()? {
            found if found > FORMAT && !self.has_known_chunks() => Err(RecordingError::Newer {
                path,
                found,
                known: FORMAT,
            }),
            _ => Ok(()),
        }
    }

    /// Returns the format that the file says it has.
    fn format(&self) -> Result<u32, RecordingError> {
        self.pragma("user_version")
    }

    /// Returns whether it has chunks, and all of them have a format that this version reads: what the file says of its
    /// format is damaged then.
    fn has_known_chunks(&self) -> bool {
        let newest = "SELECT max(format) FROM chunk";
        let newest = self
            .run(|connection| connection.query_row(newest, [], |row| row.get::<_, Option<u32>>(0)));
        matches!(newest, Ok(Some(newest)) if newest <= FORMAT)
    }

    fn application(&self) -> Result<u32, RecordingError> {
        self.pragma("application_id")
    }

    /// Returns how many tables it has of those of a recording.
    fn tables(&self) -> Result<u32, RecordingError> {
        self.run(|connection| {
            let tables = "SELECT count(*) FROM sqlite_schema \
                          WHERE name IN ('chunk', 'data', 'key', 'key_copy')";
            connection.query_row(tables, [], |row| row.get(0))
        })
    }

    fn pragma(&self, name: &str) -> Result<u32, RecordingError> {
        // It is a signed number in the file.
        let get = |row: &rusqlite::Row<'_>| row.get::<_, i32>(0).map(i32::cast_unsigned);
        self.run(|connection| connection.pragma_query_value(None, name, get))
    }

    /// Ends the writing so that all is in one file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(in crate::recording) fn close(self) -> Result<(), RecordingError> {
        self.run(|connection| connection.pragma_update(None, "journal_mode", "DELETE"))
    }
}

/// Returns whether a file is of a version of SQLite's format that is not for reading only
/// (<https://www.sqlite.org/fileformat2.html>, bytes 18 and 19), if it has a header at all.
fn can_be_written(path: &Path) -> bool {
    let mut header = [0; 20];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_err() || header[18..].iter().all(|version| (1..=2).contains(version))
}

/// Returns a path as a part of a URI.
fn escaped(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes().iter();
    bytes
        .map(|&byte| match byte {
            b'/' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
