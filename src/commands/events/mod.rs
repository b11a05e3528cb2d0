//! `xenscope events`

mod writer;

use std::io::Write;
use std::time::{Duration, Instant};

use signal_hook::low_level::emulate_default_handler;
use xenscope::events::{Change, Event, Filter, History};
use xenscope::feed::Feed;
use xenscope::snapshot::Collect;
use xenscope::view::{events, json};

use super::follow::Follow;
use super::missing::Missing;
use super::output::Notes;
use super::signals::{self, End};
use crate::cli::{EventFormat, Events};
use crate::exit::{Cannot, NoSnapshot, Outcome, cannot};
use writer::EventWriter;

/// The time to the next sample after one that found events, if `--poll` is not shorter. More events
/// often follow soon.
const SOON: Duration = Duration::from_millis(100);

/// Returns what `xenscope events` collects.
pub(super) fn collect() -> Collect {
    Collect {
        names: true,
        targets: true,
        scheduling: true,
        nics: true,
        disks: true,
        driver_domains: true,
        ..Collect::default()
    }
}

pub(super) fn run(
    options: &Events,
    feed: &mut dyn Feed,
    to: impl Write + Send + 'static,
) -> anyhow::Result<Outcome> {
    let line: fn(&Event) -> String = match options.format {
        EventFormat::Text if options.all => events::line_with_uuid,
        EventFormat::Text => events::line,
        EventFormat::Json => json::event,
    };
    let flush_limit = match feed.is_live() {
        true => signals::TIMEOUT,
        false => Duration::MAX,
    };
    let mut follow = Follow::start(feed, &signals::ENDING)?;
    let writer = EventWriter::open(to, line, follow.feed.watches());
    let mut reporter = Reporter {
        writer: writer.map_err(cannot("start a thread"))?,
        history: History::default(),
        filter: Filter::new(options.domains.clone()),
        print_existing: options.since_start,
        missing: Missing::of(&options.domains),
    };
    let followed = reporter.follow(&mut follow, options.poll, flush_limit);
    // Whatever has ended it, all that is known is written.
    let held = reporter.history.finish();
    reporter.put(held);
    reporter.writer.flush(flush_limit);
    followed?;
    let at_end = !reporter.has_ended()?;
    if let Some(End::Signal(signal)) = follow.end() {
        emulate_default_handler(signal).map_err(cannot("end by a signal"))?;
    }
    match at_end && !follow.feed.is_live() {
        true => Ok(reporter.missing.report()),
        false => Ok(Outcome::Done),
    }
}

/// Finds events and writes them.
struct Reporter<'a> {
    writer: EventWriter,
    history: History,
    filter: Filter,
    print_existing: bool,
    missing: Missing<'a>,
}

impl Reporter<'_> {
    /// Writes the events of all samples, until there is a reason to end.
    fn follow(
        &mut self,
        follow: &mut Follow<'_>,
        poll: Duration,
        flush_limit: Duration,
    ) -> anyhow::Result<()> {
        let mut notes = Notes::default();
        let mut sampled = Instant::now();
        let mut next = match follow.feed.look()? {
            Some(first) => Some(first),
            None => follow.next()?.map(|pair| pair.newer),
        };
        if next.is_none() && !follow.feed.is_live() {
            return Err(NoSnapshot.into());
        }
        if let Some(before) = follow.feed.before() {
            let existing = self.history.begin(&before);
            self.put(existing);
            self.print_existing = true;
        }
        while let Some(snapshot) = next {
            notes.report(&snapshot.notes);
            self.missing.look_in(&snapshot);
            let happened = self.history.update(&snapshot);
            let mut due = match happened.is_empty() {
                true => sampled + poll,
                false => sampled + poll.min(SOON),
            };
            if let Some(until_ns) = self.history.held_until_ns() {
                let held_ns = until_ns.saturating_sub(snapshot.stamp.at_ns);
                due = due.min(Instant::now() + Duration::from_nanos(held_ns));
            }
            // The feed may reuse its memory.
            drop(snapshot);
            self.put(happened);
            // After another boot, existing domains are always printed.
            self.print_existing = true;
            if !follow.feed.is_live() {
                self.writer.flush(flush_limit);
            }
            while !self.has_ended()? && follow.end().is_none() && Instant::now() < due {
                if follow.feed.wait(due) {
                    break;
                }
            }
            if self.has_ended()? {
                break;
            }
            sampled = Instant::now();
            next = follow.next()?.map(|pair| pair.newer);
        }
        Ok(())
    }

    /// Queues the events that pass the filter.
    fn put(&mut self, events: Vec<Event>) {
        for event in self.filter.pass(events) {
            // It may be of a domain that no sample of the span has.
            if let Some(domain) = event.domain {
                self.missing.saw(domain, event.name.as_deref());
            }
            if self.print_existing || event.change != Change::Existing {
                self.writer.put(&event);
            }
        }
    }

    /// Returns whether the reader has closed the output.
    fn has_ended(&self) -> Result<bool, Cannot> {
        self.writer.has_ended().map_err(cannot("write the output"))
    }
}
