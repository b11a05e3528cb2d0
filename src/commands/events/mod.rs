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
use crate::exit::Outcome;
use writer::EventWriter;

/// How soon the next look comes after one that found something, where `--poll` is not shorter: what
/// happens often comes in numbers.
const SOON: Duration = Duration::from_millis(100);

/// How often to see whether anyone reads still.
const READER: Duration = Duration::from_secs(1);

/// What `xenscope events` collects.
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
    let writer = EventWriter::open(to, line)?;
    let mut history = History::default();
    let mut filter = Filter::new(options.domains.clone());
    let mut notes = Notes::default();
    let mut tells_existing = options.since_start;
    let mut looked = Instant::now();
    let mut next = match feed.look()? {
        Some(first) => Some(first),
        None => next_look(feed)?,
    };
    while let Some(snapshot) = next {
        notes.tell(&snapshot.notes);
        let happened = history.update(&snapshot);
        // The feed may use its memory again.
        drop(snapshot);
        let pause = match happened.is_empty() {
            true => options.poll,
            false => options.poll.min(SOON),
        };
        for event in filter.pass(happened) {
            if tells_existing || event.change != Change::Existing {
                writer.put(&event);
            }
        }
        // What exists after a boot is news.
        tells_existing = true;
        if !feed.is_live() {
            writer.flush();
        }
        // It ends without a word when its reader has gone, event or not.
        let due = looked + pause;
        loop {
            if writer.has_ended()? {
                return Ok(Outcome::Done);
            }
            let until = due.min(Instant::now() + READER);
            if feed.wait(until) || Instant::now() >= due {
                break;
            }
        }
        looked = Instant::now();
        next = next_look(feed)?;
    }
    Ok(Outcome::Done)
}

fn next_look(feed: &mut dyn Feed) -> Result<Option<Arc<Snapshot>>, Error> {
    Ok(feed.next()?.map(|pair| pair.newer))
}
