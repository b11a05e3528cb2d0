//! What Prometheus says about itself.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::server::Servers;

/// Prometheus' own metrics at one time.
pub(super) struct Figures {
    at: Instant,
    page: String,
}

/// The `meta.json` of a block.
#[derive(Deserialize)]
struct Meta {
    stats: Stats,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    num_samples: u64,
    num_series: u64,
}

impl Figures {
    /// Reads them.
    pub(super) fn read(servers: &Servers) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            page: servers.page("/metrics")?,
        })
    }

    /// Returns the sum of all samples with this name.
    fn of(&self, name: &str) -> Result<f64> {
        let rest = self.page.lines().filter_map(|line| line.strip_prefix(name));
        let samples = rest.filter(|rest| rest.starts_with(['{', ' ']));
        let values = samples.filter_map(|sample| sample.rsplit(' ').next()?.parse::<f64>().ok());
        let sum = values.reduce(|sum, value| sum + value);
        sum.with_context(|| format!("Prometheus has no {name}"))
    }

    /// Returns by how much a counter has risen a second since these earlier figures.
    fn rate(&self, before: &Self, name: &str) -> Result<f64> {
        let seconds = (self.at - before.at).as_secs_f64();
        Ok((self.of(name)? - before.of(name)?) / seconds)
    }
}

/// Prints what Prometheus used between two times, and what its data takes.
pub(super) fn print(servers: &Servers, first: &Figures, last: &Figures) -> Result<()> {
    let series = last.of("prometheus_tsdb_head_series")?;
    let samples = last.rate(first, "prometheus_tsdb_head_samples_appended_total")?;
    let cpu = last.rate(first, "process_cpu_seconds_total")?;
    let memory = last.of("process_resident_memory_bytes")?;
    let rules = last.of("prometheus_rule_group_last_duration_seconds")?;
    let of_scrapes = |aggregation: &str, metric: &str| -> Result<f64> {
        let query = format!("{aggregation}({metric}{{job=\"xen\"}})");
        let answer = servers.now(&query)?;
        let point = answer.first().and_then(|series| series.points.last());
        Ok(point.with_context(|| format!("{query} has no answer"))?.1)
    };
    let block = servers.snapshot()?;
    let meta = fs::read(block.join("meta.json")).context("the block has no meta.json")?;
    let stats = serde_json::from_slice::<Meta>(&meta)?.stats;
    let (count, in_block) = (stats.num_samples as f64, stats.num_series as f64);
    let (chunks, index) = (size(&block.join("chunks"))?, size(&block.join("index"))?);
    for (what, value, decimals) in [
        ("series, with those of the rules", series, 0),
        (
            "samples of a scrape",
            of_scrapes("avg", "scrape_samples_scraped")?,
            0,
        ),
        ("samples a second, with those of the rules", samples, 0),
        (
            "seconds of a scrape, mean",
            of_scrapes("avg", "scrape_duration_seconds")?,
            3,
        ),
        (
            "seconds of a scrape, longest",
            of_scrapes("max", "scrape_duration_seconds")?,
            3,
        ),
        ("seconds of all rules, once", rules, 2),
        ("CPUs of Prometheus", cpu, 3),
        ("microseconds of CPU for a sample", 1e6 * cpu / samples, 2),
        (
            "MiB of memory of Prometheus",
            memory / f64::from(1 << 20),
            0,
        ),
        ("bytes of memory for a series", memory / series, 0),
        ("samples of a series in a block", count / in_block, 1),
        ("bytes on disk for a sample", chunks / count, 2),
        ("bytes on disk for a series", index / in_block, 0),
    ] {
        println!("{what:<42} {value:>10.decimals$}");
    }
    Ok(())
}

/// Returns the bytes of a file, or of the files of a folder.
fn size(path: &Path) -> Result<f64> {
    let problem = || format!("cannot read {}", path.display());
    let about = path.metadata().with_context(problem)?;
    if about.is_file() {
        return Ok(about.len() as f64);
    }
    let mut sum = 0.0;
    for entry in fs::read_dir(path).with_context(problem)? {
        sum += size(&entry.with_context(problem)?.path())?;
    }
    Ok(sum)
}
