//! `xenscope status`

use xenscope::feed::Feed;
use xenscope::snapshot::Collect;
use xenscope::view::{DisplayOptions, csv, json, status};

use super::output::Output;
use super::two_samples::{self, Views};
use crate::cli::Status;
use crate::exit::Outcome;

/// Returns what `xenscope status` collects.
pub(super) fn collect() -> Collect {
    Collect {
        host: false,
        audit_inputs: false,
        state_times: false,
        ..Collect::ALL
    }
}

pub(super) fn run(
    options: &Status,
    feed: &mut dyn Feed,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let views = Views {
        collect: collect(),
        table: status::sections,
        json: json::line,
        csv: |sample| csv::domains(sample, DisplayOptions::PARTS, true),
    };
    two_samples::run(&views, &options.domains, options.interval.format, feed, out)
}
