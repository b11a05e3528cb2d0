//! `xenscope events`

mod outlet;

use std::thread::sleep;
use std::time::{Duration, Instant};

use xenscope::events::{Change, Event, Filter, History};
use xenscope::snapshot::Collect;
use xenscope::source::Source;
use xenscope::view::{events, json};

use super::Notes;
use crate::cli::{EventFormat, Events};
use outlet::Outlet;

/// How soon the next look comes after one that found something, where `--poll` is not shorter: what
/// happens often comes in numbers.
const SOON: Duration = Duration::from_millis(100);

/// How long two looks are apart at least, however often XenStore's watches fire.
const APART: Duration = Duration::from_millis(50);

/// How often to see whether anyone reads still.
const READER: Duration = Duration::from_secs(1);

pub(crate) fn run(options: &Events, allow_untested: bool) -> anyhow::Result<()> {
    let collect = Collect {
        names: true,
        targets: true,
        nics: true,
        disks: true,
        ..Collect::default()
    };
    let line: fn(&Event) -> String = match options.format {
        EventFormat::Text => events::line,
        EventFormat::Json => json::event,
    };
    let mut source = Source::open(collect, allow_untested)?;
    source.watch();
    let outlet = Outlet::open(line)?;
    let mut history = History::default();
    let mut filter = Filter::new(options.domains.clone());
    let mut notes = Notes::default();
    loop {
        let looked = Instant::now();
        let snapshot = source.sample()?;
        notes.tell(&snapshot.notes);
        let happened = history.update(&snapshot);
        let pause = match happened.is_empty() {
            true => options.poll,
            false => options.poll.min(SOON),
        };
        for event in filter.pass(happened) {
            if options.since_start || event.change != Change::Existing {
                outlet.put(&event);
            }
        }
        // It ends without a word when its reader has gone, event or not.
        let next = looked + pause;
        loop {
            if outlet.has_ended()? {
                return Ok(());
            }
            let until = next.min(Instant::now() + READER);
            if source.wait(until) {
                sleep((looked + APART).saturating_duration_since(Instant::now()));
                break;
            }
            if Instant::now() >= next {
                break;
            }
        }
    }
}
