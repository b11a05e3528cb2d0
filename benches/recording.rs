//! Measures how long it takes to show another time of a recording: the sample at that time, and then the charts and the
//! CPU use over the hour around it.
//!
//! The recordings are made up: a week of 20 domains with a sample every five seconds, and ten minutes of 1,000 domains
//! with a sample a second.
//!
//! `cargo bench --bench recording`

#![allow(clippy::expect_used)]

#[allow(dead_code, reason = "the tests of the library use the rest")]
#[path = "../src/fixtures.rs"]
mod fixtures;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use xenscope::feed::{Feed, Hour, Recorded};
use xenscope::recording::{Limits, Recorder, Recording};
// `fixtures` imports it from the crate's root, as in the library.
use xenscope::snapshot;

use fixtures::{SECOND, disk, domain, nic, pcpus};
use snapshot::{Domain, Snapshot};

/// When the recordings begin, in seconds since the epoch.
const BEGIN: u64 = 1_800_000_000;

/// How many samples the charts of the live view have.
const CHARTS: usize = 120;

/// Returns a host with this many domains at this second.
fn host_at(second: u64, domains: u16) -> Snapshot {
    let at_ns = second * SECOND;
    let domains = (0..domains).map(|id| {
        let work = second * (u64::from(id) * 7919 % 1009);
        let name = format!("customer-{id}-web-server");
        Domain {
            nics: Some(vec![nic(0, work << 10, work << 8)]),
            disks: Some(vec![disk(51712, work << 12, work << 14)]),
            ..domain(id, &name, at_ns, work * 1_000_000)
        }
    });
    let mut snapshot = fixtures::snapshot(at_ns, 0, domains.collect());
    snapshot.time = Timestamp::from_second((BEGIN + second) as i64).expect("a time");
    snapshot.host.pcpu = pcpus(32, at_ns);
    snapshot
}

/// Makes a recording, and measures jumps to all parts of it.
fn recording_of(c: &mut Criterion, domains: u16, seconds: u64, step: usize) {
    // In memory, because the disk is not what is measured.
    let folder = tempfile::tempdir_in("/dev/shm").expect("a folder");
    write(folder.path(), domains, seconds, step);
    let open = || {
        let recording = Recording::open(folder.path(), |text| eprintln!("{text}"));
        Recorded::of(recording.expect("a recording"))
    };
    let name = format!("{domains} domains, {seconds} s");
    c.bench_function(&format!("open a recording: {name}"), |b| b.iter(&open));
    let mut feed = open();
    let mut second = 0;
    let mut jump = |feed: &mut Recorded| {
        second = (second + 7919 * 60) % seconds;
        let time = Timestamp::from_second((BEGIN + second) as i64);
        black_box(feed.go_to(time.expect("a time")).expect("no error"));
    };
    c.bench_function(&format!("jump: {name}"), |b| b.iter(|| jump(&mut feed)));
    c.bench_function(&format!("jump with charts: {name}"), |b| {
        b.iter(|| {
            jump(&mut feed);
            black_box(feed.recent(CHARTS).expect("no error"))
        });
    });
    c.bench_function(&format!("jump with its hour: {name}"), |b| {
        b.iter(|| {
            jump(&mut feed);
            let shown = feed.look().expect("no error").expect("a sample");
            let mut hour = Hour::default();
            hour.move_to(shown.time, 30, &mut feed);
            while hour.read(&mut feed) {}
            black_box(hour.uses())
        });
    });
}

fn write(folder: &Path, domains: u16, seconds: u64, step: usize) {
    let mut recorder =
        Recorder::open(folder, Limits::NONE, |text| eprintln!("{text}")).expect("a recorder");
    for second in (0..seconds).step_by(step) {
        let pushed = recorder.push(&Arc::new(host_at(second, domains)));
        pushed.expect("written");
    }
    recorder.flush().expect("written");
}

fn jumps(c: &mut Criterion) {
    recording_of(c, 20, 7 * 86_400, 5);
    recording_of(c, 1000, 600, 1);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1));
    targets = jumps
}
criterion_main!(benches);
