//! Appends chunks, and deletes others.

use std::ops::RangeInclusive;

use rusqlite::{Connection, Transaction, params};

use super::entries::Entry;
use super::file::Store;
use super::room::Room;
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

/// What became of a chunk that was appended.
#[derive(Debug)]
pub(in crate::recording) struct Appended {
    /// Whether others were deleted because the disk is too small.
    pub(in crate::recording) is_short: bool,
    /// Why it stays in the log of changes, which grows then.
    pub(in crate::recording) stuck: Option<RecordingError>,
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

/// Returns the size of a page in bytes, how many pages the file has, and how many of them are in use.
fn pages(connection: &Connection) -> rusqlite::Result<[u64; 3]> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let [size, count, free] = [
        pragma("page_size")?,
        pragma("page_count")?,
        pragma("freelist_count")?,
    ];
    Ok([size, count, count.saturating_sub(free)].map(u64::from))
}

/// Returns the bytes of the file that are in use.
fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let [size, _, used] = pages(connection)?;
    Ok(used * size)
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

    /// Returns how many bytes a chunk takes, with what the file has besides chunks.
    fn needed(&self, chunk: &NewChunk<'_>) -> u64 {
        self.row_bytes(chunk) + OVERHEAD
    }

    /// Returns how many bytes the rows of a chunk have.
    fn row_bytes(&self, chunk: &NewChunk<'_>) -> u64 {
        let keys = match self.has_key(chunk) {
            true => 0,
            false => 2 * chunk.key.len(),
        };
        (chunk.data.len() + keys) as u64
    }

    fn has_key(&self, chunk: &NewChunk<'_>) -> bool {
        self.key == Some(chunk.entry.key)
    }

    /// Appends a chunk. First deletes others until the limits hold: the first one ends in `kept`, which is up to now, and
    /// the file has at most `max_bytes`, or less if the disk is too small for that.
    ///
    /// # Errors
    /// If nothing was written, for example because the disk is full.
    pub(in crate::recording) fn append(
        &mut self,
        chunk: &NewChunk<'_>,
        kept: &RangeInclusive<i64>,
        max_bytes: u64,
    ) -> Result<Appended, RecordingError> {
        let has_key = self.has_key(chunk);
        let by_limit = max_bytes.saturating_sub(self.needed(chunk));
        let room = Room::of(&self.path, self.row_bytes(chunk), self.cannot_grow);
        let mut is_short = false;
        let connection = &mut self.connection;
        let mut append = || {
            let transaction = connection.transaction()?;
            let (oldest, now) = (kept.start(), kept.end());
            transaction.execute(OLD_CHUNKS, [oldest, now, &chunk.entry.id])?;
            loop {
                let used = used_bytes(&transaction)?;
                if used <= by_limit.min(room.others) {
                    break;
                }
                let first = "DELETE FROM chunk WHERE id = (SELECT min(id) FROM chunk)";
                if transaction.execute(first, [])? == 0 {
                    break;
                }
                is_short |= used <= by_limit;
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
            let kept_bytes = room.kept.min(max_bytes.saturating_sub(OVERHEAD));
            free_pages(&transaction, kept_bytes)?;
            transaction.commit()
        };
        let appended = append();
        self.run(|_| appended)?;
        self.key = Some(chunk.entry.key);
        // What stays in the log is on the disk as well, and is copied the next time.
        let emptied = self.empty_log();
        self.cannot_grow = emptied.as_ref().is_err_and(RecordingError::is_full_disk);
        Ok(Appended {
            is_short,
            stuck: emptied.err().filter(|_| !self.cannot_grow),
        })
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

/// Gives free pages back to the file system, but not those in the first `kept` bytes of the file.
fn free_pages(transaction: &Transaction<'_>, kept: u64) -> rusqlite::Result<()> {
    let [size, count, used] = pages(transaction)?;
    let free = count.saturating_sub(used.max(kept / size));
    if free == 0 {
        return Ok(());
    }
    // It frees a page for each row that is taken.
    let mut vacuum = transaction.prepare(&format!("PRAGMA incremental_vacuum({free})"))?;
    let mut freed = vacuum.query([])?;
    while freed.next()?.is_some() {}
    Ok(())
}
