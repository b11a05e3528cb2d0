//! Programs that print a block every second: what a sample costs once they have started.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::bench::figures::{Calls, Cost, Monitor};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::Process;

use crate::dom0_cpu::Dom0Cpu;
use crate::trace;

/// How long warming up and measuring a program may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long tracing it may take.
const PATIENCE_TRACED: Duration = Duration::from_secs(100);

/// How many samples are measured, …
const MANY: usize = 20;

/// … unless this time passes first and there are at least [`FEW`].
const LONG: Duration = Duration::from_secs(25);
const FEW: usize = 3;

/// A block ends when nothing is written for this time. The next block is a second away.
const QUIET: Duration = Duration::from_millis(200);

/// The files that a program and strace write to.
const BLOCKS: &str = "/run/blocks";
const TRACE: &str = "/run/trace";

/// How many blocks are written before a program is measured, once every domain has a name. Then
/// XenStore has been read, and the buffers have their final size.
const WARMING: usize = 3;

/// How many blocks are written while a program is traced.
const TRACED: usize = 4;

/// Measures a program in its steady state, then traces it.
pub(crate) fn measure(program: &[&str], dom0: &mut Dom0Cpu) -> Result<Monitor> {
    let limit = Instant::now() + PATIENCE;
    let mut output = Output::create()?;
    let running = Running::start(program, &output.file)?;
    let mut monitor = Monitor {
        cost: None,
        calls: None,
    };
    if warm_up(&mut output, limit)? {
        monitor.cost = cost(&running, &mut output, limit, dom0)?;
    }
    if monitor.cost.is_some() {
        monitor.calls = calls(&running, &mut output, Instant::now() + PATIENCE_TRACED)?;
    }
    Ok(monitor)
}

/// Waits for the steady state; returns `false` if it takes too long.
fn warm_up(output: &mut Output, limit: Instant) -> Result<bool> {
    let mut warm = 0;
    while warm < WARMING {
        let length = output.length()?;
        if !output.block_by(limit)? {
            return Ok(false);
        }
        warm += usize::from(all_named(&output.since(length)?));
    }
    Ok(true)
}

/// Returns whether every line begins with a name; xenscope writes `-` if it does not know one.
fn all_named(block: &str) -> bool {
    let mut names = block.lines().map(|line| line.split_whitespace().next());
    names.all(|name| name != Some("-"))
}

/// Returns `None` if it takes too long.
fn cost(
    running: &Running,
    output: &mut Output,
    limit: Instant,
    dom0: &mut Dom0Cpu,
) -> Result<Option<Cost>> {
    let process = Process::new(running.id())?;
    let usage = Usage::of(&process)?;
    let length = output.length()?;
    let reading = dom0.read()?;
    let started = Instant::now();
    let mut samples = 0;
    while samples < MANY && (samples < FEW || started.elapsed() < LONG) {
        if !output.block_by(limit)? {
            return Ok(None);
        }
        samples += 1;
    }
    // In the opposite order, so no reading measures itself.
    let dom0_ns = dom0.cost_since(reading)?;
    let used = Usage::of(&process)?;
    let peak = process.status()?.vmhwm.context("no VmHWM in its status")?;

    // The number of samples is the number of blocks.
    let samples = output.blocks_since(length)?;
    let each = |total: f64| total / samples as f64;
    Ok(Some(Cost {
        samples,
        dom0_ns: each(dom0_ns),
        process_ns: each(used.cpu_ns - usage.cpu_ns),
        user_ns: each(used.user_ns - usage.user_ns),
        system_ns: each(used.system_ns - usage.system_ns),
        peak_memory_bytes: 1024 * peak,
    }))
}

/// Returns `None` if it takes too long.
fn calls(running: &Running, output: &mut Output, limit: Instant) -> Result<Option<Calls>> {
    let trace = trace(running, output, limit);
    // The file takes dom0's memory.
    fs::remove_file(TRACE)?;
    trace?.map(|trace| trace::calls(&trace)).transpose()
}

fn trace(running: &Running, output: &mut Output, limit: Instant) -> Result<Option<String>> {
    let id = running.id().to_string();
    let strace = ["strace", "-q", "-f", "-yy", "-o", TRACE, "-p", &id];
    let mut tracing = Running::start(&strace, &output.file)?;
    for _ in 0..TRACED {
        if !output.block_by(limit)? {
            return Ok(None);
        }
    }
    tracing.stop()?;
    let trace = fs::read(TRACE).context("cannot read the output of strace")?;
    Ok(Some(String::from_utf8_lossy(&trace).into_owned()))
}

/// A running program; dropped, it is killed.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(program: &[&str], output: &File) -> Result<Self> {
        Command::new(program[0])
            .args(&program[1..])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .spawn()
            .map(Self)
            .with_context(|| format!("cannot start {}", program[0]))
    }

    pub(crate) fn id(&self) -> i32 {
        self.0.id().cast_signed()
    }

    /// Ends it. A program that strace traced keeps running.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if self.0.try_wait()?.is_none() {
            kill(Pid::from_raw(self.id()), Signal::SIGTERM)?;
            self.0.wait()?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors are ignored.
        let _ = self.stop();
    }
}

/// The file that a program writes, and a watch on it.
struct Output {
    file: File,
    news: Inotify,
}

impl Output {
    fn create() -> Result<Self> {
        let file = File::create(BLOCKS).context("cannot create a file for blocks")?;
        let news = Inotify::init(InitFlags::IN_NONBLOCK)?;
        news.add_watch(BLOCKS, AddWatchFlags::IN_MODIFY)?;
        Ok(Self { file, news })
    }

    /// Waits for the end of a block; returns `false` if there is none by `limit`.
    fn block_by(&mut self, limit: Instant) -> Result<bool> {
        let left = limit.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left)?;
        let mut waited = [PollFd::new(self.news.as_fd(), PollFlags::POLLIN)];
        if poll(&mut waited, timeout)? == 0 {
            return Ok(false);
        }
        loop {
            match self.news.read_events() {
                Ok(_) => sleep(QUIET),
                Err(Errno::EAGAIN) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn length(&self) -> Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Returns how many blocks were written after the file had this length.
    fn blocks_since(&self, length: u64) -> Result<usize> {
        let heading = |line: &&str| line.trim_start().starts_with("NAME ");
        match self.since(length)?.lines().filter(heading).count() {
            0 => bail!("no block was written"),
            blocks => Ok(blocks),
        }
    }

    /// Returns what was written after the file had this length.
    fn since(&self, length: u64) -> Result<String> {
        let mut file = File::open(BLOCKS)?;
        file.seek(SeekFrom::Start(length))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(text)
    }
}

/// The CPU time of a process, all threads together.
pub(crate) struct Usage {
    pub(crate) cpu_ns: f64,
    pub(crate) user_ns: f64,
    pub(crate) system_ns: f64,
}

impl Usage {
    pub(crate) fn of(process: &Process) -> Result<Self> {
        let mut cpu_ns = 0.0;
        for task in process.tasks()? {
            cpu_ns += task?.schedstat()?.sum_exec_runtime as f64;
        }
        let stat = process.stat()?;
        let tick_ns = 1e9 / procfs::ticks_per_second() as f64;
        Ok(Self {
            cpu_ns,
            user_ns: stat.utime as f64 * tick_ns,
            system_ns: stat.stime as f64 * tick_ns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_missing_if_it_is_a_dash() {
        let block = "      NAME  STATE   CPU(sec)\n  Domain-0 -----r         40\n";
        assert!(all_named(block));
        assert!(!all_named(&format!(
            "{block}         - --p---          0\n"
        )));
    }
}
