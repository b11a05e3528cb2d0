//! Reads the index, and the bytes of chunks.

use rusqlite::{OptionalExtension, Row};

use super::{RecordingError, Store};
use crate::recording::part::MAX_SAMPLES;

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

impl Store {
    /// Returns the ID after the last chunk's.
    pub(in crate::recording) fn next_id(&self) -> Result<i64, RecordingError> {
        self.run(|connection| {
            connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM chunk", [], |row| {
                row.get(0)
            })
        })
    }

    /// Returns all chunks in the order in which they were written. If some cannot be read, also returns why.
    pub(in crate::recording) fn entries(&self) -> (Vec<Entry>, Option<RecordingError>) {
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
