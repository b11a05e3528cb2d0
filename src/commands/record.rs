//! `xenscope record`

use signal_hook::low_level::emulate_default_handler;
use xenscope::feed::Feed;
use xenscope::recording::{Limits, Recorder, RecordingError};
use xenscope::snapshot::Collect;

use super::follow::Follow;
use super::output::Notes;
use super::signals::{ENDING, End};
use crate::cli::Record;
use crate::exit::{Outcome, cannot, complain};

/// Returns what `xenscope record` collects.
pub(super) fn collect(options: &Record) -> Collect {
    Collect {
        vcpus: options.vcpus || options.audit,
        affinities: options.vcpus || options.audit,
        scheduling: options.ready || options.audit,
        paging_pools: options.audit,
        state_times: options.ready,
        audit_inputs: options.audit,
        ..Collect::ALL
    }
}

/// Opens the folder.
///
/// # Errors
/// Those of [`Recorder::open`].
pub(super) fn open(options: &Record) -> Result<Recorder, RecordingError> {
    let limits = Limits {
        age: options.keep,
        bytes: options.max_size,
    };
    Recorder::open(&options.dir, limits, |text| complain(text))
}

pub(super) fn run(recorder: &mut Recorder, feed: &mut dyn Feed) -> anyhow::Result<Outcome> {
    let mut notes = Notes::default();
    let mut is_first = true;
    let mut failed = false;
    let mut follow = Follow::without_output(feed, &ENDING)?;
    let followed: anyhow::Result<()> = 'samples: loop {
        let pair = match follow.next() {
            Ok(Some(pair)) => pair,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.into()),
        };
        let before = pair.older.as_ref().filter(|_| is_first);
        for snapshot in before.into_iter().chain([&pair.newer]) {
            notes.report(&snapshot.notes);
            if let Err(error) = go_on(recorder.push(snapshot), &mut failed) {
                break 'samples Err(error.into());
            }
        }
        // The next sample may be a day away.
        if std::mem::take(&mut is_first)
            && let Err(error) = go_on(recorder.flush().map(|()| true), &mut failed)
        {
            break Err(error.into());
        }
    };
    let written = recorder.flush();
    // A trace has to be switched off before the end.
    follow.feed.collect(Collect::NOTHING);
    followed?;
    written?;
    if let Some(End::Signal(signal)) = follow.end() {
        emulate_default_handler(signal).map_err(cannot("end by a signal"))?;
    }
    Ok(Outcome::Done)
}

/// Says that samples could not be written, once for as long as it lasts: a chunk is written every ten seconds. `written`
/// is whether a chunk was.
///
/// # Errors
/// If another recorder has the folder.
fn go_on(written: Result<bool, RecordingError>, failed: &mut bool) -> Result<(), RecordingError> {
    match written {
        Ok(true) => *failed = false,
        Ok(false) => {}
        Err(error @ RecordingError::InUse { .. }) => return Err(error),
        Err(error) if !*failed => {
            complain(format_args!("{error}; samples are lost, trying again"));
            *failed = true;
        }
        Err(_) => {}
    }
    Ok(())
}
