//! A sample of `xenscope top -b`, from within: how much of it is the hypervisor's.

use std::fs::File;
use std::io::Write;
use std::mem::replace;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::bench::figures::Inside;
use xenscope::rates::Rates;
use xenscope::snapshot::{Snapshot, Stamp};
use xenscope::source::{Parts, Source};
use xenscope::view::{Sample, xentop};

use crate::statistics::median;

/// Samples taken.
const SAMPLES: usize = 50;

/// What lies between two samples.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes samples as `top -b` does.
pub(crate) fn measure() -> Result<Inside> {
    let parts = Parts {
        names: true,
        nics: true,
        disks: true,
        ..Parts::default()
    };
    let mut nowhere = File::options().write(true).open("/dev/null")?;
    let mut source = Source::open(parts, false)?;
    source.watch();
    let mut blocks = xentop::Blocks::new(xentop::Shown::default());
    let mut before = source.sample()?;
    let (mut hypercalls, mut reads, mut wholes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        sleep(PAUSE);
        let started = Instant::now();
        let after = source.sample()?;
        reads.push(started.elapsed().as_nanos() as f64);
        let sample = Sample {
            snapshot: &after,
            rates: &Rates::between(Some(&before), &after),
        };
        nowhere.write_all(blocks.block(sample).as_bytes())?;
        wholes.push(started.elapsed().as_nanos() as f64);
        hypercalls.push(hypercall_ns(&after) as f64);
        source.reuse(replace(&mut before, after));
    }
    Ok(Inside {
        samples: SAMPLES,
        hypercall_ns: median(hypercalls).context("no sample")?,
        read_ns: median(reads).context("no sample")?,
        whole_ns: median(wholes).context("no sample")?,
    })
}

/// How long the hypercalls took that listed the domains: each batch has its own stamp.
fn hypercall_ns(snapshot: &Snapshot) -> u64 {
    let mut batches: Vec<Stamp> = snapshot.domains.iter().map(|domain| domain.stamp).collect();
    batches.dedup();
    batches.iter().map(|stamp| 2 * stamp.uncertainty_ns).sum()
}
