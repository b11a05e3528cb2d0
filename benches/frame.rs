//! What a frame of `xenscope top` costs: 1,000 domains on 200 by 60.
//!
//! `cargo bench --bench frame`

use std::hint::black_box;
use std::io;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use enum_map::enum_map;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{Event, KeyCode};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use uuid::Uuid;
use xenscope::feed::Pair;
use xenscope::snapshot::{
    Boot, Collect, Disk, DiskBackend, DiskCounter, DomId, Domain, DomainType, Host, Nic,
    NicCounter, Pcpu, Snapshot, Stamp, StateFlags,
};
use xenscope::view::DisplayOptions;
use xenscope::view::tui::{App, Depth, Settings, Terminal as Shows, draw};

const SECOND: u64 = 1_000_000_000;

/// A host with this many domains after so many seconds, each with a NIC and a disk at work.
fn snapshot(second: u64, domains: u16) -> Snapshot {
    let stamp = Stamp {
        at_ns: second * SECOND,
        uncertainty_ns: 1000,
    };
    Snapshot {
        time: jiff::Timestamp::UNIX_EPOCH,
        boot: Boot::default(),
        stamp,
        collected: Collect::default(),
        xen_clock: None,
        host: Host {
            xen_version: "4.17.5".to_owned(),
            pcpus: 64,
            memory_bytes: 1 << 40,
            memory_free_bytes: 1 << 38,
            memory_free_after_bytes: None,
            memory_claimed_bytes: 0,
            cpu_khz: 2_000_000,
            pcpu: (0..64)
                .map(|id| Pcpu {
                    id,
                    idle_time_ns: Some(second * u64::from(id) * SECOND / 64),
                    socket: Some(id / 32),
                    core: Some(id),
                    node: Some(id / 32),
                })
                .collect(),
            pcpu_stamp: stamp,
            nodes: None,
            pools: None,
            build: None,
            dom0: None,
        },
        domains: (0..domains).map(|id| domain(id, second, stamp)).collect(),
        orphans: Vec::new(),
        listing: None,
        notes: Vec::new(),
    }
}

fn domain(id: u16, second: u64, stamp: Stamp) -> Domain {
    // Another order in each second.
    let work = second * (u64::from(id) * 7919 * second % 1009);
    let mut disk = Disk::without_counters(51712, "xvda".into(), DiskBackend::Blkback, stamp);
    for counter in [DiskCounter::ReadRequests, DiskCounter::WriteRequests] {
        disk[counter] = Some(work);
    }
    disk[DiskCounter::ReadBytes] = Some(work << 12);
    disk[DiskCounter::WriteBytes] = Some(work << 14);
    Domain {
        id: DomId(id),
        uuid: Uuid::from_u128(u128::from(id) + 1),
        name: Some(format!("customer-{id}-web-server").into()),
        kind: DomainType::Pvh,
        states: StateFlags {
            running: work.is_multiple_of(2),
            blocked: !work.is_multiple_of(2),
            ..StateFlags::default()
        },
        vcpus_online: 4,
        vcpus_max: 4,
        cpu_time_ns: work * 1_000_000,
        memory_bytes: 1 << 30,
        memory_max_bytes: Some(1 << 31),
        nics: Some(vec![Nic {
            id: 0,
            device: format!("vif{id}.0"),
            mac: None,
            counters: enum_map! {
                NicCounter::RxBytes => Some(work << 10),
                NicCounter::TxBytes => Some(work << 8),
                NicCounter::RxPackets | NicCounter::TxPackets => Some(work),
                _ => Some(0),
            },
            stamp,
        }]),
        disks: Some(vec![disk]),
        stamp,
        ..Domain::default()
    }
}

/// The host after so many seconds, and a second before that.
fn pair(second: u64) -> Pair {
    let [older, newer] = [second - 1, second].map(|second| Arc::new(snapshot(second, 1000)));
    Pair {
        older: Some(older),
        newer,
    }
}

/// A state with a full history, and a terminal that writes to nowhere.
fn watching() -> (App, Terminal<CrosstermBackend<io::Sink>>) {
    let shows = Shows {
        depth: Depth::True,
        unicode: true,
    };
    let mut state = App::new(Settings::default(), DisplayOptions::default(), shows);
    for second in 1..130 {
        state.take(&pair(second));
    }
    let options = TerminalOptions {
        viewport: Viewport::Fixed(Rect::new(0, 0, 200, 60)),
    };
    let backend = CrosstermBackend::new(io::sink());
    match Terminal::with_options(backend, options) {
        Ok(terminal) => (state, terminal),
        Err(error) => unreachable!("a sink takes everything: {error}"),
    }
}

fn frames(criterion: &mut Criterion) {
    let (mut state, mut terminal) = watching();
    criterion.bench_function("frame after a key", |bencher| {
        let down = Event::Key(KeyCode::Down.into());
        bencher.iter(|| {
            black_box(state.handle(&down));
            black_box(terminal.draw(|frame| draw(&mut state, frame)).is_ok());
        });
    });
    let mut second = 130;
    criterion.bench_function("frame after a sample, with taking it in", |bencher| {
        bencher.iter_batched(
            || {
                second += 1;
                pair(second)
            },
            |pair| {
                state.take(&pair);
                black_box(terminal.draw(|frame| draw(&mut state, frame)).is_ok());
            },
            criterion::BatchSize::LargeInput,
        );
    });
}

criterion_group!(benches, frames);
criterion_main!(benches);
