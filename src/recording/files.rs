//! The files that a recorder writes.
//!
//! A file that is damaged is set aside under another name, and another one is begun.

use std::fs::{DirBuilder, File};
use std::ops::RangeInclusive;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::damaged;
use super::error::{RecordingError, io_error};
use super::store::{Appended, Entry, FILE, FileId, NewChunk, Store};

/// The name of the file that a recorder locks.
const LOCK: &str = "lock";

/// A folder of recordings that nobody else writes to.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    lock: Flock<File>,
    report: fn(&str),
}

impl Folder {
    /// Creates the folder if it does not exist, and locks it.
    fn lock(path: &Path, report: fn(&str)) -> Result<Self, RecordingError> {
        let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
        created.map_err(|error| io_error(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            lock: lock(path)?,
            report,
        })
    }

    /// Returns whether the file that it has locked is still the one that another recorder would lock.
    fn is_locked(&self) -> bool {
        FileId::of(self.lock.metadata()).is_at(&self.path.join(LOCK))
    }
}

/// A file that is written, and those that were before.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    /// `None` if the file was set aside, and another one cannot be written.
    store: Option<Store>,
    /// `None` if it is one file, which is not set aside.
    folder: Option<Folder>,
    /// The wall-clock time when something was wrong with the disk last, in nanoseconds since the epoch.
    trouble_at: Option<i64>,
}

/// If the disk had room for so long, it is said again that it is full: an hour.
const LONG_NS: i64 = 3_600_000_000_000;

impl Files {
    /// Opens the recording in a folder, and creates both if they do not exist. `report` is called if a file is set aside.
    ///
    /// # Errors
    /// If the folder cannot be written, if another recorder has it, or if the recording has a newer format.
    pub(super) fn in_folder(path: &Path, report: fn(&str)) -> Result<Self, RecordingError> {
        let mut files = Self {
            path: path.join(FILE),
            store: None,
            folder: Some(Folder::lock(path, report)?),
            trouble_at: None,
        };
        match files.last().and_then(|_| files.latest_times()) {
            Err(error) if error.is_damage() => files.set_aside(&error)?,
            read => drop(read?),
        }
        Ok(files)
    }

    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn one(path: &Path) -> Result<Self, RecordingError> {
        Ok(Self {
            path: path.to_owned(),
            store: Some(Store::create(path.to_owned())?),
            folder: None,
            trouble_at: None,
        })
    }

    /// Returns the last chunk of the file; `None` if there is none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn last(&mut self) -> Result<Option<Entry>, RecordingError> {
        self.store()?.last()
    }

    /// Returns the latest times of the file's last chunks, the newest one first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn latest_times(&mut self) -> Result<Vec<i64>, RecordingError> {
        self.store()?.latest_times()
    }

    /// Returns the wall-clock time when a file that was set aside was written last, in nanoseconds since the epoch; `None`
    /// if there is none.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(super) fn set_aside_at(&self) -> Result<Option<i64>, RecordingError> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let files = damaged::all(&folder.path)?;
        Ok(files.iter().map(|file| file.written).max())
    }

    /// Returns the file that is written, which it creates if there is none.
    ///
    /// # Errors
    /// As for [`Store::create`].
    fn store(&mut self) -> Result<&mut Store, RecordingError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::create(self.path.clone())?,
        };
        Ok(self.store.insert(store))
    }

    /// Appends a chunk, as [`Store::append`] does. If the file is damaged or was removed, it appends to another one. Deletes
    /// files that were set aside if they are too old, or if all together have more than `max_bytes`.
    ///
    /// # Errors
    /// If nothing was written. If another recorder has the folder meanwhile, because the files were removed, that is
    /// [`RecordingError::InUse`].
    pub(super) fn append(
        &mut self,
        chunk: &NewChunk<'_>,
        kept: &RangeInclusive<i64>,
        max_bytes: u64,
    ) -> Result<(), RecordingError> {
        self.leave_removed()?;
        match self.try_append(chunk, kept, max_bytes) {
            Err(error) if self.folder.is_some() && error.is_damage() => {
                self.set_aside(&error)?;
                self.try_append(chunk, kept, max_bytes)
            }
            appended => appended,
        }
    }

    fn try_append(
        &mut self,
        chunk: &NewChunk<'_>,
        kept: &RangeInclusive<i64>,
        max_bytes: u64,
    ) -> Result<(), RecordingError> {
        let needed = self.store()?.bytes_with(chunk)?;
        let left = max_bytes.saturating_sub(needed);
        let aside = match &self.folder {
            Some(folder) => damaged::keep(&folder.path, *kept.start(), left, folder.report)?,
            None => 0,
        };
        let max_bytes = max_bytes.saturating_sub(aside);
        let Appended { is_short, stuck } = self.store()?.append(chunk, kept, max_bytes)?;
        if is_short {
            let path = self.path.display();
            self.say(
                *kept.end(),
                &format!("{path}: the disk is full; the oldest samples are deleted for new ones"),
            );
        }
        if let Some(why) = stuck {
            self.say(
                *kept.end(),
                &format!("{why}; {}-wal grows", self.path.display()),
            );
        }
        Ok(())
    }

    /// Reports what is wrong with the disk, once for as long as it is.
    fn say(&mut self, now: i64, what: &str) {
        let last = self.trouble_at.replace(now);
        let is_new = last.is_none_or(|last| now.saturating_sub(last) >= LONG_NS);
        if let Some(folder) = self.folder.as_ref().filter(|_| is_new) {
            (folder.report)(what);
        }
    }

    /// Locks the folder again if the lock was removed. Closes the file if it was removed, and reports it.
    fn leave_removed(&mut self) -> Result<(), RecordingError> {
        let Some(folder) = &mut self.folder else {
            return Ok(());
        };
        if !folder.is_locked() {
            *folder = Folder::lock(&folder.path, folder.report)?;
        }
        if self
            .store
            .as_ref()
            .is_some_and(|store| !store.is_in_place())
        {
            self.store = None;
            // What SQLite had beside it belongs to the file that is gone, unless another one was put in its place.
            if !self.path.exists() {
                damaged::remove_beside(&self.path).map_err(|error| io_error(&self.path, error))?;
            }
            let path = self.path.display();
            (folder.report)(&format!("{path}: it was removed; a new one is begun"));
        }
        Ok(())
    }

    /// Renames the file, and reports it.
    fn set_aside(&mut self, why: &RecordingError) -> Result<(), RecordingError> {
        // It is closed before: that deletes files by their names.
        self.store = None;
        if let Some(folder) = &self.folder {
            let path = damaged::set_aside(&self.path, Timestamp::now())?;
            let path = path.display();
            (folder.report)(&format!("{why}; it is now {path}, and a new one is begun"));
        }
        Ok(())
    }

    /// Ends the writing so that all is in one file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn close(self) -> Result<(), RecordingError> {
        self.store.map_or(Ok(()), Store::close)
    }
}

/// Returns whether a path is a file of the recording in this folder or file, or one that is read with it.
pub fn is_part_of(path: &Path, recording: &Path) -> bool {
    let (Ok(path), Ok(recording)) = (path.canonicalize(), recording.canonicalize()) else {
        return false;
    };
    let is_in_folder =
        path.parent() == Some(recording.as_path()) && damaged::has_name_of_recording(&path);
    let is_in_its_place = recording.join(FILE).canonicalize().ok().as_ref() == Some(&path);
    path == recording || damaged::is_beside(&path, &recording) || is_in_folder || is_in_its_place
}

/// Returns whether this is a file of a folder that a recorder writes to, or has written to.
pub fn is_of_recorder(path: &Path) -> bool {
    damaged::has_name_of_recording(path) && path.with_file_name(LOCK).exists()
}

/// Locks the folder until the file is closed.
fn lock(folder: &Path) -> Result<Flock<File>, RecordingError> {
    let path = folder.join(LOCK);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| io_error(&path, error))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => RecordingError::InUse {
            path: folder.to_owned(),
        },
        errno => io_error(&path, errno.into()),
    })
}
