//! `xenscope record --export`

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use xenscope::anonymous::Anonymizer;
use xenscope::feed::Feed;
use xenscope::recording::{Recorder, is_of_recorder, is_part_of};

use super::past;
use crate::cli::{RECORDINGS, Record};
use crate::exit::{NoSnapshot, Outcome, WrongUsage, cannot};

pub(super) fn run(options: &Record) -> anyhow::Result<Outcome> {
    let Some(file) = &options.export else {
        return Ok(Outcome::Done);
    };
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    // Both are replaced.
    for file in [file, &new] {
        check(file, options.span.from.as_deref())?;
    }
    let written = write(options, &new);
    let renamed = written.and_then(|()| {
        fs::rename(&new, file).map_err(cannot("write the copy"))?;
        Ok(())
    });
    if renamed.is_err() {
        let _ = remove(&new);
    }
    renamed.map(|()| Outcome::Done)
}

/// Checks that the copy replaces no recording that is read or written.
fn check(file: &Path, from: Option<&Path>) -> Result<(), WrongUsage> {
    let is = match file {
        file if is_part_of(file, from.unwrap_or(Path::new(RECORDINGS))) => {
            "is the recording itself"
        }
        file if is_of_recorder(file) => "belongs to a recorder",
        _ => return Ok(()),
    };
    let file = file.display();
    Err(WrongUsage(format!(
        "{file} {is}; give another file to --export"
    )))
}

/// Removes a copy that is not whole, with what SQLite wrote beside it.
fn remove(new: &Path) -> io::Result<()> {
    for beside in ["", "-wal", "-shm", "-journal"] {
        let mut name = new.as_os_str().to_owned();
        name.push(beside);
        match fs::remove_file(Path::new(&name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Makes an empty file that only its owner reads, because a recording has the names of all domains. Follows no link.
fn create(new: &Path) -> io::Result<()> {
    remove(new)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(new)?;
    Ok(())
}

/// Copies the snapshots of the span to a new file.
fn write(options: &Record, new: &Path) -> anyhow::Result<()> {
    let span = &options.span;
    let mut feed = past::within(span)?;
    past::say_what_is_missing(&mut feed, span);
    let mut anonymizer = options.anonymise.then(Anonymizer::default);
    let mut next = feed.next()?.ok_or(NoSnapshot)?;
    create(new).map_err(cannot("write the copy"))?;
    let mut copy = Recorder::to_file(new)?;
    loop {
        match &mut anonymizer {
            Some(anonymizer) => copy.push(&Arc::new(anonymizer.replace(&next.newer))),
            None => copy.push(&next.newer),
        }?;
        match feed.next()? {
            Some(pair) => next = pair,
            None => break,
        }
    }
    past::say_other_times(&feed);
    Ok(copy.close()?)
}
