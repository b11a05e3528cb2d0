//! The SQLite file of a recording.
//!
//! A chunk is a part of a group, compressed with zstd. It is read with the key of its group, of which there is a copy,
//! so that a broken page of the file costs one chunk.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::error::RecordingError;
use super::part::MAX_SAMPLES;

/// The format of the chunks that this version writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;

/// The name of the file in its folder.
pub(super) const FILE: &str = "recording.sqlite";

/// Marks an SQLite file as a recording: `xens`.
const APPLICATION: u32 = 0x7865_6e73;

/// How long to wait for another process that uses the file.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// What the index says of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: i64,
    pub(super) key: i64,
    pub(super) format: u32,
    /// The wall-clock time of its earliest and its latest sample, in nanoseconds since the epoch. The clock may have
    /// been set back in between.
    pub(super) earliest: i64,
    pub(super) latest: i64,
    pub(super) samples: u32,
}

/// A chunk to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'a> {
    pub(super) entry: Entry,
    pub(super) boot: Option<&'a str>,
    pub(super) data: &'a [u8],
    /// The key of its group, unless that is written.
    pub(super) key: Option<&'a [u8]>,
}

/// An open recording.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    connection: Connection,
}

/// Returns a time as the index has it.
pub(super) fn index_time(time: Timestamp) -> i64 {
    let ns = time.as_nanosecond();
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}

impl Store {
    /// Opens a recording to write, and creates it if there is none.
    ///
    /// # Errors
    /// If the file cannot be written, is no recording, or has a newer format.
    pub(super) fn create(path: PathBuf) -> Result<Self, RecordingError> {
        let connection = Connection::open(&path);
        let store = Self::of(path, connection)?;
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
            // The log of changes stays below a MiB.
            connection.pragma_update(None, "wal_autocheckpoint", 128)?;
            connection.pragma_update(None, "journal_size_limit", 1 << 20)?;
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
        Ok(store)
    }

    /// Opens a recording to read: a file, or the one in a folder.
    ///
    /// # Errors
    /// If there is none that can be read, or if it has a newer format.
    pub(super) fn open(path: &Path) -> Result<Self, RecordingError> {
        let path = match path.is_dir() {
            true => path.join(FILE),
            false => path.to_owned(),
        };
        if let Err(error) = fs::File::open(&path) {
            return Err(RecordingError::Io { path, error });
        }
        let open = |parameters: &str| {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            let uri = format!("file:{}{parameters}", escaped(&path));
            let store = Self::of(path.clone(), Connection::open_with_flags(uri, flags))?;
            store.run(|connection| connection.busy_timeout(PATIENCE))?;
            store.check().map(|()| store)
        };
        match open("?mode=ro") {
            // The folder is read-only, so nobody writes.
            Err(RecordingError::Sqlite { error, .. })
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) =>
            {
                open("?immutable=1")
            }
            opened => opened,
        }
    }

    fn of(path: PathBuf, connection: rusqlite::Result<Connection>) -> Result<Self, RecordingError> {
        match connection {
            Ok(connection) => Ok(Self { path, connection }),
            Err(error) => Err(RecordingError::Sqlite { path, error }),
        }
    }

    /// Runs a function, and adds the file's name to its error.
    fn run<T>(
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
        let pragma = |name| {
            self.run(|connection| {
                connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0))
            })
        };
        let path = self.path.clone();
        if pragma("application_id")? != APPLICATION {
            return Err(RecordingError::NotRecording { path });
        }
        match pragma("user_version")? {
            found if found > FORMAT => Err(RecordingError::Newer {
                path,
                found,
                known: FORMAT,
            }),
            _ => Ok(()),
        }
    }

    /// Ends the writing so that all is in one file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn close(self) -> Result<(), RecordingError> {
        self.run(|connection| connection.pragma_update(None, "journal_mode", "DELETE"))
    }

    /// Appends a chunk. First deletes others until the limits hold: none has ended before `oldest`, and the file has at
    /// most `max_bytes`.
    ///
    /// # Errors
    /// If nothing was written, for example because the disk is full.
    pub(super) fn append(
        &mut self,
        chunk: &Chunk<'_>,
        oldest: i64,
        max_bytes: u64,
    ) -> Result<(), RecordingError> {
        let (entry, data) = (chunk.entry, chunk.data);
        let path = &self.path;
        let connection = &mut self.connection;
        let mut append = || {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM chunk WHERE latest < ?1", [oldest])?;
            let keys = 2 * chunk.key.map_or(0, <[u8]>::len);
            let more = (data.len() + keys) as u64 + OVERHEAD;
            while used_bytes(&transaction)? + more > max_bytes {
                let first = "DELETE FROM chunk WHERE id = (SELECT min(id) FROM chunk)";
                if transaction.execute(first, [])? == 0 {
                    break;
                }
                transaction.execute_batch(UNUSED_KEYS)?;
            }
            for table in ["key", "key_copy"] {
                let insert = format!("INSERT INTO {table} (id, bytes) VALUES (?1, ?2)");
                if let Some(key) = chunk.key {
                    transaction.execute(&insert, params![entry.key, key])?;
                }
            }
            transaction.execute(
                "INSERT INTO chunk (id, key, format, boot, earliest, latest, samples) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    entry.id,
                    entry.key,
                    entry.format,
                    chunk.boot,
                    entry.earliest,
                    entry.latest,
                    entry.samples,
                ],
            )?;
            transaction.execute(
                "INSERT INTO data (id, bytes) VALUES (?1, ?2)",
                params![entry.id, data],
            )?;
            transaction.execute_batch(UNUSED_KEYS)?;
            // It frees a page for each row that is taken.
            let mut vacuum = transaction.prepare("PRAGMA incremental_vacuum")?;
            let mut freed = vacuum.query([])?;
            while freed.next()?.is_some() {}
            drop(freed);
            drop(vacuum);
            transaction.commit()
        };
        append().map_err(|error| RecordingError::Sqlite {
            path: path.clone(),
            error,
        })
    }

    /// Returns the ID after the last chunk's.
    pub(super) fn next_id(&self) -> Result<i64, RecordingError> {
        self.run(|connection| {
            connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM chunk", [], |row| {
                row.get(0)
            })
        })
    }

    /// Returns all chunks in the order in which they were written. If some cannot be read, also returns why.
    pub(super) fn entries(&self) -> (Vec<Entry>, Option<RecordingError>) {
        let (mut entries, mut error) = (Vec::new(), None);
        for order in ["ASC", "DESC"] {
            let read = self.run(|connection| {
                let mut statement = connection.prepare(&format!(
                    "SELECT id, key, format, earliest, latest, samples FROM chunk \
                     WHERE samples BETWEEN 1 AND {MAX_SAMPLES} ORDER BY id {order}"
                ))?;
                for entry in statement.query_map([], entry)? {
                    entries.push(entry?);
                }
                Ok(())
            });
            match read {
                Ok(()) => break,
                // What follows the damage is read from the other end.
                Err(why) => error = Some(why),
            }
        }
        entries.sort_unstable_by_key(|entry: &Entry| entry.id);
        entries.dedup_by_key(|entry| entry.id);
        (entries, error)
    }

    /// Returns the data of a chunk; `None` if it was deleted meanwhile.
    pub(super) fn data(&self, id: i64) -> Result<Option<Vec<u8>>, RecordingError> {
        self.bytes("data", id)
    }

    /// Returns a key, and its copy.
    pub(super) fn keys(&self, id: i64) -> [Result<Option<Vec<u8>>, RecordingError>; 2] {
        ["key", "key_copy"].map(|table| self.bytes(table, id))
    }

    fn bytes(&self, table: &str, id: i64) -> Result<Option<Vec<u8>>, RecordingError> {
        self.run(|connection| {
            let query = format!("SELECT bytes FROM {table} WHERE id = ?1");
            let mut statement = connection.prepare_cached(&query)?;
            statement.query_row([id], |row| row.get(0)).optional()
        })
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        key: row.get(1)?,
        format: row.get(2)?,
        earliest: row.get(3)?,
        latest: row.get(4)?,
        samples: row.get(5)?,
    })
}

/// Deletes the keys before that of the first chunk.
const UNUSED_KEYS: &str = "
    DELETE FROM key WHERE id < (SELECT key FROM chunk ORDER BY id LIMIT 1);
    DELETE FROM key_copy WHERE id < (SELECT key FROM chunk ORDER BY id LIMIT 1);
";

/// What the log of changes, the index and unfilled pages take.
const OVERHEAD: u64 = 2 << 20;

/// Returns the bytes of the file that are in use.
fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(pages.saturating_mul(pragma("page_size")?).unsigned_abs())
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
