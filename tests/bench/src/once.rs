//! Programs that print once.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::bench::figures::OneShot;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::dom0_cpu::Dom0Cpu;
use crate::statistics::median;

/// How often each program runs, …
const MANY: usize = 11;

/// … or until this time has passed, if each has run at least [`FEW`] times.
const LONG: Duration = Duration::from_secs(50);
const FEW: usize = 3;

struct Run {
    wall_ns: f64,
    dom0_ns: f64,
    user_ns: f64,
    system_ns: f64,
}

/// Measures programs in turns, so a machine that is slow for a while slows all of them. Discards
/// their output. Every second round goes backwards, so the first and the last of three programs run
/// equally often after the one between them.
pub(crate) fn measure<const N: usize>(
    programs: [&[&str]; N],
    dom0: &mut Dom0Cpu,
) -> Result<[OneShot; N]> {
    let mut runs = [const { Vec::new() }; N];
    let started = Instant::now();
    while runs[0].len() < MANY && (runs[0].len() < FEW || started.elapsed() < LONG) {
        let mut turns: Vec<_> = programs.into_iter().zip(&mut runs).collect();
        if turns[0].1.len() % 2 == 1 {
            turns.reverse();
        }
        for (program, runs) in turns {
            runs.push(run(program, dom0)?);
        }
    }
    let medians = runs.iter().map(|runs| summary(runs));
    let medians = medians.collect::<Result<Vec<_>>>()?;
    medians.try_into().ok().context("a program has no figures")
}

fn summary(runs: &[Run]) -> Result<OneShot> {
    let middle = |figure: fn(&Run) -> f64| median(runs.iter().map(figure)).context("no run");
    Ok(OneShot {
        runs: runs.len(),
        wall_ns: middle(|run| run.wall_ns)?,
        dom0_ns: middle(|run| run.dom0_ns)?,
        user_ns: middle(|run| run.user_ns)?,
        system_ns: middle(|run| run.system_ns)?,
    })
}

fn run(program: &[&str], dom0: &mut Dom0Cpu) -> Result<Run> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let reading = dom0.read()?;
    let started = Instant::now();
    let status = Command::new(program[0])
        .args(&program[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", program[0]))?;
    let wall_ns = started.elapsed().as_nanos() as f64;
    let dom0_ns = dom0.cost_since(reading)?;
    if !status.success() {
        bail!("{} failed: {status}", program.join(" "));
    }
    let now = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let since =
        |time: fn(&Usage) -> TimeVal| 1e3 * (time(&now) - time(&usage)).num_microseconds() as f64;
    Ok(Run {
        wall_ns,
        dom0_ns,
        user_ns: since(Usage::user_time),
        system_ns: since(Usage::system_time),
    })
}
