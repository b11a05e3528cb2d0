//! What recording costs beside the samples that it takes.

use std::fs::{self, File};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::bench::figures::{Cost, Recording as Figures};
use procfs::process::Process;
use xenscope::feed::{Feed, Live, Pace, Watches};
use xenscope::recording::{Recording, Samples};
use xenscope::snapshot::Collect;

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
    let pace = Pace::Every(Duration::from_secs(1));
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
        feed.next()?;
    }
}

/// Measures samples that are recorded, and that are only taken.
pub(crate) fn measure(dom0: &mut Dom0Cpu) -> Result<Figures> {
    let bare = cost(&["/lab/bench", "take"], dom0)?;
    let recorded = cost(&["xenscope", "record", "--dir", FOLDER], dom0)?;
    let path = Path::new(FOLDER);
    let samples = Recording::open(path, |text| eprintln!("{text}"))?.count();
    let bytes = fs::metadata(path.join("recording.sqlite"))?.len();
    // It takes dom0's memory.
    fs::remove_dir_all(path)?;
    Ok(Figures {
        bare,
        recorded,
        bytes_a_sample: bytes as f64 / samples as f64,
    })
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
