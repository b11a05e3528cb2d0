//! Appends chunks, and deletes others.

use std::ops::RangeInclusive;

use rusqlite::{Connection, Transaction, params};

use super::entries::Entry;
use super::file::Store;
use crate::recording::error::RecordingError;

/// A chunk to write.
#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct NewChunk<'a> {
    pub(in crate::recording) entry: Entry,
    pub(in crate::recording) boot: Option<&'a str>,
    pub(in crate::recording) data: &'a [u8],
    /// The key of its group.
    pub(in crate::recording) key: &'a [u8],
}

/// Deletes the keys before that of the first chunk.
const UNUSED_KEYS: &str = "
    DELETE FROM key WHERE id < (SELECT key FROM chunk ORDER BY id LIMIT 1);
    DELETE FROM key_copy WHERE id < (SELECT key FROM chunk ORDER BY id LIMIT 1);
";

/// Deletes the first chunks if they are too old. Those of a time that is yet to come are as old as what follows them:
/// the clock was ahead.
const OLD_CHUNKS: &str = "
    DELETE FROM chunk WHERE id <= (
        SELECT max(id) FROM chunk WHERE latest < ?1 AND id < coalesce(
            (SELECT id FROM chunk WHERE latest BETWEEN ?1 AND ?2 ORDER BY id LIMIT 1),
            ?3
        )
    )
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
    /// Returns how large the file would be with this chunk, if none was deleted.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(in crate::recording) fn bytes_with(
        &self,
        chunk: &NewChunk<'_>,
    ) -> Result<u64, RecordingError> {
        let used = self.run(used_bytes)?;
        Ok(used.saturating_add(self.needed(chunk)))
    }

    /// Returns how many bytes a chunk takes.
    fn needed(&self, chunk: &NewChunk<'_>) -> u64 {
        let keys = match self.has_key(chunk) {
            true => 0,
            false => 2 * chunk.key.len(),
        };
        (chunk.data.len() + keys) as u64 + OVERHEAD
    }

    fn has_key(&self, chunk: &NewChunk<'_>) -> bool {
        self.key == Some(chunk.entry.key)
    }

    /// Appends a chunk. First deletes others until the limits hold: the first one ends in `kept`, which is up to now, and
    /// the file has at most `max_bytes`.
    ///
    /// # Errors
    /// If nothing was written, for example because the disk is full.
    pub(in crate::recording) fn append(
        &mut self,
        chunk: &NewChunk<'_>,
        kept: &RangeInclusive<i64>,
        max_bytes: u64,
    ) -> Result<(), RecordingError> {
        let (needed, has_key) = (self.needed(chunk), self.has_key(chunk));
        let connection = &mut self.connection;
        let mut append = || {
            let transaction = connection.transaction()?;
            let (oldest, now) = (kept.start(), kept.end());
            transaction.execute(OLD_CHUNKS, [oldest, now, &chunk.entry.id])?;
            while used_bytes(&transaction)? + needed > max_bytes {
                let first = "DELETE FROM chunk WHERE id = (SELECT min(id) FROM chunk)";
                if transaction.execute(first, [])? == 0 {
                    break;
                }
                transaction.execute_batch(UNUSED_KEYS)?;
            }
            if !has_key {
                for table in ["key", "key_copy"] {
                    let insert = format!("INSERT INTO {table} (id, bytes) VALUES (?1, ?2)");
                    transaction.execute(&insert, params![chunk.entry.key, chunk.key])?;
                }
            }
            insert(&transaction, chunk)?;
            transaction.execute_batch(UNUSED_KEYS)?;
            free_pages(&transaction)?;
            transaction.commit()
        };
        let appended = append();
        self.run(|_| appended)?;
        self.key = Some(chunk.entry.key);
        // What stays in the log is on the disk as well, and is copied the next time.
        let _ = self.empty_log();
        Ok(())
    }
}

fn insert(transaction: &Transaction<'_>, chunk: &NewChunk<'_>) -> rusqlite::Result<()> {
    let entry = chunk.entry;
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
    let data = "INSERT INTO data (id, bytes) VALUES (?1, ?2)";
    transaction.execute(data, params![entry.id, chunk.data])?;
    Ok(())
}

/// Gives free pages back to the file system.
fn free_pages(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    // It frees a page for each row that is taken.
    let mut vacuum = transaction.prepare("PRAGMA incremental_vacuum")?;
    let mut freed = vacuum.query([])?;
    while freed.next()?.is_some() {}
    Ok(())
}
