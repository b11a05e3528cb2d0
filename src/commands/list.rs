//! `xenscope list`

use xenscope::rates::Rates;
use xenscope::snapshot::Collect;
use xenscope::source::Source;
use xenscope::view::{DisplayOptions, Sample, csv, json, list};

use super::{Notes, print, terminal_width};
use crate::cli::{Format, List};

/// What the sample of `xenscope list` holds.
pub(super) fn collect(format: Format) -> Collect {
    Collect {
        names: true,
        targets: format != Format::Table,
        details: format != Format::Table,
        ..Collect::default()
    }
}

pub(crate) fn run(options: &List, allow_untested: bool) -> anyhow::Result<()> {
    let snapshot = Source::open(collect(options.format), allow_untested)?.sample()?;
    Notes::default().tell(&snapshot.notes);
    let sample = Sample {
        snapshot: &snapshot,
        rates: &Rates::between(None, &snapshot),
    };
    print(&match options.format {
        Format::Table => list::table(sample, terminal_width()),
        Format::Json => json::line(sample),
        Format::Csv => csv::domains(sample, DisplayOptions::default(), true),
    })?;
    Ok(())
}
