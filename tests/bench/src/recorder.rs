//! What recording costs beside the samples that it takes.

use std::fs::{self, File};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::bench::figures::{Cost, Recording as Figures};
use procfs::process::Process;
use xenscope::feed::{Feed, Live, Pace, Watches};
use xenscope::recording::{Limits, Recorder, Recording, Samples};
use xenscope::snapshot::{Collect, Snapshot};

use crate::dom0_cpu::Dom0Cpu;
use crate::monitor::{Running, Usage};

/// Where samples are recorded.
const FOLDER: &str = "/run/recording";

/// How long a program runs before it is measured: until XenStore has been read and a chunk is written.
const WARMING: Duration = Duration::from_secs(15);

/// How many seconds it is measured, with a sample each: three chunks.
const SECONDS: u32 = 30;

/// Takes a sample each second as `xenscope record` does, and forgets it. Does not end.
pub(crate) fn take() -> Result<()> {
    each_second(|_| Ok(()))
}

/// Takes the same samples, adds the made-up work of [`keep`], and forgets them. Does not end.
pub(crate) fn work() -> Result<()> {
    let mut work = Work::default();
    each_second(|snapshot| {
        drop(black_box(Arc::new(work.add_to(snapshot))));
        Ok(())
    })
}

/// Takes the same samples, and records them with made-up work: each domain's CPU time moves, and the counters of one
/// NIC and one disk in ten. Does not end.
pub(crate) fn keep() -> Result<()> {
    let folder = Path::new(FOLDER);
    let mut recorder = Recorder::open(folder, Limits::NONE, |text| eprintln!("{text}"))?;
    let mut work = Work::default();
    each_second(|snapshot| {
        recorder.push(&Arc::new(work.add_to(snapshot)))?;
        Ok(())
    })
}

/// Calls this function with a sample each second, as `xenscope record` takes it. Does not end.
fn each_second(mut with: impl FnMut(&Snapshot) -> Result<()>) -> Result<()> {
    let pace = Pace::Primed(Duration::from_secs(1));
    // Without --vcpus, --ready and --audit.
    let collect = Collect {
        vcpus: false,
        affinities: false,
        scheduling: false,
        state_times: false,
        audit_inputs: false,
        paging_pools: false,
        ..Collect::ALL
    };
    let mut feed = Live::open(collect, pace, false)?.watching(&Watches::default());
    loop {
        sleep(feed.due().saturating_duration_since(Instant::now()));
        if let Some(pair) = feed.next()? {
            with(&pair.newer)?;
        }
    }
}

/// Made-up work since the first sample, the same in each run.
struct Work {
    /// A number that is another one each time.
    random: u64,
    /// What each counter has moved by, in the order in which they are met.
    moved: Vec<u64>,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            random: 1,
            moved: Vec::new(),
        }
    }
}

impl Work {
    /// Returns the sample with the work of one more second.
    fn add_to(&mut self, snapshot: &Snapshot) -> Snapshot {
        let mut busy = snapshot.clone();
        let mut met = 0;
        for domain in &mut busy.domains {
            domain.cpu_time_ns += self.more(&mut met, 1_000_000_000);
        }
        let nics = busy
            .domains
            .iter_mut()
            .flat_map(|domain| domain.nics.iter_mut().flatten());
        let nics = nics.step_by(10).flat_map(|nic| nic.counters.values_mut());
        for count in nics.flatten() {
            *count += self.more(&mut met, 1 << 20);
        }
        let disks = busy
            .domains
            .iter_mut()
            .flat_map(|domain| domain.disks.iter_mut().flatten());
        let disks = disks
            .step_by(10)
            .flat_map(|disk| disk.counters.values_mut());
        for count in disks.flatten() {
            *count += self.more(&mut met, 1 << 20);
        }
        busy
    }

    /// Moves the next counter by a random number below this one. Returns by how much it has moved.
    fn more(&mut self, met: &mut usize, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        if self.moved.len() == *met {
            self.moved.push(0);
        }
        let moved = &mut self.moved[*met];
        *moved += self.random % below;
        *met += 1;
        *moved
    }
}

/// Measures samples that are only taken, and that are recorded, each without and with made-up work.
pub(crate) fn measure(dom0: &mut Dom0Cpu) -> Result<Figures> {
    let bare = cost(&["/lab/bench", "take"], dom0)?;
    let recorded = cost(&["xenscope", "record", "--dir", FOLDER], dom0)?;
    let path = Path::new(FOLDER);
    let samples = Recording::open(path, |text| eprintln!("{text}"))?.count();
    let bytes = fs::metadata(path.join("recording.sqlite"))?.len();
    // It takes dom0's memory.
    fs::remove_dir_all(path)?;
    let worked = cost(&["/lab/bench", "work"], dom0)?;
    let busy = cost(&["/lab/bench", "keep"], dom0)?;
    fs::remove_dir_all(path)?;
    Ok(Figures {
        xentop_bytes_a_sample: xentop_bytes()?,
        bare,
        recorded,
        worked,
        busy,
        bytes_a_sample: bytes as f64 / samples as f64,
    })
}

/// Returns the size of a sample of what `xentop -b` prints, compressed as recordings are.
fn xentop_bytes() -> Result<f64> {
    const SAMPLES: usize = 5;
    let mut xentop = Command::new("xentop");
    let xentop = xentop.args(["-b", "-d", "1", "-i", &SAMPLES.to_string()]);
    let printed = xentop.output().context("cannot run xentop")?;
    ensure!(printed.status.success(), "xentop failed: {printed:?}");
    Ok(zstd::bulk::compress(&printed.stdout, 3)?.len() as f64 / SAMPLES as f64)
}

/// Returns what a program costs each second.
fn cost(program: &[&str], dom0: &mut Dom0Cpu) -> Result<Cost> {
    let output = File::options().write(true).open("/dev/null")?;
    let mut running = Running::start(program, &output)?;
    sleep(WARMING);
    let process = Process::new(running.id())?;
    let (usage, reading) = (Usage::of(&process)?, dom0.read()?);
    sleep(Duration::from_secs(SECONDS.into()));
    let dom0_ns = dom0.cost_since(reading)?;
    let used = Usage::of(&process)?;
    let peak = process.status()?.vmhwm.context("no VmHWM in its status")?;
    running.stop()?;
    let each = |total: f64| total / f64::from(SECONDS);
    Ok(Cost {
        samples: SECONDS as usize,
        dom0_ns: each(dom0_ns),
        process_ns: each(used.cpu_ns - usage.cpu_ns),
        user_ns: each(used.user_ns - usage.user_ns),
        system_ns: each(used.system_ns - usage.system_ns),
        peak_memory_bytes: 1024 * peak,
    })
}
