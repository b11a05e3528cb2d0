//! `xenscope list`

use xenscope::feed::Feed;
use xenscope::rates::Rates;
use xenscope::snapshot::Collect;
use xenscope::view::{DisplayOptions, Sample, csv, json, list};

use super::output::{Notes, Output};
use crate::cli::{Format, List};
use crate::exit::{NoSnapshot, Outcome};

/// Returns what `xenscope list` collects.
pub(super) fn collect(format: Format) -> Collect {
    Collect {
        names: true,
        targets: format != Format::Table,
        details: format != Format::Table,
        ..Collect::default()
    }
}

pub(super) fn run(
    options: &List,
    feed: &mut dyn Feed,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let snapshot = feed.look()?.ok_or(NoSnapshot)?;
    Notes::default().report(&snapshot.notes);
    let sample = Sample {
        snapshot: &snapshot,
        rates: &Rates::between(None, &snapshot),
    };
    out.print(&match options.format {
        Format::Table => list::table(sample, out.width()),
        Format::Json => json::line(sample),
        Format::Csv => csv::domains(sample, DisplayOptions::default(), true),
    })?;
    Ok(Outcome::Done)
}
