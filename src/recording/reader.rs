//! Reads a recording.

use std::collections::{BTreeSet, VecDeque};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::bytes::Broken;
use super::error::RecordingError;
use super::part::Part;
use super::samples::{Samples, newest_up_to};
use super::store::{Entry, FORMAT, Store, index_time};
use super::tree::Tree;
use crate::snapshot::Snapshot;

/// The largest part that is decompressed, in bytes.
const MAX_PART: u64 = 512 << 20;

/// How many decoded chunks are kept: a pair may have a snapshot of each of two.
const DECODED: usize = 2;

/// The recording in a folder or a file. Another process may write it meanwhile; what it adds after this was opened is
/// not read.
pub struct Recording {
    store: Store,
    chunks: Vec<Entry>,
    /// The position of each chunk's first snapshot, and the number of all.
    starts: Vec<usize>,
    decoded: VecDeque<(usize, Vec<Arc<Snapshot>>)>,
    /// The ID of the last key that was read, and its tree.
    key: Option<(i64, Tree)>,
    broken: BTreeSet<usize>,
    report: fn(&str),
}

impl Recording {
    /// Opens the recording. `report` is called once for each chunk that cannot be read.
    ///
    /// # Errors
    /// If there is no recording, or if it has a newer format.
    pub fn open(path: &Path, report: fn(&str)) -> Result<Self, RecordingError> {
        let store = Store::open(path)?;
        let (chunks, error) = store.entries();
        if let Some(error) = error {
            report(&format!("a part of the index cannot be read: {error}"));
        }
        let mut starts = vec![0];
        let mut count = 0usize;
        for chunk in &chunks {
            count = count.saturating_add(chunk.samples as usize);
            starts.push(count);
        }
        Ok(Self {
            store,
            chunks,
            starts,
            decoded: VecDeque::new(),
            key: None,
            broken: BTreeSet::new(),
            report,
        })
    }

    /// Returns the snapshots of a chunk; `None` if it cannot be read.
    fn chunk(&mut self, number: usize) -> Option<&[Arc<Snapshot>]> {
        if let Some(at) = self.decoded.iter().position(|(of, _)| *of == number) {
            return self.decoded.get(at).map(|(_, decoded)| decoded.as_slice());
        }
        if self.broken.contains(&number) {
            return None;
        }
        match self.decode(number) {
            Ok(snapshots) => {
                self.decoded.truncate(DECODED - 1);
                self.decoded.push_front((number, snapshots));
                self.decoded.front().map(|(_, decoded)| decoded.as_slice())
            }
            Err(why) => {
                self.broken.insert(number);
                let chunk = self.chunks[number];
                let time = |ns: i64| match Timestamp::from_nanosecond(ns.into()) {
                    Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                    Err(_) => "an unknown time".to_owned(),
                };
                let (from, to) = (time(chunk.earliest), time(chunk.latest));
                (self.report)(&format!(
                    "the recording cannot be read from {from} to {to}: {why}; skipped"
                ));
                None
            }
        }
    }

    fn decode(&mut self, number: usize) -> Result<Vec<Arc<Snapshot>>, String> {
        let chunk = self.chunks[number];
        if chunk.format > FORMAT {
            return Err("a newer xenscope wrote it; update xenscope".to_owned());
        }
        let mut tree = self.key(chunk.key)?;
        let data = self.store.data(chunk.id);
        let data = data.map_err(|error| error.to_string())?;
        let part = part(&data.ok_or("it was deleted")?, &mut tree)?;
        if part.len() != chunk.samples as usize {
            return Err("it has another number of samples".to_owned());
        }
        let snapshots = (0..part.len()).map(|sample| {
            part.apply(sample, &mut tree)?;
            tree.snapshot().map(Arc::new)
        });
        let snapshots: Result<_, Broken> = snapshots.collect();
        snapshots.map_err(|why| why.to_string())
    }

    /// Returns the tree of a key, or of its copy if it is broken.
    fn key(&mut self, id: i64) -> Result<Tree, String> {
        if let Some((of, tree)) = &self.key
            && *of == id
        {
            return Ok(tree.clone());
        }
        let mut why = "its key was deleted".to_owned();
        for bytes in self.store.keys(id) {
            let tree = match bytes {
                Ok(Some(bytes)) => key_tree(&bytes),
                Ok(None) => continue,
                Err(error) => Err(error.to_string()),
            };
            match tree {
                Ok(tree) => {
                    self.key = Some((id, tree.clone()));
                    return Ok(tree);
                }
                Err(error) => why = format!("its key: {error}"),
            }
        }
        Err(why)
    }
}

fn key_tree(bytes: &[u8]) -> Result<Tree, String> {
    let mut tree = Tree::new();
    let key = part(bytes, &mut tree)?;
    let applied = key.apply(0, &mut tree);
    applied.map(|()| tree).map_err(|why| why.to_string())
}

/// Decodes compressed bytes.
fn part(bytes: &[u8], tree: &mut Tree) -> Result<Part, String> {
    let bytes = decompressed(bytes).map_err(|error| error.to_string())?;
    Part::decode(&bytes, tree).map_err(|why| why.to_string())
}

impl Samples for Recording {
    fn count(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    fn get(&mut self, position: usize) -> Option<Arc<Snapshot>> {
        let chunk = self.starts.partition_point(|&start| start <= position);
        let chunk = chunk
            .checked_sub(1)
            .filter(|&chunk| chunk < self.chunks.len())?;
        let within = position.checked_sub(*self.starts.get(chunk)?)?;
        self.chunk(chunk)?.get(within).cloned()
    }

    fn up_to(&mut self, time: Timestamp) -> Option<usize> {
        let at = index_time(time);
        let numbers = 0..self.chunks.len();
        let mut possible: Vec<(i64, usize)> = numbers
            .filter(|&number| self.chunks[number].earliest <= at)
            .map(|number| (self.chunks[number].latest.min(at), number))
            .collect();
        possible.sort_unstable();
        let mut best: Option<(i64, usize)> = None;
        for (at_most, number) in possible.into_iter().rev() {
            if best.is_some_and(|(found, _)| found > at_most) {
                break;
            }
            let start = self.starts[number];
            let found = self.chunk(number).and_then(|snapshots| {
                let within = newest_up_to(snapshots, time)?;
                Some((index_time(snapshots[within].time), start + within))
            });
            best = best.max(found);
        }
        best.map(|(_, position)| position)
    }
}

fn decompressed(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    zstd::Decoder::new(data)?
        .take(MAX_PART)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
