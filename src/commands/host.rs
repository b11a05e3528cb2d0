//! `xenscope host`

use xenscope::feed::Feed;
use xenscope::repositories;
use xenscope::snapshot::Collect;
use xenscope::view::{csv, host, json};

use super::output::Output;
use super::two_samples::{self, Views};
use crate::cli::Host;
use crate::exit::Outcome;

/// Returns what `xenscope host` collects.
pub(super) fn collect() -> Collect {
    let host = Collect {
        names: true,
        host: true,
        ..Collect::default()
    };
    host.and(repositories::COLLECT)
}

pub(super) fn run(
    options: &Host,
    feed: &mut dyn Feed,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let views = Views {
        collect: collect(),
        table: |sample, _, _, width| host::sections(sample, width),
        json: json::host,
        csv: csv::host,
    };
    two_samples::run(&views, &[], options.interval.format, feed, out)
}
