//! `xenscope waits` on a recording

use xenscope::feed::{Feed, Recorded};
use xenscope::view::{csv, json, waits};
use xenscope::waits::recorded::Stretch;

use super::output::Output;
use super::two_samples;
use crate::cli::{self, Format};
use crate::exit::{NoSnapshot, Outcome, complain};

pub(super) fn run(
    options: &cli::Waits,
    feed: &mut Recorded,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let first = feed.next()?.ok_or(NoSnapshot)?;
    // What is known of the time before the span is left out.
    let mut stretch = Stretch::new(first.newer);
    while let Some(pair) = feed.next()? {
        stretch.add(pair.newer);
    }
    let (mut only, mut outcome) = (None, Outcome::Done);
    if !options.domains.is_empty() {
        let (wanted, found) = two_samples::find(&options.domains, stretch.last())?;
        if wanted.is_empty() {
            return Ok(found);
        }
        (only, outcome) = (Some(wanted), found);
    }
    let Some(found) = stretch.waits(only.as_deref()) else {
        complain("no ready time was recorded in that time; 'xenscope record --ready' does that");
        return Ok(Outcome::Failed);
    };
    out.print(&match options.format {
        Format::Table => waits::lines(&found, out.width()),
        Format::Json => json::waits(&found),
        Format::Csv => csv::waits(&found),
    })?;
    Ok(outcome)
}
