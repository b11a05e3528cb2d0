//! The feed of a command that looks back.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use xenscope::feed::{Feed, Recorded};
use xenscope::moment;
use xenscope::recording::{Recording, RecordingError, USUAL};

use crate::cli::{Moment, RECORDINGS, Span};
use crate::exit::{NoSnapshot, NothingRecorded, Outcome, WrongUsage, complain};

/// Says how many samples were left out, if any, and why.
pub(super) fn say_left_out(count: usize, why: &str) {
    match count {
        0 => {}
        1 => complain(format_args!("1 sample is left out: {why}")),
        _ => complain(format_args!("{count} samples are left out: {why}")),
    }
}

/// Says how many samples a feed has passed over that are of other times than its span.
pub(super) fn say_other_times(feed: &Recorded) {
    say_left_out(feed.left_out(), "by their clock, they are not of that time");
}

/// Reads a feed of a span, and then says how many samples it has passed over.
pub(super) fn look_through(
    mut feed: Recorded,
    read: impl FnOnce(&mut Recorded) -> anyhow::Result<Outcome>,
) -> anyhow::Result<Outcome> {
    let outcome = read(&mut feed);
    say_other_times(&feed);
    outcome
}

/// Returns the feed at the moment that was asked for; `None` if that is now. Says when the snapshot was taken.
pub(super) fn at(moment: &Moment) -> anyhow::Result<Option<Recorded>> {
    if !moment.is_past() {
        return Ok(None);
    }
    let mut feed = Recorded::of(open(moment.from.as_deref())?);
    match moment.at {
        Some(time) => drop(feed.go_to(time)?),
        None => feed = feed.at_end(),
    }
    let Some(snapshot) = feed.look()? else {
        return Err(nothing(&feed, None, moment.at));
    };
    let time = moment::local(snapshot.time);
    let gap = moment.at.map(|at| at.duration_since(snapshot.time));
    match gap.filter(|&gap| gap > USUAL) {
        Some(gap) => {
            let gap = moment::lasted(gap);
            complain(format_args!(
                "as recorded at {time}, {gap} before that: nothing was recorded in between"
            ));
        }
        None => complain(format_args!("as recorded at {time}")),
    }
    Ok(Some(feed))
}

/// Returns the feed of the span of time that was asked for; `None` if that is from now on.
pub(super) fn between(span: &Span) -> anyhow::Result<Option<Recorded>> {
    if !span.is_past() {
        return Ok(None);
    }
    let mut feed = within(span)?;
    say_what_is_missing(&mut feed, span);
    Ok(Some(feed))
}

/// Returns the feed of the span of time that was asked for.
///
/// # Errors
/// As for [`all`], or if nothing was recorded in that time.
pub(super) fn within(span: &Span) -> anyhow::Result<Recorded> {
    let feed = all(span)?.between(span.since, span.until);
    match feed.is_empty() {
        true => Err(nothing(&feed, span.since, span.until)),
        false => Ok(feed),
    }
}

/// Returns the error that nothing was recorded in a span of time.
pub(super) fn nothing(
    feed: &Recorded,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> anyhow::Error {
    let asked = match (since.map(moment::local), until.map(moment::local)) {
        (Some(since), Some(until)) => format!("from {since} to {until}"),
        (Some(since), None) => format!("from {since} on"),
        (None, Some(until)) => format!("up to {until}"),
        (None, None) => return NoSnapshot.into(),
    };
    let whole = feed.coverage(Timestamp::MIN..=Timestamp::MAX, USUAL);
    let recorded = whole.map_or("the recording is empty".to_owned(), |whole| {
        let [first, last] = [whole.first, whole.last].map(moment::local);
        format!("the recording is from {first} to {last}")
    });
    NothingRecorded { asked, recorded }.into()
}

/// Returns the end of a span that was given: the time to come cannot be recorded.
pub(super) fn until_now(span: &Span) -> Option<Timestamp> {
    span.until.map(|until| until.min(Timestamp::now()))
}

/// Says which part of a span was recorded if its begin, its end or something in between was not. A begin and an end that
/// were not given are those of the recording.
pub(super) fn say_what_is_missing(feed: &mut Recorded, span: &Span) {
    if span.since.is_none() && span.until.is_none() {
        return;
    }
    let since = span.since.unwrap_or(Timestamp::MIN);
    let until = span.until.or_else(|| feed.end_of(since));
    let until = until.unwrap_or(Timestamp::MAX);
    let Some(found) = feed.coverage(since..=until, USUAL) else {
        return;
    };
    let until = until_now(span);
    let at_begin = span.since.map(|since| found.first.duration_since(since));
    let at_end = until.map(|until| until.duration_since(found.last));
    let is_missing = |time: Option<SignedDuration>| time.is_some_and(|time| time > found.usual);
    if is_missing(at_begin) || is_missing(at_end) || found.gaps > 0 {
        let [first, last] = [found.first, found.last].map(moment::local);
        let longest = moment::lasted(found.longest);
        let gaps = match found.gaps {
            0 => String::new(),
            1 => format!(", except for a gap of {longest}"),
            count => format!(", except for {count} gaps of up to {longest}"),
        };
        complain(format_args!(
            "of that time, {first} to {last} was recorded{gaps}"
        ));
    }
}

/// Returns the feed of a span at the first sample to show; `None` if that is now.
pub(super) fn starting(span: &Span, at: Option<Timestamp>) -> anyhow::Result<Option<Recorded>> {
    if at.is_none() && !span.is_past() {
        return Ok(None);
    }
    let mut feed = all(span)?.between(span.since, span.until);
    match (at, span.since) {
        (Some(time), _) => drop(feed.go_to(time)?),
        (None, Some(_)) => drop(feed.next()?),
        (None, None) => feed = feed.at_end(),
    }
    if feed.look()?.is_none() {
        return Err(match at {
            Some(_) => nothing(&feed, None, at),
            None => nothing(&feed, span.since, span.until),
        });
    }
    Ok(Some(feed))
}

/// Returns the feed of the whole recording that was asked for.
///
/// # Errors
/// If it cannot be read, or if the span ends before it begins.
pub(super) fn all(span: &Span) -> anyhow::Result<Recorded> {
    if let (Some(since), Some(until)) = (span.since, span.until)
        && since > until
    {
        let [since, until] = [since, until].map(moment::local);
        let text = format!("--since is {since}, which is after --until, {until}");
        return Err(WrongUsage(text).into());
    }
    Ok(Recorded::of(open(span.from.as_deref())?))
}

fn open(path: Option<&Path>) -> anyhow::Result<Recording> {
    let usual = Path::new(RECORDINGS);
    if path.is_none() && !usual.exists() {
        let path = usual.to_owned();
        return Err(RecordingError::Nothing { path }.into());
    }
    let path = path.unwrap_or(usual);
    Ok(Recording::open(path, |text| complain(text))?)
}
