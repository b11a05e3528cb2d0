//! A sample of `xenscope top -b` in parts: how much of the time the hypervisor takes.

use std::fs::File;
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::bench::figures::Inside;
use xenscope::feed::{Feed, Live, Pace, Pair, Watches};
use xenscope::snapshot::{Collect, Snapshot, Stamp};
use xenscope::view::{DisplayOptions, Sample, xentop};

use crate::statistics::median;

/// How many samples are measured.
const SAMPLES: usize = 50;

/// How many samples are taken before that, once every domain has a name. Then XenStore has been
/// read, and the buffers have their final size.
const WARMING: usize = 3;

/// How long it may take until every domain has a name.
const PATIENCE: Duration = Duration::from_secs(300);

/// The pause between two samples.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes samples as `top -b` does, and measures them in the steady state.
pub(crate) fn measure() -> Result<Inside> {
    let collect = Collect {
        names: true,
        nics: true,
        nic_counters: true,
        ..Collect::default()
    };
    let collect = collect.with_disk_counters(&xentop::DISK_COUNTERS);
    let mut nowhere = File::options().write(true).open("/dev/null")?;
    let mut feed = Live::open(collect, Pace::AtOnce, false)?.watching(&Watches::default());
    let mut blocks = xentop::Blocks::new(DisplayOptions::default());
    feed.look()?;
    let mut take = || -> Result<(Pair, [f64; 3])> {
        sleep(PAUSE);
        let started = Instant::now();
        let pair = feed.next()?.context("no sample")?;
        let read = started.elapsed();
        let sample = Sample {
            snapshot: &pair.newer,
            rates: &pair.rates(),
        };
        nowhere.write_all(blocks.block(sample).as_bytes())?;
        let whole = started.elapsed();
        let hypercalls = hypercall_ns(&pair.newer);
        let ns = [hypercalls, read.as_nanos() as u64, whole.as_nanos() as u64];
        Ok((pair, ns.map(|ns| ns as f64)))
    };
    let began = Instant::now();
    let mut warm = 0;
    while warm < WARMING {
        let (pair, _) = take()?;
        let mut domains = pair.newer.domains.iter();
        warm += usize::from(domains.all(|domain| domain.name.is_some()));
        ensure!(began.elapsed() < PATIENCE, "a domain has no name");
    }
    let samples = (0..SAMPLES).map(|_| Ok(take()?.1));
    let samples = samples.collect::<Result<Vec<_>>>()?;
    let median =
        |figure: usize| median(samples.iter().map(|sample| sample[figure])).context("no sample");
    Ok(Inside {
        samples: SAMPLES,
        hypercall_ns: median(0)?,
        read_ns: median(1)?,
        whole_ns: median(2)?,
    })
}

/// Returns how long the hypercalls that list domains took: each batch has its own stamp.
fn hypercall_ns(snapshot: &Snapshot) -> u64 {
    let mut batches: Vec<Stamp> = snapshot.domains.iter().map(|domain| domain.stamp).collect();
    batches.dedup();
    batches.iter().map(|stamp| 2 * stamp.uncertainty_ns).sum()
}
