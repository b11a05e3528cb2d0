//! `cargo lab fleet`: what one Prometheus needs for many hosts.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::dashboards::{Dashboard, Kind, NAMES, Variables};
use super::figures::{self, Figures};
use super::files::Pace;
use super::now;
use super::receiver::Receiver;
use super::server::{Answer, Servers};
use crate::build;
use crate::debian;
use crate::tied;

/// The ports of the hosts, from this one on. The kernel gives none of them to others.
const FIRST_PORT: u16 = 15_000;

/// The time between two scrapes, as `deploy/prometheus` says.
const INTERVAL: Duration = Duration::from_secs(15);

/// How long all hosts may take to be scraped for the first time.
const START: Duration = Duration::from_secs(300);

/// After how long the rules, which look back five minutes, have as much to do as ever.
const WARM: Duration = Duration::from_secs(300);

/// How often each query of the dashboards is asked.
const TIMES: usize = 5;

/// A fleet to make up.
pub struct Options {
    /// How many hosts.
    pub hosts: u16,
    /// How many domains each has, dom0 counted.
    pub domains: u16,
    /// How many minutes to scrape them. The first five are not measured.
    pub minutes: u64,
}

/// Scrapes made-up hosts with Prometheus and prints what it needs.
pub fn run(options: &Options) -> Result<()> {
    let length = Duration::from_secs(60 * options.minutes);
    let measured = length.saturating_sub(WARM);
    debian::ensure_tools()?;
    let hosts = Hosts::start(options)?;
    let receiver = Receiver::start()?;
    let ports = hosts.ports.clone();
    let servers = Servers::start(&ports, receiver.port(), Pace::Deployed)?;
    let all = f64::from(options.hosts);
    servers.until("sum(up{job=\"xen\"})", Answer::One(all), START)?;
    let since = now();
    eprintln!("lab: all hosts are scraped, for {} min", options.minutes);
    sleep(WARM);
    let first = Figures::read(&servers)?;
    sleep(measured);
    let last = Figures::read(&servers)?;
    println!(
        "{} hosts with {} domains each",
        options.hosts, options.domains
    );
    figures::print(&servers, &first, &last)?;
    print_queries(&servers, since)
}

/// The program that makes the hosts up; it ends when this is dropped, and their servers with it.
struct Hosts {
    generator: Child,
    ports: Vec<u16>,
    /// A copy of xenscope, because the user of the servers may not be able to reach the original.
    _folder: TempDir,
}

impl Hosts {
    fn start(options: &Options) -> Result<Self> {
        let (xenscope, generator) = (build::xenscope()?, build::generator()?);
        let folder = tempfile::tempdir().context("cannot create a folder")?;
        let program = folder.path().join("xenscope");
        fs::copy(xenscope, &program)
            .and_then(|_| fs::set_permissions(folder.path(), Permissions::from_mode(0o755)))
            .context("cannot copy xenscope")?;
        let ports = (FIRST_PORT..).take(usize::from(options.hosts)).collect();
        let generator = tied::command(generator)
            .arg(program)
            .args([options.hosts, options.domains, FIRST_PORT].map(|number| number.to_string()))
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start the generator")?;
        Ok(Self {
            generator,
            ports,
            _folder: folder,
        })
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        // Errors are ignored: it ends now if it has not already.
        let _ = self.generator.kill();
        let _ = self.generator.wait();
    }
}

/// Asks the queries of each dashboard as Grafana does, one after the other, and prints how long the answers take.
fn print_queries(servers: &Servers, since: f64) -> Result<()> {
    let variables = Variables {
        host: "host1",
        guest: "made-up-0-1",
        window: "1m",
    };
    println!(
        "\n{:<10} {:>7} {:>9} {:>9}  slowest",
        "dashboard", "queries", "median ms", "most ms"
    );
    for name in NAMES {
        let dashboard = Dashboard::read(name, &variables)?;
        let mut took: Vec<(Duration, &str)> = Vec::new();
        for panel in &dashboard.panels {
            for target in &panel.targets {
                for _ in 0..TIMES {
                    let begun = Instant::now();
                    match panel.kind {
                        Kind::Stat => servers.now(&target.expr)?,
                        Kind::TimeSeries => {
                            servers.over(&target.expr, since, now(), INTERVAL.as_secs_f64())?
                        }
                    };
                    took.push((begun.elapsed(), &panel.title));
                }
            }
        }
        took.sort();
        let (Some(median), Some(most)) = (took.get(took.len() / 2), took.last()) else {
            bail!("{name} has no queries");
        };
        let ms = |duration: Duration| 1e3 * duration.as_secs_f64();
        println!(
            "{name:<10} {:>7} {:>9.1} {:>9.1}  {}",
            took.len() / TIMES,
            ms(median.0),
            ms(most.0),
            most.1
        );
    }
    Ok(())
}
