//! Files of a recording that were damaged, and are read as far as possible.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use jiff::Timestamp;

use super::error::{RecordingError, io_error};
use super::store::FILE;

/// What follows the name of the recording, before the time.
const DAMAGED: &str = ".damaged-";

/// What follows the names of files that belong to one of SQLite.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A file that was set aside.
#[derive(Debug)]
pub(super) struct Damaged {
    pub(super) path: PathBuf,
    /// The wall-clock time when it was written last, in nanoseconds since the epoch.
    pub(super) written: i64,
    bytes: u64,
}

impl Damaged {
    fn of(path: PathBuf) -> io::Result<Self> {
        let file = fs::metadata(&path)?;
        let written = file.modified()?.duration_since(UNIX_EPOCH);
        let written = written.unwrap_or_default().as_nanos();
        let others = BESIDE.map(|suffix| fs::metadata(beside(&path, suffix)));
        let others = others.into_iter().flatten().map(|file| file.len());
        Ok(Self {
            path,
            written: i64::try_from(written).unwrap_or(i64::MAX),
            bytes: file.len() + others.sum::<u64>(),
        })
    }

    fn delete(&self) -> io::Result<()> {
        remove_beside(&self.path)?;
        fs::remove_file(&self.path)
    }
}

/// Removes what SQLite has beside a file.
///
/// # Errors
/// If the folder cannot be written.
pub(super) fn remove_beside(path: &Path) -> io::Result<()> {
    for suffix in BESIDE {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Renames the recording, which is damaged. The time becomes a part of its name.
///
/// # Errors
/// If the folder cannot be written.
pub(super) fn set_aside(path: &Path, time: Timestamp) -> Result<PathBuf, RecordingError> {
    let time = time.strftime("%Y%m%dT%H%M%SZ");
    let mut to = beside(path, &format!("{DAMAGED}{time}"));
    for number in 2.. {
        if !to.exists() {
            break;
        }
        to = beside(path, &format!("{DAMAGED}{time}.{number}"));
    }
    for suffix in BESIDE {
        match fs::rename(beside(path, suffix), beside(&to, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(io_error(path, error));
            }
            _ => {}
        }
    }
    fs::rename(path, &to).map_err(|error| io_error(path, error))?;
    Ok(to)
}

/// Returns the files of a folder that were set aside, the oldest first.
///
/// # Errors
/// If the folder cannot be read.
pub(super) fn all(folder: &Path) -> Result<Vec<Damaged>, RecordingError> {
    let read = || {
        let mut files = Vec::new();
        for file in fs::read_dir(folder)? {
            let file = file?;
            let name = file.file_name();
            let name = name.to_string_lossy();
            let is_damaged = name
                .strip_prefix(FILE)
                .is_some_and(|rest| rest.starts_with(DAMAGED));
            if is_damaged && !BESIDE.iter().any(|suffix| name.ends_with(suffix)) {
                match Damaged::of(file.path()) {
                    Ok(damaged) => files.push(damaged),
                    // The recorder has deleted it meanwhile.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        files.sort_unstable_by(|one, other| {
            (one.written, &one.path).cmp(&(other.written, &other.path))
        });
        Ok(files)
    };
    read().map_err(|error| io_error(folder, error))
}

/// Deletes those that were written last before `oldest`, and the oldest ones if all have more than `max_bytes`, and reports
/// it. Returns how many bytes are left.
///
/// # Errors
/// If the folder cannot be read or written.
pub(super) fn keep(
    folder: &Path,
    oldest: i64,
    max_bytes: u64,
    report: fn(&str),
) -> Result<u64, RecordingError> {
    let files = all(folder)?;
    let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
    for file in files {
        let path = &file.path;
        let why = match () {
            () if file.written < oldest => "it is too old",
            () if bytes > max_bytes => "there is no room for it",
            () => continue,
        };
        file.delete().map_err(|error| io_error(path, error))?;
        bytes -= file.bytes;
        report(&format!("{} is deleted: {why}", path.display()));
    }
    Ok(bytes)
}

/// Returns whether a file is the recording of its folder, one that was set aside, or one that SQLite has beside these.
pub(super) fn has_name_of_recording(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let rest = name.as_deref().and_then(|name| name.strip_prefix(FILE));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(DAMAGED) || BESIDE.contains(&rest))
}

/// Returns whether a file is one that SQLite has beside this one.
pub(super) fn is_beside(path: &Path, file: &Path) -> bool {
    BESIDE.iter().any(|suffix| beside(file, suffix) == path)
}

/// Returns a path with more at its end.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
