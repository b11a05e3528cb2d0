//! Reads the index, and the bytes of chunks.

use rusqlite::{Connection, OptionalExtension, Row};

use super::file::Store;
use crate::recording::error::RecordingError;

/// What the index says of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::recording) struct Entry {
    pub(in crate::recording) id: i64,
    pub(in crate::recording) key: i64,
    pub(in crate::recording) format: u32,
    /// The wall-clock time of its earliest and its latest sample, in nanoseconds since the epoch. The clock may have
    /// been set back in between.
    pub(in crate::recording) earliest: i64,
    pub(in crate::recording) latest: i64,
    pub(in crate::recording) samples: u32,
}

const COLUMNS: &str = "id, key, format, earliest, latest, samples";

impl Store {
    /// Returns the last chunk; `None` if there is none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(in crate::recording) fn last(&self) -> Result<Option<Entry>, RecordingError> {
        self.run(|connection| {
            let last = format!("SELECT {COLUMNS} FROM chunk ORDER BY id DESC LIMIT 1");
            connection.query_row(&last, [], entry).optional()
        })
    }

    /// Returns the latest times of the last chunks, the newest one first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(in crate::recording) fn latest_times(&self) -> Result<Vec<i64>, RecordingError> {
        self.run(|connection| {
            let last = "SELECT latest FROM chunk ORDER BY id DESC LIMIT 4000";
            let mut query = connection.prepare(last)?;
            query.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Returns all chunks in the order in which they were written. If some cannot be read or are missing, also returns
    /// why.
    pub(in crate::recording) fn entries(&self) -> (Vec<Entry>, Option<RecordingError>) {
        // A recorder changes nothing in between.
        let _transaction = self.connection.unchecked_transaction();
        let (entries, error) = self.readable_entries();
        let error = error.or_else(|| match self.lacks(&entries) {
            true => Some(RecordingError::Damaged {
                path: self.path.clone(),
                what: "chunks are missing in its index".to_owned(),
            }),
            false => None,
        });
        (entries, error)
    }

    /// Returns whether there are more chunks than these: their IDs follow each other, and each has data.
    fn lacks(&self, entries: &[Entry]) -> bool {
        let is_next = |pair: &[Entry]| pair[1].id.checked_sub(pair[0].id) == Some(1);
        if !entries.windows(2).all(is_next) {
            return true;
        }
        let ids = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let query = "SELECT (SELECT min(id) FROM data), (SELECT max(id) FROM data)";
        let (first, last): (Option<i64>, Option<i64>) =
            match self.run(|connection| connection.query_row(query, [], ids)) {
                Ok(ids) => ids,
                // Each chunk whose data is not found is reported when it is read.
                Err(_) => return false,
            };
        let has = |id: i64| entries.iter().any(|entry| entry.id == id);
        [first, last].into_iter().flatten().any(|id| !has(id))
    }

    fn readable_entries(&self) -> (Vec<Entry>, Option<RecordingError>) {
        let (mut entries, mut error) = (Vec::new(), None);
        // After damage, the next chunks are found by their IDs: first the next one, then with ever larger steps.
        let (mut after, mut step) = (i64::MIN, 1i64);
        loop {
            let before = entries.len();
            let read = self.run(|connection| read_after(connection, after, &mut entries));
            let Err(why) = read else {
                break;
            };
            error = Some(why);
            if entries.len() > before {
                step = 1;
            }
            let last = entries.last().map_or(0, |last| last.id);
            (after, step) = (last.max(after).saturating_add(step), step.saturating_mul(2));
            if after == i64::MAX {
                break;
            }
        }
        (entries, error)
    }

    /// Returns the chunks of higher IDs than this one, in the order in which they were written.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(in crate::recording) fn after(&self, id: i64) -> Result<Vec<Entry>, RecordingError> {
        let mut entries = Vec::new();
        self.run(|connection| read_after(connection, id, &mut entries))?;
        Ok(entries)
    }

    /// Returns the ID of the first chunk; `None` if there is none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(in crate::recording) fn first_id(&self) -> Result<Option<i64>, RecordingError> {
        self.run(|connection| {
            let first = "SELECT min(id) FROM chunk";
            connection.query_row(first, [], |row| row.get(0))
        })
    }

    /// Returns the data of a chunk; `None` if it was deleted meanwhile.
    pub(in crate::recording) fn data(&self, id: i64) -> Result<Option<Vec<u8>>, RecordingError> {
        self.bytes("data", id)
    }

    /// Returns a key, and its copy.
    pub(in crate::recording) fn keys(
        &self,
        id: i64,
    ) -> [Result<Option<Vec<u8>>, RecordingError>; 2] {
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

/// Appends the chunks of higher IDs than `after`. In a damaged file, they may be in a circle.
fn read_after(
    connection: &Connection,
    mut after: i64,
    entries: &mut Vec<Entry>,
) -> rusqlite::Result<()> {
    let query = format!("SELECT {COLUMNS} FROM chunk WHERE id > ?1 ORDER BY id");
    let mut statement = connection.prepare(&query)?;
    for entry in statement.query_map([after], entry)? {
        let entry = entry?;
        if entry.id <= after {
            return Err(rusqlite::Error::InvalidQuery);
        }
        after = entry.id;
        entries.push(entry);
    }
    Ok(())
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
