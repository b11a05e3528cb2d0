//! Appends chunks, and deletes others.

use rusqlite::{Connection, params};

use super::entries::Entry;
use super::{RecordingError, Store};

/// A chunk to write.
#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct NewChunk<'a> {
    pub(in crate::recording) entry: Entry,
    pub(in crate::recording) boot: Option<&'a str>,
    pub(in crate::recording) data: &'a [u8],
    /// The key of its group, unless that is written.
    pub(in crate::recording) key: Option<&'a [u8]>,
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

impl Store {
    /// Appends a chunk. First deletes others until the limits hold: none has ended before `oldest`, and the file has at
    /// most `max_bytes`.
    ///
    /// # Errors
    /// If nothing was written, for example because the disk is full.
    pub(in crate::recording) fn append(
        &mut self,
        chunk: &NewChunk<'_>,
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
}
