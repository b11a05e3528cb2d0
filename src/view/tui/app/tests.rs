//! Tests of what keys and the mouse do.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use jiff::Timestamp;
use ratatui::crossterm::event::{Event, KeyCode, KeyModifiers, MouseEvent, MouseEventKind};

use crate::feed::{Feed, Pair, Recorded};
use crate::fixtures::{SECOND, at_work, boot, counting, domain, equipped, snapshot};
use crate::moment;
use crate::snapshot::{Collect, Snapshot};
use crate::view::tui::testing::{column, control, ids, key, keys, last, lines, take, watching};
use crate::view::tui::{App, Column, Command, Settings, Step, testing};

#[test]
fn commands_are_left_to_the_driver() {
    let mut app = watching(2);
    assert_eq!(key(&mut app, KeyCode::Char('q')), Some(Command::Quit));
    assert_eq!(key(&mut app, KeyCode::Char('Q')), Some(Command::Quit));
    assert_eq!(key(&mut app, KeyCode::Char('W')), Some(Command::Save));
    for (c, command) in [
        ('c', Some(Command::Quit)),
        ('z', Some(Command::Suspend)),
        ('l', Some(Command::Redraw)),
        ('x', None),
    ] {
        assert_eq!(control(&mut app, c), command);
    }
    keys(&mut app, "/");
    assert_eq!(
        key(&mut app, KeyCode::Char('q')),
        None,
        "a name may contain a q"
    );
}

#[test]
fn paused_screen_stays() {
    let mut app = watching(3);
    keys(&mut app, "p");
    let paused = lines(&mut app, 80, 24);
    assert!(paused[0].contains("PAUSED"));
    app.changed();
    take(&mut app, at_work(9).1);
    assert!(!app.changed(), "nothing to draw");
    assert_eq!(lines(&mut app, 80, 24), paused);
    keys(&mut app, "1");
    assert_eq!(ids(&app), [0, 1, 2], "the keys work while paused");
    keys(&mut app, "p");
    assert_eq!(ids(&app).len(), 9);
}

#[test]
fn only_changes_are_drawn() {
    let mut app = watching(3);
    assert!(app.changed());
    assert!(!app.changed());
    app.handle(&Event::Mouse(MouseEvent {
        kind: MouseEventKind::Moved,
        column: 3,
        row: 3,
        modifiers: KeyModifiers::NONE,
    }));
    app.handle(&Event::FocusGained);
    assert!(!app.changed());
    app.handle(&Event::Resize(40, 12));
    assert!(app.changed());
}

#[test]
fn collects_what_the_screen_needs() {
    let mut app = watching(3);
    let collected = |app: &App| {
        let collect = app.collect();
        let focus = collect.focus.map(|domain| domain.id.0);
        (collect.vcpus, focus)
    };
    assert_eq!(collected(&app), (false, None));
    keys(&mut app, "v");
    assert_eq!(collected(&app), (true, None));
    keys(&mut app, "vP");
    assert_eq!(collected(&app), (false, None));
    keys(&mut app, "P");
    key(&mut app, KeyCode::Enter);
    // Only of the chosen domain.
    let chosen = ids(&app)[0];
    assert_eq!(collected(&app), (false, Some(chosen)));
}

#[test]
fn counters_on_the_screen_are_collected() {
    for pressed in ["", "nb"] {
        let screen = |limited: bool| {
            let mut app = testing::app(Settings::default());
            keys(&mut app, pressed);
            let collect = app.collect();
            let (old, new) = equipped();
            for snapshot in [old, new] {
                let snapshot = match limited {
                    true => counting(collect, snapshot),
                    false => snapshot,
                };
                take(&mut app, snapshot);
            }
            lines(&mut app, 120, 40)
        };
        assert_eq!(screen(true), screen(false), "{pressed}");
    }
}

#[test]
fn counters_of_new_rows_come_with_the_next_sample() {
    let mut app = testing::app(Settings::default());
    let (old, new) = equipped();
    let collect = app.collect();
    take(&mut app, counting(collect, old));
    keys(&mut app, "b");
    let line = last(&mut app);
    assert!(line.starts_with("disks: with the next sample"), "{line}");
    let collect = app.collect();
    take(&mut app, counting(collect, new));
    assert!(last(&mut app).starts_with("? help"));
}

#[test]
fn new_interval_is_shown() {
    let mut app = watching(2);
    keys(&mut app, "+");
    assert_eq!(lines(&mut app, 40, 10)[9], "every 5 s");
    keys(&mut app, "--");
    assert_eq!(lines(&mut app, 40, 10)[9], "every 2 s");
}

#[test]
fn missing_column_is_collected() {
    let mut app = testing::app(Settings {
        columns: vec![Column::ID],
        sort: Column::ID,
        descending: false,
        ..Settings::default()
    });
    let mut next = at_work(2).1;
    next.domains[1].memory_static_max_bytes = Some(96 << 20);
    take(&mut app, next.clone());
    assert!(!app.collect().details);
    app.settings.columns.push(column("memory_static_max_bytes"));
    assert!(app.collect().details);
    assert_eq!(lines(&mut app, 80, 24)[5].trim(), "0");
    assert!(last(&mut app).starts_with("columns: with the next sample"));
    next.collected.details = true;
    take(&mut app, next);
    let shown = lines(&mut app, 80, 24);
    assert!(
        shown.iter().any(|line| line.ends_with(" 96.0M")),
        "{shown:?}"
    );
    assert!(last(&mut app).starts_with("? help"));
}

#[test]
fn filled_in_parts_are_shown_at_once() {
    let mut app = testing::app(Settings::default());
    let (first, second) = equipped();
    let mut bare = second.clone();
    bare.domains[1].vcpus = None;
    bare.collected = Collect {
        nics: true,
        disks: true,
        driver_domains: true,
        ..Collect::default()
    };
    take(&mut app, first.clone());
    take(&mut app, bare);
    keys(&mut app, "/web");
    key(&mut app, KeyCode::Enter);
    key(&mut app, KeyCode::Enter);
    let waiting = lines(&mut app, 120, 40);
    let has = |lines: &[String], text: &str| lines.iter().any(|line| line.contains(text));
    assert!(has(&waiting, "vCPUs: with the next sample"), "{waiting:#?}");
    let histories = app.live.histories.clone();
    app.changed();
    app.fill_in(&Pair {
        older: Some(Arc::new(first)),
        newer: Arc::new(second),
    });
    assert!(app.changed());
    let shown = lines(&mut app, 120, 40);
    assert!(has(&shown, "HARD AFFINITY"), "{shown:#?}");
    assert_eq!(shown[..10], waiting[..10], "the rates are the same");
    assert_eq!(
        app.live.histories, histories,
        "the charts have no new point"
    );
}

/// Returns nine snapshots, one second apart, of dom0 and web. The CPU use of web grows; the last
/// three snapshots are of another boot.
fn recorded() -> Recorded {
    let at = |second: u64| {
        let at_ns = second * SECOND;
        let web = domain(5, "web", at_ns, second * second * SECOND / 20);
        let dom0 = domain(0, "Domain-0", at_ns, at_ns / 4);
        Snapshot {
            time: wall_clock(second),
            boot: boot(u128::from(second / 7)),
            ..snapshot(at_ns, at_ns / 2, vec![dom0, web])
        }
    };
    Recorded::new((1..10).map(at).collect())
}

fn wall_clock(second: u64) -> Timestamp {
    Timestamp::from_second(second as i64).unwrap()
}

/// Returns an app with all samples up to this second.
fn watched_until(second: u64) -> App {
    let mut feed = recorded();
    let mut app = testing::app(Settings::default());
    while let Some(pair) = feed.next().unwrap() {
        if pair.newer.time > wall_clock(second) {
            break;
        }
        app.take(&pair);
    }
    app
}

#[test]
fn jump_shows_the_charts_of_that_time() {
    let mut feed = recorded();
    let mut app = watched_until(9);
    let mut jump = |to: u64| {
        feed.go_to(wall_clock(to)).unwrap().unwrap();
        app.jump(&feed.recent(100).unwrap());
        let expected = watched_until(to);
        assert_eq!(app.shown_time(), expected.shown_time());
        let record = app.record();
        assert_eq!(record.histories, expected.live.histories);
        let web = domain(5, "web", 0, 0).identity();
        let cpu = &record.histories.of(web).unwrap().cpu;
        let steps: Vec<_> = cpu.last(9).flatten().map(f32::round).collect();
        assert_eq!(figures(&mut app), figures(&mut watched_until(to)));
        steps
    };
    assert_eq!(jump(5), [15.0, 25.0, 35.0, 45.0]);
    assert_eq!(jump(4), [15.0, 25.0, 35.0]);
    assert_eq!(jump(6), [15.0, 25.0, 35.0, 45.0, 55.0]);
    // A new boot clears the charts.
    assert!(jump(7).is_empty());
    assert_eq!(jump(9), [75.0, 85.0]);
    assert_eq!(jump(2), [15.0]);
}

#[test]
fn no_events_of_the_past_are_those_of_its_samples() {
    let mut app = watched_until(9);
    let mut feed = recorded();
    feed.go_to(wall_clock(5)).unwrap().unwrap();
    app.jump(&feed.recent(100).unwrap());
    keys(&mut app, "e");
    let page = lines(&mut app, 80, 24);
    let text = "no events in the 4 s before this; 'xenscope events --from' has all";
    assert!(page.iter().any(|line| line == text), "{page:?}");
}

/// Returns the lines that have only figures.
fn figures(app: &mut App) -> Vec<String> {
    let mut screen = lines(app, 80, 24);
    screen.truncate(23);
    screen.retain(|line| !line.starts_with("HURT"));
    screen.split_off(1)
}

#[test]
fn jump_ends_a_pause_if_there_is_a_sample() {
    let mut feed = recorded();
    let mut app = watched_until(5);
    keys(&mut app, "p");
    app.jump(&[]);
    assert!(lines(&mut app, 80, 24)[0].contains("PAUSED"));
    feed.go_to(wall_clock(3)).unwrap();
    app.jump(&feed.recent(100).unwrap());
    let screen = lines(&mut app, 80, 24);
    assert!(screen[0].contains(" THE PAST "), "{}", screen[0]);
    assert_eq!(figures(&mut app), figures(&mut watched_until(3)));
    let keys = "some columns were not recorded  ? help  q quit  [ ] step  { } minute";
    assert!(screen[23].starts_with(keys), "{}", screen[23]);
    // A pane keeps its own, and a list has no others.
    key(&mut app, KeyCode::Char('w'));
    let pressure = last(&mut app);
    assert!(
        pressure.contains("w back  Enter detail  ? help"),
        "{pressure}"
    );
    key(&mut app, KeyCode::Char('?'));
    let help = last(&mut app);
    assert!(help.starts_with("Esc back  Tab keys"), "{help}");
}

#[test]
fn only_what_is_shown_and_missing_is_not_recorded() {
    // As 'xenscope record' without options.
    let plain = Collect {
        vcpus: false,
        affinities: false,
        scheduling: false,
        paging_pools: false,
        audit_inputs: false,
        state_times: false,
        ..Collect::ALL
    };
    let with_vcpus = Collect {
        vcpus: true,
        affinities: true,
        ..plain
    };
    let no_vcpus = "vCPUs: not recorded ('xenscope record --vcpus' does that)";
    for (collected, has_vcpus) in [(plain, false), (with_vcpus, true)] {
        let mut pair = recorded().next().unwrap().unwrap();
        Arc::make_mut(&mut pair.newer).collected = collected;
        let mut app = watching(3);
        app.jump(&[pair]);
        lines(&mut app, 80, 40);
        key(&mut app, KeyCode::Enter);
        let page = lines(&mut app, 80, 40);
        let (status, page) = page.split_last().unwrap();
        assert!(!status.contains("not recorded"), "{status}");
        let scheduler = "scheduler  not recorded ('xenscope record --ready' does that)";
        assert!(
            page.iter().any(|line| line.starts_with(scheduler)),
            "{page:#?}"
        );
        assert_eq!(
            page.iter().any(|line| line == no_vcpus),
            !has_vcpus,
            "{page:#?}"
        );
        // All pCPUs are there, but not who runs on them.
        for pane in ["U", "C"] {
            keys(&mut app, pane);
            let status = last(&mut app);
            assert_eq!(status.starts_with(no_vcpus), !has_vcpus, "{status}");
        }
    }
}

#[test]
fn the_past_stays_until_the_newest_is_shown() {
    let mut feed = recorded();
    let mut app = watched_until(8);
    feed.go_to(wall_clock(3)).unwrap();
    app.jump(&feed.recent(100).unwrap());
    take(&mut app, at_work(9).1);
    assert_eq!(app.shown_time(), Some(wall_clock(3)));
    app.follow(&feed.next().unwrap().unwrap());
    assert_eq!(figures(&mut app), figures(&mut watched_until(4)));
    app.play(true);
    let host = &lines(&mut app, 80, 24)[0];
    assert!(
        host.contains("THE PAST, PLAYING") && host.contains("1970-01-01"),
        "{host}"
    );
    app.show_newest();
    assert_eq!(ids(&app).len(), 9);
    assert!(!lines(&mut app, 80, 24)[0].contains("PAST"));
}

#[test]
fn keys_go_to_other_times() {
    let mut app = watching(3);
    let go = |step| Some(Command::Go(step));
    let mut press = |c| key(&mut app, KeyCode::Char(c));
    assert_eq!(press('['), go(Step::Previous));
    assert_eq!(press(']'), go(Step::Next));
    assert_eq!(press('{'), go(Step::Seconds(-60)));
    assert_eq!(press('}'), go(Step::Seconds(60)));
    assert_eq!(key(&mut app, KeyCode::End), None, "the last domain");
    keys(&mut app, "t2026-11-28T03:00:00Z");
    let time = "2026-11-28T03:00:00Z".parse().unwrap();
    assert_eq!(key(&mut app, KeyCode::Enter), go(Step::To(time)));
    keys(&mut app, "tnoon");
    assert_eq!(key(&mut app, KeyCode::Enter), None);
    assert!(last(&mut app).contains("not a time"), "{}", last(&mut app));
    app.jump(&[recorded().next().unwrap().unwrap()]);
    assert_eq!(key(&mut app, KeyCode::End), go(Step::Newest));
    // A clock alone is of the shown day.
    let time = moment::near("00:30", app.shown_time().unwrap()).unwrap();
    keys(&mut app, "t00:30");
    assert_eq!(key(&mut app, KeyCode::Enter), go(Step::To(time)));
    for c in [' ', 'p'] {
        assert_eq!(key(&mut app, KeyCode::Char(c)), go(Step::Play));
    }
    keys(&mut app, "R");
    assert!(
        last(&mut app).contains("ready time was not recorded"),
        "{}",
        last(&mut app)
    );
    assert!(!app.collect().state_times, "nothing can be measured");
}
