//! Measures the time to draw a frame of `xenscope top`: 1,000 domains, 200 columns by 60 rows.
//!
//! `cargo bench --bench frame`

#[allow(dead_code, reason = "the tests of the library use the rest")]
#[path = "../src/fixtures.rs"]
mod fixtures;

use std::hint::black_box;
use std::io;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{Event, KeyCode};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
// `fixtures` imports it from the crate's root, as in the library.
use xenscope::feed::Pair;
use xenscope::snapshot;
use xenscope::view::DisplayOptions;
use xenscope::view::tui::{App, Depth, Settings, Terminal as Shows, draw};

use fixtures::{ReadAt, SECOND, disk, domain, nic, pcpus};
use snapshot::{DiskCounter, Domain, Snapshot};

/// Returns a host with this many domains at this second. Each domain uses two NICs and a disk, and the
/// busiest domain changes each second.
fn host_at(second: u64, domains: u16) -> Snapshot {
    let at_ns = second * SECOND;
    let domains = (0..domains).map(|id| {
        let work = second * (u64::from(id) * 7919 * second % 1009);
        let requests = [DiskCounter::ReadRequests, DiskCounter::WriteRequests];
        let disk = disk(51712, work << 12, work << 14);
        let name = format!("customer-{id}-web-server");
        let mut domain = domain(id, &name, at_ns, work * 1_000_000);
        domain.states.running = work.is_multiple_of(2);
        domain.states.blocked = !domain.states.running;
        Domain {
            vcpus_online: 4,
            nics: Some(vec![
                nic(0, work << 10, work << 8).at(at_ns, []),
                nic(1, work << 6, work << 4).at(at_ns, []),
            ]),
            disks: Some(vec![disk.at(at_ns, requests.map(|one| (one, Some(work))))]),
            ..domain
        }
    });
    let mut snapshot = fixtures::snapshot(at_ns, 0, domains.collect());
    snapshot.host.pcpu = pcpus(64, at_ns);
    snapshot
}

/// Returns the host at this second, and a second before.
fn pair(second: u64) -> Pair {
    let [older, newer] = [second - 1, second].map(|second| Arc::new(host_at(second, 1000)));
    Pair {
        older: Some(older),
        newer,
    }
}

/// Returns an app with a full history, and a terminal whose output is discarded.
fn watching() -> (App, Terminal<CrosstermBackend<io::Sink>>) {
    let shows = Shows {
        depth: Depth::True,
        unicode: true,
    };
    let mut app = App::new(Settings::default(), DisplayOptions::default(), shows);
    for second in 1..130 {
        app.take(&pair(second));
    }
    let options = TerminalOptions {
        viewport: Viewport::Fixed(Rect::new(0, 0, 200, 60)),
    };
    let backend = CrosstermBackend::new(io::sink());
    match Terminal::with_options(backend, options) {
        Ok(terminal) => (app, terminal),
        Err(error) => unreachable!("writing to a sink never fails: {error}"),
    }
}

fn frames(criterion: &mut Criterion) {
    frames_of(criterion, "", KeyCode::Home);
    frames_of(criterion, " of all NICs", KeyCode::Char('I'));
}

/// Measures the frames of the pane that this key shows.
fn frames_of(criterion: &mut Criterion, pane: &str, shows: KeyCode) {
    let (mut app, mut terminal) = watching();
    app.handle(&Event::Key(shows.into()));
    criterion.bench_function(&format!("handle a key and draw a frame{pane}"), |bencher| {
        let down = Event::Key(KeyCode::Down.into());
        bencher.iter(|| {
            black_box(app.handle(&down));
            black_box(terminal.draw(|frame| draw(&mut app, frame)).is_ok());
        });
    });
    let mut second = 130;
    criterion.bench_function(
        &format!("process a sample and draw a frame{pane}"),
        |bencher| {
            bencher.iter_batched(
                || {
                    second += 1;
                    pair(second)
                },
                |pair| {
                    app.take(&pair);
                    black_box(terminal.draw(|frame| draw(&mut app, frame)).is_ok());
                },
                criterion::BatchSize::LargeInput,
            );
        },
    );
}

criterion_group!(benches, frames);
criterion_main!(benches);
