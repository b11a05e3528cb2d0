//! Measures what `xenscope top -b` does with a sample of 1,000 domains after it was read: rates and
//! text.
//!
//! `cargo bench --bench sample`

#[allow(dead_code, reason = "the tests of the library use the rest")]
#[path = "../src/fixtures.rs"]
mod fixtures;

use std::hint::black_box;
use std::sync::{Arc, LazyLock};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use xenscope::feed::Pair;
// `fixtures` imports it from the crate's root, as in the library.
use xenscope::snapshot;
use xenscope::view::{DisplayOptions, Sample, csv, json, xentop};

use fixtures::{ReadAt, SECOND, disk, domain, nic};
use snapshot::{DiskCounter, Domain, Snapshot};

/// Returns an idle host at this second: domains that use no CPU time and have no devices.
fn idle(second: u64) -> Snapshot {
    let at_ns = second * SECOND;
    host(second, |id| Domain {
        nics: Some(Vec::new()),
        disks: Some(Vec::new()),
        ..domain(id, "", at_ns, SECOND)
    })
}

/// Returns a busy host at this second: all figures of all domains have changed since the second
/// before. Each domain has a NIC and a disk.
fn busy(second: u64) -> Snapshot {
    let at_ns = second * SECOND;
    host(second, |id| {
        let work = second * (u64::from(id) + 1);
        let requests = [DiskCounter::ReadRequests, DiskCounter::WriteRequests];
        let disk = disk(51712, work << 20, work << 22);
        Domain {
            nics: Some(vec![nic(0, work << 20, work << 18).at(at_ns, [])]),
            disks: Some(vec![disk.at(at_ns, requests.map(|one| (one, Some(work))))]),
            ..domain(id, "", at_ns, work * 100_000_000)
        }
    })
}

/// Returns a host with 1,000 domains. Their names are shared by all samples, as those that are read
/// from XenStore.
fn host(second: u64, domain: impl Fn(u16) -> Domain) -> Snapshot {
    static NAMES: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| {
        (0..1000)
            .map(|id| format!("customer-{id}").into())
            .collect()
    });
    let named = |(id, name): (u16, &Arc<str>)| Domain {
        name: Some(Arc::clone(name)),
        ..domain(id)
    };
    fixtures::snapshot(second * SECOND, 0, (0..).zip(&*NAMES).map(named).collect())
}

/// Measures `text` with the samples of a host, one after the other.
fn measure(
    criterion: &mut Criterion,
    name: &str,
    host: fn(u64) -> Snapshot,
    mut text: impl FnMut(Sample<'_>) -> usize,
) {
    let mut newest = Arc::new(host(1));
    let mut second = 1;
    let mut next = || {
        second += 1;
        let older = std::mem::replace(&mut newest, Arc::new(host(second)));
        Pair {
            older: Some(older),
            newer: Arc::clone(&newest),
        }
    };
    criterion.bench_function(name, |bencher| {
        let sample = |pair: Pair| {
            black_box(sample(&pair, &mut text));
            pair
        };
        bencher.iter_batched(&mut next, sample, BatchSize::PerIteration);
    });
}

/// Returns the length of the text. A function of its own, so that callgrind can collect only this:
/// `--toggle-collect='*sample::sample*'`.
#[inline(never)]
fn sample(pair: &Pair, text: &mut impl FnMut(Sample<'_>) -> usize) -> usize {
    text(Sample {
        snapshot: &pair.newer,
        rates: &pair.rates(),
    })
}

fn samples(criterion: &mut Criterion) {
    let shown = DisplayOptions::default();
    for (name, host) in [("idle", idle as fn(u64) -> Snapshot), ("busy", busy)] {
        let mut blocks = xentop::Blocks::new(shown);
        measure(
            criterion,
            &format!("xentop's layout, {name}"),
            host,
            |sample| blocks.block(sample).len(),
        );
        measure(criterion, &format!("csv, {name}"), host, |sample| {
            csv::domains(sample, shown, false).len()
        });
        measure(criterion, &format!("json, {name}"), host, |sample| {
            json::line(sample).len()
        });
    }
}

criterion_group!(benches, samples);
criterion_main!(benches);
