//! Writes a recording.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::age::{Clock, time_of_last};
use super::compress::compressed;
use super::error::{RecordingError, io_error};
use super::files::Files;
use super::group::Group;
use super::store::{Entry, FORMAT, NewChunk, index_time};
use crate::snapshot::{Boot, Snapshot};

/// The time from the first sample of a chunk until it is written: what is lost if the power fails.
pub(super) const CHUNK_NS: u64 = 10_000_000_000;

/// By how much a sample may be late, without the one before it ending the chunk.
const LATE_NS: u64 = 100_000_000;

/// The time from the key to the last chunk that needs it.
const GROUP_NS: u64 = 300_000_000_000;

/// How much a recording keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The age of the oldest sample.
    pub age: Duration,
    /// The size of the file in bytes.
    pub bytes: u64,
}

impl Limits {
    /// Keeps everything.
    pub const NONE: Self = Self {
        age: Duration::MAX,
        bytes: u64::MAX,
    };
}

/// Writes snapshots to a folder, and deletes the oldest ones. Only one recorder at a time has a folder.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    files: Files,
    limits: Limits,
    /// The wall-clock time of what was written before, see [`time_of_last`]; `None` if there was nothing.
    before: Option<i64>,
    /// `None` before the first sample.
    clock: Option<Clock>,
    next_id: i64,
    group: Group,
    /// The group's last sample; `None` if it has none.
    last: Option<Arc<Snapshot>>,
    /// The ID of the group's key: that of the chunk that was to be written first.
    key: i64,
    key_bytes: Vec<u8>,
    group_bytes: u64,
    /// Of the group's first sample.
    group_begun_ns: u64,
    /// Of the chunk's first sample.
    chunk_begun_ns: u64,
    /// Of the last sample; `None` before the first.
    last_ns: Option<u64>,
    /// The wall-clock times of the chunk's earliest and latest sample.
    span: Option<(i64, i64)>,
    boot: Option<Boot>,
}

impl Recorder {
    /// Opens the recording in a folder, and creates both if they do not exist. The folder is readable only by its owner
    /// if it is created. If the file is damaged, now or later, it is renamed, which `report` is called for, and another
    /// one is begun.
    ///
    /// # Errors
    /// If the folder cannot be written, if another recorder has it, or if the recording has a newer format.
    pub fn open(folder: &Path, limits: Limits, report: fn(&str)) -> Result<Self, RecordingError> {
        Self::of(folder, Files::in_folder(folder, report)?, limits)
    }

    /// Opens a file to write a recording to, which is then read as one file. Nobody else may write to it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn to_file(path: &Path) -> Result<Self, RecordingError> {
        Self::of(path, Files::one(path)?, Limits::NONE)
    }

    fn of(path: &Path, mut files: Files, limits: Limits) -> Result<Self, RecordingError> {
        let last = files.last()?;
        // If the recording was set aside, its file says when it was written: the clock may be wrong now.
        let set_aside_at = files.set_aside_at()?;
        Ok(Self {
            path: path.to_owned(),
            before: time_of_last(files.latest_times()?).or(set_aside_at),
            files,
            limits,
            clock: None,
            next_id: last.map_or(1, |last| last.id.saturating_add(1)),
            group: Group::new(),
            last: None,
            key: 0,
            key_bytes: Vec::new(),
            group_bytes: 0,
            group_begun_ns: 0,
            chunk_begun_ns: 0,
            last_ns: None,
            span: None,
            boot: None,
        })
    }

    /// Adds a snapshot, and writes all that were added since the last chunk if the first of them would be older than 10 s
    /// with the next one. Returns whether it has written.
    ///
    /// # Errors
    /// If they cannot be written. They are lost then; the next snapshot may be written.
    pub fn push(&mut self, snapshot: &Arc<Snapshot>) -> Result<bool, RecordingError> {
        let at_ns = snapshot.stamp.at_ns;
        let passed_ns = at_ns.saturating_sub(self.last_ns.replace(at_ns).unwrap_or(at_ns));
        let same_boot = self.boot.is_none_or(|boot| boot.is_same(&snapshot.boot));
        let group_is_full = at_ns.saturating_sub(self.group_begun_ns) >= GROUP_NS
            || self.group_bytes > self.limits.bytes / 4
            || self.group.has_large_tree();
        if !same_boot || (group_is_full && self.group.samples() == 0) {
            self.flush()?;
            self.new_group();
        }
        let begins = self.boot.is_none();
        if begins {
            self.group_begun_ns = at_ns;
        }
        if self.span.is_none() {
            self.chunk_begun_ns = at_ns;
        }
        let pushed = match &self.last {
            Some(last) => self.group.push_next(last, snapshot),
            None => self.group.push(&**snapshot),
        };
        if let Err(broken) = pushed {
            self.new_group();
            return Err(RecordingError::Unstorable(broken.0));
        }
        self.last = Some(Arc::clone(snapshot));
        if begins {
            self.boot = Some(snapshot.boot);
            self.key = self.next_id;
            self.key_bytes = self.compressed(Group::take_key)?;
        }
        let time = index_time(snapshot.time);
        let (earliest, latest) = self.span.unwrap_or((time, time));
        self.span = Some((earliest.min(time), latest.max(time)));
        // The next sample is probably as far from this one as this is from the one before.
        let next_ns = at_ns.saturating_add(passed_ns);
        let chunk_ns = next_ns.saturating_sub(self.chunk_begun_ns);
        let chunk_is_full = chunk_ns > CHUNK_NS + LATE_NS || self.group.is_full();
        if chunk_is_full {
            self.flush()?;
        }
        Ok(chunk_is_full)
    }

    /// Writes what was added, and ends the recording: all of it is in its file.
    ///
    /// # Errors
    /// As for [`Recorder::push`].
    pub fn close(mut self) -> Result<(), RecordingError> {
        self.flush()?;
        self.files.close()
    }

    /// Writes the snapshots that were added since the last chunk.
    ///
    /// # Errors
    /// As for [`Recorder::push`].
    pub fn flush(&mut self) -> Result<(), RecordingError> {
        let Some((earliest, latest)) = self.span.take() else {
            return Ok(());
        };
        let samples = self.group.samples();
        let data = self.compressed(Group::take_part)?;
        let entry = Entry {
            id: self.next_id,
            key: self.key,
            format: FORMAT,
            earliest,
            latest,
            samples,
        };
        let id_of_boot = self.boot.and_then(|boot| boot.dom0_boot_id);
        let boot = id_of_boot.map(|id| id.to_string());
        let new = NewChunk {
            entry,
            boot: boot.as_deref(),
            data: &data,
            key: &self.key_bytes,
        };
        let at_ns = self.last_ns.unwrap_or_default();
        let clock = self
            .clock
            .get_or_insert_with(|| Clock::new(self.before, at_ns));
        let now = clock.now(latest, at_ns);
        let age_ns = i64::try_from(self.limits.age.as_nanos()).unwrap_or(i64::MAX);
        let kept = now.saturating_sub(age_ns)..=now;
        self.files.append(&new, &kept, self.limits.bytes)?;
        self.group_bytes += data.len() as u64;
        self.next_id = self.next_id.saturating_add(1);
        Ok(())
    }

    /// Takes bytes from the group and compresses them.
    fn compressed(&mut self, take: fn(&mut Group) -> Vec<u8>) -> Result<Vec<u8>, RecordingError> {
        compressed(&take(&mut self.group)).map_err(|error| {
            self.new_group();
            io_error(&self.path, error)
        })
    }

    /// Begins a group. What the last one has not written is lost.
    fn new_group(&mut self) {
        self.group = Group::new();
        self.group_bytes = 0;
        (self.span, self.boot, self.last) = (None, None, None);
    }
}
