//! `xenscope vcpus`

use xenscope::feed::Feed;
use xenscope::snapshot::Collect;
use xenscope::view::{csv, json, vcpus};

use super::output::Output;
use super::two_samples::{self, Views};
use crate::cli::Vcpus;
use crate::exit::{Outcome, complain};

/// Returns what `xenscope vcpus` collects.
pub(super) fn collect() -> Collect {
    Collect {
        names: true,
        vcpus: true,
        affinities: true,
        ..Collect::default()
    }
}

pub(super) fn run(
    options: &Vcpus,
    feed: &mut dyn Feed,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    if !feed.is_live()
        && let Some(snapshot) = feed.look()?
        && !snapshot.collected.vcpus
    {
        complain("vCPUs were not recorded at that time; 'xenscope record --vcpus' does that");
        return Ok(Outcome::Failed);
    }
    let views = Views {
        collect: collect(),
        table: |sample, wanted, _, width| vcpus::lines(sample, wanted, width),
        json: json::line,
        csv: csv::vcpus,
    };
    two_samples::run(&views, &options.domains, options.interval.format, feed, out)
}
