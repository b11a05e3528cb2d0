//! `xenscope export`

mod sampler;
mod server;
mod start;
pub(super) mod textfile;

use xenscope::feed::Live;
use xenscope::snapshot::Collect;
use xenscope::xen::Error;

use super::audit;
use super::output::Output;
use crate::cli::Export;
use crate::exit::Outcome;

/// Returns what `xenscope export` collects.
pub(super) fn collect(options: &Export) -> Collect {
    let series = options.series.collect();
    match options.audit {
        true => series.and(audit::collect(false)),
        false => series,
    }
}

/// Writes the metrics to a file, serves them, or is a part of the server. `open` connects to the running hypervisor.
pub(super) fn run(
    options: &Export,
    open: impl FnOnce() -> Result<Live, Error>,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    match &options.textfile {
        Some(path) => textfile::run(options, path, open, out),
        None if options.follow_files => server::follow_files(options),
        None if options.serve => server::run(options),
        None => start::run(options, open),
    }
}
