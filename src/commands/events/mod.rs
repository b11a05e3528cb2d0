//! `xenscope events`

mod writer;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use xenscope::events::{Change, Event, Filter, History};
use xenscope::feed::Feed;
use xenscope::snapshot::{Collect, Snapshot};
use xenscope::view::{events, json};
use xenscope::xen::Error;

use super::output::Notes;
use crate::cli::{EventFormat, Events};
use crate::exit::{Outcome, cannot};
use writer::EventWriter;

/// The time to the next sample after one that found events, if `--poll` is not shorter. More events
/// often follow soon.
const SOON: Duration = Duration::from_millis(100);

/// How often to check whether the reader has closed the output.
const READER_CHECK: Duration = Duration::from_secs(1);

/// Returns what `xenscope events` collects.
pub(super) fn collect() -> Collect {
    Collect {
        names: true,
        targets: true,
        nics: true,
        disks: true,
        ..Collect::default()
    }
}

pub(super) fn run(
    options: &Events,
    feed: &mut dyn Feed,
    to: impl Write + Send + 'static,
) -> anyhow::Result<Outcome> {
    let line: fn(&Event) -> String = match options.format {
        EventFormat::Text => events::line,
        EventFormat::Json => json::event,
    };
    let writer = EventWriter::open(to, line).map_err(cannot("start a thread"))?;
    let mut history = History::default();
    let mut filter = Filter::new(options.domains.clone());
    let mut notes = Notes::default();
    let mut print_existing = options.since_start;
    let mut sampled = Instant::now();
    let mut next = match feed.look()? {
        Some(first) => Some(first),
        None => next_snapshot(feed)?,
    };
    while let Some(snapshot) = next {
        notes.report(&snapshot.notes);
        let happened = history.update(&snapshot);
        // The feed may reuse its memory.
        drop(snapshot);
        let pause = match happened.is_empty() {
            true => options.poll,
            false => options.poll.min(SOON),
        };
        for event in filter.pass(happened) {
            if print_existing || event.change != Change::Existing {
                writer.put(&event);
            }
        }
        // After another boot, existing domains are always printed.
        print_existing = true;
        if !feed.is_live() {
            writer.flush();
        }
        // If the reader has closed the output, this ends without a message, even without an event.
        let due = sampled + pause;
        loop {
            if writer.has_ended().map_err(cannot("write the output"))? {
                return Ok(Outcome::Done);
            }
            let until = due.min(Instant::now() + READER_CHECK);
            if feed.wait(until) || Instant::now() >= due {
                break;
            }
        }
        sampled = Instant::now();
        next = next_snapshot(feed)?;
    }
    Ok(Outcome::Done)
}

/// Returns the feed's next snapshot; `None` at its end.
fn next_snapshot(feed: &mut dyn Feed) -> Result<Option<Arc<Snapshot>>, Error> {
    Ok(feed.next()?.map(|pair| pair.newer))
}
