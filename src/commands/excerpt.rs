//! `xenscope record --export`

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use xenscope::anonymous::Anonymizer;
use xenscope::feed::Feed;
use xenscope::recording::Recorder;

use super::past;
use crate::cli::Record;
use crate::exit::{NoSnapshot, Outcome, cannot};

pub(super) fn run(options: &Record) -> anyhow::Result<Outcome> {
    let Some(file) = &options.export else {
        return Ok(Outcome::Done);
    };
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
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
    let mut feed = past::all(span)?.between(span.since, span.until);
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
    Ok(copy.close()?)
}
