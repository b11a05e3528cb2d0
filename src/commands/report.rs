//! `xenscope report`

use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use xenscope::feed::{Feed, Pair, Recorded};
use xenscope::report::Report;
use xenscope::snapshot::Snapshot;
use xenscope::view::report;

use super::missing::Missing;
use super::output::{Output, replace};
use super::past;
use crate::cli;
use crate::exit::{NoSnapshot, Outcome, cannot, complain};

/// How long a report is of, unless the user says from when on.
const USUAL: SignedDuration = SignedDuration::from_hours(1);

/// How often the progress is shown.
const SHOWN: Duration = Duration::from_millis(500);

pub(super) fn run(options: &cli::Report, out: &mut Output<'_>) -> anyhow::Result<Outcome> {
    let span = &options.span;
    let mut feed = past::all(span)?.at_end();
    let newest = newest(&mut feed, span.until)?;
    let end = past::until_now(span).unwrap_or(newest);
    let usual = || newest.saturating_sub(USUAL).unwrap_or(Timestamp::MIN);
    let since = span.since.unwrap_or_else(usual);
    let mut feed = feed.between(Some(since), Some(end));
    let Some(first) = feed.next()? else {
        return Err(past::nothing(&feed, span.since, span.until));
    };
    let mut found = Report::new(&first, feed.before(), (since, end), options.domains.clone());
    let mut missing = Missing::of(&options.domains);
    missing.look_in(&first.newer);
    read(&mut feed, &mut found, end, |snapshot| {
        missing.look_in(snapshot)
    })?;
    found.finish(feed.left_out());
    past::say_other_times(&feed);
    let outcome = missing.report();
    if missing.is_all() {
        return Ok(outcome);
    }
    if found.measured() == 0 {
        let few = match found.samples() {
            1 => "only one sample was",
            _ => "no two samples of one boot were",
        };
        complain(format_args!(
            "{few} recorded in that time; a report needs two"
        ));
        return Ok(Outcome::Failed);
    }
    let page = report::page(&found, &TimeZone::system());
    if options.output == Path::new("-") {
        out.print(&page)?;
        return Ok(outcome);
    }
    replace(&options.output, &page).map_err(cannot("write the report"))?;
    Ok(outcome)
}

/// How far a clock may be ahead of this one, as that of another machine or one in local time.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Returns the time of the newest sample up to this time; without one, that of the last sample that was taken, if it is not
/// of the future, as samples are that are taken while the clock is far ahead.
fn newest(feed: &mut Recorded, until: Option<Timestamp>) -> anyhow::Result<Timestamp> {
    let soon = until.map_or_else(|| Timestamp::now().saturating_add(AHEAD), Ok)?;
    if until.is_none()
        && let Some(last) = feed.end_of(Timestamp::MIN).filter(|&last| last <= soon)
    {
        return Ok(last);
    }
    if let Some(pair) = feed.go_to(soon)? {
        return Ok(pair.newer.time);
    }
    match until {
        Some(until) => Ok(until),
        None => Ok(feed.look()?.ok_or(NoSnapshot)?.time),
    }
}

/// Reads all that follows up to this time, and shows how far it is on a terminal. Calls `look` with each snapshot.
fn read(
    feed: &mut Recorded,
    report: &mut Report,
    end: Timestamp,
    mut look: impl FnMut(&Snapshot),
) -> anyhow::Result<()> {
    let is_seen = stderr().is_terminal();
    let mut shown = Instant::now();
    let mut has_shown = false;
    while let Some(pair) = feed.next()? {
        report.add(&pair);
        look(&pair.newer);
        if is_seen && shown.elapsed() > SHOWN {
            shown = Instant::now();
            has_shown = true;
            let begin = report.axis().begin();
            eprint!("\rreading {:.0} % ", progress(&pair, begin, end));
        }
    }
    if has_shown {
        eprint!("\r\x1b[K");
    }
    Ok(())
}

fn progress(pair: &Pair, begin: Timestamp, end: Timestamp) -> f64 {
    let [done, all] = [pair.newer.time, end].map(|time| time.duration_since(begin).as_secs_f64());
    match all > 0.0 {
        true => (done / all * 100.0).clamp(0.0, 100.0),
        false => 100.0,
    }
}
