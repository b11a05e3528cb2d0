//! The feed of a command that looks back.

use std::path::Path;

use jiff::Timestamp;
use xenscope::feed::{Feed, Recorded};
use xenscope::moment;
use xenscope::recording::Recording;

use crate::cli::{Moment, RECORDINGS, Span};
use crate::exit::{NoSnapshot, complain};

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
    complain(format_args!("as recorded at {time}"));
    Ok(Some(feed))
}

/// Returns the feed of the span of time that was asked for; `None` if that is from now on.
pub(super) fn between(span: &Span) -> anyhow::Result<Option<Recorded>> {
    if !span.is_past() {
        return Ok(None);
    }
    Ok(Some(all(span)?.between(span.since, span.until)))
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
pub(super) fn all(span: &Span) -> anyhow::Result<Recorded> {
    Ok(Recorded::of(open(span.from.as_deref())?))
}

fn open(path: Option<&Path>) -> anyhow::Result<Recording> {
    let path = path.unwrap_or(Path::new(RECORDINGS));
    Ok(Recording::open(path, |text| complain(text))?)
}
