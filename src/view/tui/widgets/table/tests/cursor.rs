//! Tests of the cursor.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{Event, KeyCode, KeyModifiers};

use crate::fixtures::at_work;
use crate::snapshot::{Domain, Snapshot};
use crate::view::tui::testing::{app, key, keys, lines, take, watching};
use crate::view::tui::{App, Settings, draw};

/// Returns the snapshot with only these domains. Their CPU use differs, and changes with `round`.
fn only(all: &Snapshot, ids: &BTreeSet<u16>, round: u64) -> Snapshot {
    let mut snapshot = all.clone();
    snapshot.domains.retain(|domain| ids.contains(&domain.id.0));
    snapshot.stamp.at_ns += round * 1_000_000_000;
    for domain in &mut snapshot.domains {
        domain.stamp = snapshot.stamp;
        // Another order in each round.
        domain.cpu_time_ns += round * (u64::from(domain.id.0) * 7919 * round % 1_000_003);
    }
    snapshot
}

/// Returns the line under the cursor; `None` if it is not visible.
fn chosen_line(app: &mut App, width: u16, height: u16) -> Option<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(app, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let reversed = |y: &u16| {
        let style = buffer[(0, *y)].style();
        style
            .add_modifier
            .contains(ratatui::style::Modifier::REVERSED)
    };
    // The first reversed line has the titles.
    let y = (0..height).filter(reversed).nth(1)?;
    Some((0..width).map(|x| buffer[(x, y)].symbol()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn cursor_stays_on_its_domain(
        chosen in 0_u16..2000,
        gone in prop::collection::vec(prop::collection::btree_set(0_u16..2000, 0..1900), 1..4),
        keys_between in prop::collection::vec(prop::sample::select(vec!["r", "S", "1", "n", ""]), 4),
    ) {
        let all = at_work(2000).0;
        let mut app = app(Settings::default());
        take(&mut app, all.clone());
        let row = app.widgets.table.rows().iter().position(|&row| row == usize::from(chosen)).unwrap();
        let (context, widgets) = app.parts();
        widgets.table.choose(context, row);
        for (round, (gone, typed)) in (1..).zip(gone.iter().zip(&keys_between)) {
            let mut ids: BTreeSet<u16> = (0..2000).filter(|id| !gone.contains(id)).collect();
            ids.insert(chosen);
            take(&mut app, only(&all, &ids, round));
            keys(&mut app, typed);
            prop_assert_eq!(app.widgets.table.chosen().unwrap().id.0, chosen);
            let line = chosen_line(&mut app, 80, 24).unwrap();
            prop_assert!(line.trim_start().starts_with(&format!("{chosen} ")), "{}", line);
        }
        // If the domain is gone, another is chosen; if no domain is left, none.
        let ids = (0..2000).filter(|&id| id != chosen && id % 2 == 0).collect();
        take(&mut app, only(&all, &ids, 9));
        prop_assert!(app.widgets.table.chosen().is_some_and(|other| other.id.0 != chosen));
        prop_assert!(chosen_line(&mut app, 80, 24).is_some());
        take(&mut app, only(&all, &BTreeSet::new(), 10));
        prop_assert!(app.widgets.table.chosen().is_none());
        lines(&mut app, 80, 24);
    }
}

/// Returns the snapshot after a change to each domain.
fn changed(snapshot: &Snapshot, change: impl Fn(&mut Domain)) -> Snapshot {
    let mut snapshot = snapshot.clone();
    snapshot.domains.iter_mut().for_each(change);
    snapshot
}

#[test]
fn cursor_follows_uuid_not_name() {
    let mut app = watching(5);
    keys(&mut app, "jj");
    assert!(chosen_line(&mut app, 80, 24).unwrap().contains("guest-3"));
    let (_, new) = at_work(5);
    take(
        &mut app,
        changed(&new, |domain| domain.name = Some("other".into())),
    );
    assert!(
        chosen_line(&mut app, 80, 24)
            .unwrap()
            .starts_with("  3 other")
    );
    let reused = changed(&new, |domain| {
        if domain.id.0 == 3 {
            domain.uuid = uuid::Uuid::from_u128(777);
        }
    });
    let before = app.widgets.table.chosen().unwrap();
    take(&mut app, reused);
    assert_ne!(app.widgets.table.chosen().unwrap(), before);
}

#[test]
fn filter_keeps_the_cursor() {
    let mut app = watching(5);
    keys(&mut app, "jj/guest-1");
    assert_eq!(chosen_line(&mut app, 80, 24), None);
    key(&mut app, KeyCode::Esc);
    assert!(chosen_line(&mut app, 80, 24).unwrap().contains("guest-3"));
}

#[test]
fn wheel_scrolls_without_the_cursor() {
    use ratatui::crossterm::event::{MouseEvent, MouseEventKind};
    let mut app = watching(100);
    keys(&mut app, "j/guest");
    lines(&mut app, 80, 24);
    for _ in 0..10 {
        app.handle(&Event::Mouse(MouseEvent {
            kind: MouseEventKind::ScrollDown,
            column: 5,
            row: 10,
            modifiers: KeyModifiers::NONE,
        }));
    }
    assert!(lines(&mut app, 80, 24)[5].starts_with(" 69 guest-69"));
    assert_eq!(chosen_line(&mut app, 80, 24), None);
    take(&mut app, at_work(100).1);
    assert!(lines(&mut app, 80, 24)[5].contains("guest-"));
    key(&mut app, KeyCode::Enter);
    keys(&mut app, "j");
    assert!(chosen_line(&mut app, 80, 24).is_some());
}
