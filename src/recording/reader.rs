//! Reads a recording.

mod index;

use std::collections::{BTreeSet, VecDeque};
use std::io::ErrorKind;
use std::mem;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::bytes::Broken;
use super::chunk::Chunk;
use super::compress::decompressed;
use super::damaged;
use super::error::RecordingError;
use super::part::Part;
use super::readable::Readable;
use super::samples::{Samples, Times};
use super::store::{Entry, FILE, FORMAT, index_time};
use super::tree::Tree;
use crate::snapshot::{PcpuTimes, Snapshot};

/// How many chunks are kept: a pair may have a snapshot of each of two.
const CHUNKS: usize = 2;

/// How many snapshots are kept, so that each is decoded once in a walk of pairs.
const SNAPSHOTS: usize = 4;

/// Why a chunk is not read whose number of samples in the index is wrong.
const OTHER_NUMBER: &str = "it has another number of samples";

/// Where a chunk is.
#[derive(Clone, Copy)]
struct Place {
    /// The number of the file.
    file: usize,
    entry: Entry,
}

/// The recording in a folder, with the files that were damaged, or in a file. Another process may write it meanwhile,
/// and delete its first chunks.
pub struct Recording {
    files: Vec<Readable>,
    chunks: Vec<Place>,
    /// The position of each chunk's first snapshot, and the number of all.
    starts: Vec<usize>,
    /// The last chunks that were read, by their number.
    read: VecDeque<(usize, Chunk)>,
    /// The last snapshots that were read, by their position.
    snapshots: VecDeque<(usize, Arc<Snapshot>)>,
    /// The file and the ID of the last key that was read, and its tree.
    key: Option<((usize, i64), Arc<Tree>)>,
    broken: BTreeSet<usize>,
    /// Whether it was reported that a recorder has deleted chunks.
    says_deleted: bool,
    /// Whether it was reported that new chunks cannot be read.
    says_unreadable: bool,
    report: fn(&str),
}

impl Recording {
    /// Opens the recording. `report` is called once for each chunk, and each file, that cannot be read.
    ///
    /// # Errors
    /// If there is no recording, or if it has a newer format.
    pub fn open(path: &Path, report: fn(&str)) -> Result<Self, RecordingError> {
        let mut files = Vec::new();
        let mut chunks = Vec::new();
        for (file, entries) in files_of(path, report)? {
            chunks.extend(places(files.len(), entries));
            files.push(file);
        }
        let mut recording = Self {
            files,
            chunks,
            starts: vec![0],
            read: VecDeque::new(),
            snapshots: VecDeque::new(),
            key: None,
            broken: BTreeSet::new(),
            says_deleted: false,
            says_unreadable: false,
            report,
        };
        recording.check_index();
        recording.count_chunks();
        Ok(recording)
    }

    /// Returns how many chunks are counted, so that their samples have positions.
    fn counted(&self) -> usize {
        self.starts.len() - 1
    }

    /// Counts the samples of chunks that are not counted yet.
    fn count_chunks(&mut self) {
        let mut count = self.count();
        for chunk in &self.chunks[self.counted()..] {
            count = count.saturating_add(chunk.entry.samples as usize);
            self.starts.push(count);
        }
    }

    /// Returns the chunk of the sample at this position, and its number there; `None` if there is none.
    fn place(&self, position: usize) -> Option<(usize, usize)> {
        let chunk = self.starts.partition_point(|&start| start <= position);
        let chunk = chunk
            .checked_sub(1)
            .filter(|&chunk| chunk < self.chunks.len())?;
        let within = position.checked_sub(*self.starts.get(chunk)?)?;
        Some((chunk, within))
    }

    /// Returns what a function returns of a sample of a chunk; `None` if the chunk cannot be read, which is reported once.
    fn of_sample<T>(
        &mut self,
        number: usize,
        sample: usize,
        of: fn(&Tree) -> Result<T, Broken>,
    ) -> Option<T> {
        if self.broken.contains(&number) {
            return None;
        }
        let chunk = self.chunk(number);
        let found = chunk.and_then(|chunk| {
            let tree = chunk.tree(sample);
            let found = tree.and_then(|tree| Ok((index_time(tree.time()?), of(tree)?)));
            found.map_err(|why| why.to_string())
        });
        let (time, found) = found.map_err(|why| self.skip(number, &why)).ok()?;
        let entry = self.chunks[number].entry;
        if !(entry.earliest..=entry.latest).contains(&time) {
            self.check(number);
        }
        (!self.broken.contains(&number)).then_some(found)
    }

    /// Reports that a chunk cannot be read, and reads it never again. If a recorder has deleted it, with all before it,
    /// that is reported once.
    fn skip(&mut self, number: usize, why: &str) {
        self.broken.insert(number);
        self.read.retain(|(of, _)| *of != number);
        let Place { file, entry } = self.chunks[number];
        let first = self.files[file].first_id();
        if let Some(first) = first.filter(|&first| first > entry.id) {
            let is_read = |number: &usize| self.read.iter().any(|(of, _)| of == number);
            let places = self.chunks.iter().enumerate();
            let deleted = places.filter(|(_, place)| place.file == file && place.entry.id < first);
            let deleted = deleted.map(|(number, _)| number);
            self.broken
                .extend(deleted.filter(|number| !is_read(number)));
            if !mem::replace(&mut self.says_deleted, true) {
                (self.report)("older samples were deleted meanwhile; skipped");
            }
            return;
        }
        let (from, to) = (shown(entry.earliest), shown(entry.latest));
        (self.report)(&format!(
            "the recording cannot be read from {from} to {to}: {why}; skipped"
        ));
    }

    /// Returns a chunk.
    fn chunk(&mut self, number: usize) -> Result<&mut Chunk, String> {
        match self.read.iter().position(|(of, _)| *of == number) {
            Some(at) => self.read.swap(0, at),
            None => {
                let chunk = self.decode(number)?;
                if chunk.len() != self.chunks[number].entry.samples as usize {
                    return Err(OTHER_NUMBER.to_owned());
                }
                self.read.truncate(CHUNKS - 1);
                self.read.push_front((number, chunk));
            }
        }
        match self.read.front_mut() {
            Some((_, chunk)) => Ok(chunk),
            None => Err("it was not decoded".to_owned()),
        }
    }

    fn decode(&mut self, number: usize) -> Result<Chunk, String> {
        let Place { file, entry } = self.chunks[number];
        if entry.format > FORMAT {
            return Err("a newer xenscope wrote it; update xenscope".to_owned());
        }
        let key = self.key(file, &entry)?;
        self.files[file].data(&entry, |data| {
            // Without SQLite, the key of this ID is also found.
            if entry.id == entry.key && key_tree(data).is_ok() {
                return Err("it is a key".to_owned());
            }
            let bytes = decompressed(data).map_err(|error| error.to_string())?;
            let chunk = Chunk::decode(bytes, Arc::clone(&key));
            chunk.map_err(|why| why.to_string())
        })
    }

    /// Returns the tree of a key.
    fn key(&mut self, file: usize, entry: &Entry) -> Result<Arc<Tree>, String> {
        let id = entry.key;
        if let Some((of, tree)) = &self.key
            && *of == (file, id)
        {
            return Ok(Arc::clone(tree));
        }
        let tree = self.files[file].key(entry, key_tree);
        let tree = Arc::new(tree.map_err(|why| format!("its key: {why}"))?);
        self.key = Some(((file, id), Arc::clone(&tree)));
        Ok(tree)
    }
}

/// Returns where these chunks of a file are.
fn places(file: usize, entries: Vec<Entry>) -> impl Iterator<Item = Place> {
    entries.into_iter().map(move |entry| Place { file, entry })
}

/// Returns a time of the index as reports have it.
fn shown(ns: i64) -> String {
    match Timestamp::from_nanosecond(ns.into()) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => "an unknown time".to_owned(),
    }
}

/// Opens a file, or those of a folder, the oldest first. Also returns their chunks.
fn files_of(path: &Path, report: fn(&str)) -> Result<Vec<(Readable, Vec<Entry>)>, RecordingError> {
    if !path.is_dir() {
        return Ok(vec![Readable::open(path.to_owned(), report)?]);
    }
    let mut files = Vec::new();
    for damaged in damaged::all(path)? {
        match Readable::open(damaged.path, report) {
            Ok(file) => files.push(file),
            Err(error) => report(&error.to_string()),
        }
    }
    match Readable::open(path.join(FILE), report) {
        Ok(file) => files.push(file),
        Err(RecordingError::Io { error, .. })
            if files.is_empty() && error.kind() == ErrorKind::NotFound =>
        {
            return Err(RecordingError::Nothing {
                path: path.to_owned(),
            });
        }
        Err(error) if files.is_empty() => return Err(error),
        Err(error) => report(&error.to_string()),
    }
    Ok(files)
}

/// Decodes a key.
fn key_tree(bytes: &[u8]) -> Result<Tree, String> {
    let bytes = decompressed(bytes).map_err(|error| error.to_string())?;
    let mut tree = Tree::new();
    let key = Part::decode(&bytes, &mut tree);
    let applied = key.and_then(|key| key.apply(0, &mut tree));
    applied.map_err(|why| why.to_string())?;
    // A chunk has no whole snapshot, so it is no key.
    tree.time().map_err(|why| why.to_string())?;
    Ok(tree)
}

impl Samples for Recording {
    fn count(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    fn read_new(&mut self) {
        let Some(file) = self.files.len().checked_sub(1) else {
            return;
        };
        let mut last = self.chunks.iter().rev();
        let last = last.find(|place| place.file == file);
        match self.files[file].after(last.map_or(i64::MIN, |place| place.entry.id)) {
            Ok(entries) => {
                self.chunks.extend(places(file, entries));
                self.check_index();
                self.count_chunks();
            }
            Err(error) if !mem::replace(&mut self.says_unreadable, true) => {
                (self.report)(&error.to_string());
            }
            Err(_) => {}
        }
    }

    fn get(&mut self, position: usize) -> Option<Arc<Snapshot>> {
        let (chunk, within) = self.place(position)?;
        if let Some((_, snapshot)) = self.snapshots.iter().find(|(of, _)| *of == position) {
            return Some(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(self.of_sample(chunk, within, Tree::snapshot)?);
        self.snapshots.truncate(SNAPSHOTS - 1);
        self.snapshots.push_front((position, Arc::clone(&snapshot)));
        Some(snapshot)
    }

    fn pcpu_times(&mut self, position: usize) -> Option<PcpuTimes> {
        let (chunk, within) = self.place(position)?;
        self.of_sample(chunk, within, Tree::pcpu_times)
    }

    fn up_to(&mut self, time: Timestamp) -> Option<usize> {
        self.newest(time)
    }

    fn first_in(&mut self, times: RangeInclusive<Timestamp>) -> Option<usize> {
        (0..self.chunks.len()).find_map(|number| self.in_chunk(number, &times)?.next())
    }

    fn last_in(&mut self, times: RangeInclusive<Timestamp>) -> Option<usize> {
        let mut numbers = (0..self.chunks.len()).rev();
        numbers.find_map(|number| self.in_chunk(number, &times)?.next_back())
    }

    fn times(&self) -> Vec<Times> {
        self.readable_times()
    }
}
