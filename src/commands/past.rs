//! The feed of a command that looks back.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use xenscope::feed::{Feed, Recorded};
use xenscope::moment;
use xenscope::recording::{Recording, RecordingError};
use xenscope::selector::Unmatched;

use crate::cli::{Moment, RECORDINGS, Span};
use crate::exit::{NoSnapshot, Outcome, WrongUsage, complain};

/// How much earlier than the time that was asked for a sample may be without a remark: recorders take one each second,
/// or each minute if told so.
pub(super) const USUAL: SignedDuration = SignedDuration::from_secs(61);

/// Says how many samples were left out, if any, and why.
pub(super) fn say_left_out(count: usize, why: &str) {
    match count {
        0 => {}
        1 => complain(format_args!("1 sample is left out: {why}")),
        _ => complain(format_args!("{count} samples are left out: {why}")),
    }
}

/// Names each domain that was asked for and was not there.
pub(super) fn say_missing(unmatched: &Unmatched) -> Outcome {
    for named in unmatched.left() {
        complain(format_args!("no domain '{named}' was there in that time"));
    }
    match unmatched.left().is_empty() {
        true => Outcome::Done,
        false => Outcome::NotThere,
    }
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
    let snapshot = feed.look()?.ok_or(NoSnapshot)?;
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
    let feed = all(span)?.between(span.since, span.until);
    match feed.is_empty() {
        true => Err(NoSnapshot.into()),
        false => Ok(Some(feed)),
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
