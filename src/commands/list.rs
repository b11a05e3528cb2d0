//! `xenscope list`

use xenscope::rates::Rates;
use xenscope::source::{Keys, Source};
use xenscope::view::{Sample, csv, json, list};

use super::{Notes, print, terminal_width};
use crate::cli::{Format, List};

pub(crate) fn run(options: &List, allow_untested: bool) -> anyhow::Result<()> {
    let keys = Keys {
        names: true,
        details: options.format != Format::Table,
    };
    let snapshot = Source::open(keys, allow_untested)?.sample()?;
    Notes::default().tell(&snapshot.notes);
    let sample = Sample {
        snapshot: &snapshot,
        rates: &Rates::between(None, &snapshot),
    };
    print(&match options.format {
        Format::Table => list::table(sample, terminal_width()),
        Format::Json => json::line(sample),
        Format::Csv => csv::rows(sample, true),
    })?;
    Ok(())
}
