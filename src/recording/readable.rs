//! A file that is read as far as that is possible.

use std::path::PathBuf;

use super::error::RecordingError;
use super::salvage::Salvaged;
use super::store::{Entry, Store};

/// Bytes of a row; `None` if there is no such row.
type Row = Result<Option<Vec<u8>>, RecordingError>;

/// A file of a recording.
#[derive(Debug)]
pub(super) struct Readable {
    path: PathBuf,
    /// `None` if SQLite does not read it at all.
    store: Option<Store>,
    /// Whether SQLite has read the whole index.
    is_whole: bool,
    /// What is found without SQLite, once it was looked for.
    salvaged: Option<Salvaged>,
}

impl Readable {
    /// Opens a file. Also returns its chunks, in the order in which they were written. `report` is called if it is
    /// damaged.
    ///
    /// # Errors
    /// If nothing can be read, or if it has a newer format.
    pub(super) fn open(
        path: PathBuf,
        report: fn(&str),
    ) -> Result<(Self, Vec<Entry>), RecordingError> {
        let (store, mut entries, error) = match Store::open(path.clone()) {
            Ok(store) => {
                let (entries, error) = store.entries();
                (Some(store), entries, error)
            }
            Err(error) if error.is_damage() => (None, Vec::new(), Some(error)),
            Err(error) => return Err(error),
        };
        let mut readable = Self {
            path,
            store,
            is_whole: error.is_none(),
            salvaged: None,
        };
        if let Some(error) = error {
            if let Some(salvaged) = readable.salvaged() {
                entries.extend(salvaged.entries());
            }
            if entries.is_empty() && readable.store.is_none() {
                return Err(error);
            }
            report(&format!("{error}; the rest is read"));
            // If SQLite has found a chunk, it comes first.
            entries.sort_by_key(|entry| entry.id);
            entries.dedup_by_key(|entry| entry.id);
        }
        Ok((readable, entries))
    }

    /// Returns the chunks that were written after the one of this ID.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(super) fn after(&self, id: i64) -> Result<Vec<Entry>, RecordingError> {
        let store = self.store.as_ref();
        store.map_or(Ok(Vec::new()), |store| store.after(id))
    }

    /// Returns the ID of the first chunk that no recorder has deleted; `None` if the file is damaged.
    pub(super) fn first_id(&self) -> Option<i64> {
        let store = self.store.as_ref().filter(|_| self.is_whole)?;
        store.first_id().ok().flatten()
    }

    /// Decodes the key of a chunk, or its copy if it is broken.
    ///
    /// # Errors
    /// If there is none that can be decoded: why.
    pub(super) fn key<T>(
        &mut self,
        entry: &Entry,
        decode: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, String> {
        let store = self.store.as_ref();
        let rows = store.map(|store| store.keys(entry.key));
        let rows = rows.into_iter().flatten().collect();
        self.first(entry, entry.key, rows, decode)
    }

    /// Decodes the bytes of a chunk.
    ///
    /// # Errors
    /// If they are missing, or cannot be decoded: why.
    pub(super) fn data<T>(
        &mut self,
        entry: &Entry,
        decode: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, String> {
        let store = self.store.as_ref();
        let row = store.map(|store| store.data(entry.id));
        self.first(entry, entry.id, row.into_iter().collect(), decode)
    }

    /// Returns the first of these rows that can be decoded. If SQLite does not find one, those of the same ID that are
    /// found without it come next, unless a recorder has deleted the chunk.
    fn first<T>(
        &mut self,
        entry: &Entry,
        id: i64,
        rows: Vec<Row>,
        decode: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut why = "it is missing".to_owned();
        let mut is_lost = rows.is_empty();
        for row in rows {
            match row {
                Ok(Some(bytes)) => match decode(&bytes) {
                    Ok(decoded) => return Ok(decoded),
                    Err(error) => why = error,
                },
                Ok(None) => is_lost = true,
                Err(error) => (is_lost, why) = (true, error.to_string()),
            }
        }
        is_lost = is_lost && self.first_id().is_none_or(|first| first <= entry.id);
        let salvaged = if is_lost { self.salvaged() } else { None };
        let mut blobs = salvaged.into_iter().flat_map(|salvaged| salvaged.blobs(id));
        let decoded = blobs.find_map(|bytes| decode(&bytes).ok());
        decoded.ok_or(why)
    }

    fn salvaged(&mut self) -> Option<&Salvaged> {
        if self.salvaged.is_none() {
            self.salvaged = Salvaged::of(&self.path).ok();
        }
        self.salvaged.as_ref()
    }
}
