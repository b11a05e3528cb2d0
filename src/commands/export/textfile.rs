//! `xenscope export --textfile`: a file for node_exporter's textfile collector.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use signal_hook::low_level::emulate_default_handler;
use thiserror::Error;
use xenscope::feed::{Feed, Live, Watches};
use xenscope::text::safe;
use xenscope::tracer;
use xenscope::view::openmetrics::{Exposition, Format};
use xenscope::xen;

use super::super::output::{Output, replace};
use super::super::signals::{self, End, Watch};
use super::sampler::Sampler;
use crate::cli::Export;
use crate::exit::{Outcome, WrongUsage, cannot};

/// The file could not be written.
#[derive(Debug, Error)]
#[error("cannot write '{}': {source}", safe(&path.to_string_lossy()))]
struct Unwritten {
    path: PathBuf,
    source: io::Error,
}

/// Writes the file once or at an interval. If there is no sample, it says so: figures from before are never
/// left in it.
pub(super) fn run(
    options: &Export,
    path: &Path,
    open: impl FnOnce() -> Result<Live, xen::Error>,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    if options.series.ready && options.interval.is_none() {
        let message =
            "--collector.ready counts from its start: with --textfile, it needs --interval";
        return Err(WrongUsage(message.into()).into());
    }
    let written = match open() {
        Ok(mut feed) if options.interval.is_none() => once(options, path, &mut feed, out),
        Ok(feed) => repeatedly(options, path, feed, out),
        Err(error) => Err(error.into()),
    };
    if written.is_err() && path != "-" {
        // The error says more than another one could.
        let _ = replace(path, &Exposition::down().text(Format::Classic));
    }
    written
}

/// Writes one sample.
pub(in crate::commands) fn once(
    options: &Export,
    path: &Path,
    feed: &mut dyn Feed,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let exposition = Sampler::new(feed, options).sample()?;
    write(path, &exposition, out)?;
    Ok(Outcome::Done)
}

/// Writes a sample at each interval, until the program is told to end. The file goes with it.
fn repeatedly(
    options: &Export,
    path: &Path,
    feed: Live,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let interval = options.interval.unwrap_or_default();
    let watches = Watches::default();
    let mut feed = feed.watching(&watches);
    let watch = Watch::start(watches, &signals::ENDING).map_err(cannot("wait for signals"))?;
    let mut sampler = Sampler::new(&mut feed, options);
    let mut due = Instant::now();
    while watch.end().is_none() {
        write(path, &sampler.sample()?, out)?;
        // A sample that takes too long delays the next ones.
        due = (due + interval).max(Instant::now());
        while watch.end().is_none() && Instant::now() < due {
            sampler.wait(due);
        }
    }
    if path != "-" {
        let _ = fs::remove_file(path);
    }
    tracer::switch_off();
    if let Some(End::Signal(signal)) = watch.end() {
        emulate_default_handler(signal).map_err(cannot("end by a signal"))?;
    }
    Ok(Outcome::Done)
}

fn write(path: &Path, exposition: &Exposition, out: &mut Output<'_>) -> anyhow::Result<()> {
    let text = exposition.text(Format::Classic);
    if path == "-" {
        out.print(&text)?;
        return Ok(());
    }
    replace(path, &text).map_err(|source| Unwritten {
        path: path.to_owned(),
        source,
    })?;
    Ok(())
}
