//! What keys and the mouse do.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use ratatui::crossterm::event::{Event, KeyCode, KeyModifiers, MouseEvent, MouseEventKind};

use crate::fixtures::at_work;
use crate::view::tui::testing::{column, control, ids, key, keys, lines, watching};
use crate::view::tui::{App, Column, Command, Settings, testing};

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
        "a name may have a q"
    );
}

#[test]
fn space_shows_and_hides_a_column() {
    let mut app = watching(2);
    keys(&mut app, "cjj ");
    assert!(lines(&mut app, 80, 24)[7].starts_with("[x] TYPE"));
    key(&mut app, KeyCode::Esc);
    assert!(lines(&mut app, 200, 24)[4].contains("NAME         TYPE  STATE"));
    keys(&mut app, "c");
    for _ in Column::all() {
        keys(&mut app, " j");
    }
    assert_eq!(
        app.settings().columns.len(),
        Column::all().len() - Column::usual().count() - 1
    );
    let mut one = testing::app(Settings {
        columns: vec![Column::ID],
        ..Settings::default()
    });
    keys(&mut one, "c ");
    assert_eq!(one.settings().columns, [Column::ID], "one is left");
}

#[test]
fn interval_by_step_and_by_number() {
    let mut app = watching(2);
    let seconds = |app: &App| app.settings().interval;
    keys(&mut app, "+");
    assert_eq!(seconds(&app), Duration::from_secs(5));
    keys(&mut app, "---");
    assert_eq!(seconds(&app), Duration::from_secs(1));
    keys(&mut app, "D0.25");
    key(&mut app, KeyCode::Enter);
    assert_eq!(seconds(&app), Duration::from_millis(250));
    keys(&mut app, "d-1");
    key(&mut app, KeyCode::Enter);
    assert_eq!(seconds(&app), Duration::from_millis(250));
    assert!(lines(&mut app, 80, 24)[23].contains("0.01 to 86400"));
    keys(&mut app, "d7");
    key(&mut app, KeyCode::Esc);
    assert_eq!(seconds(&app), Duration::from_millis(250));
}

#[test]
fn paused_screen_stays() {
    let mut app = watching(3);
    keys(&mut app, "p");
    let held = lines(&mut app, 80, 24);
    assert!(held[0].contains("PAUSED"));
    app.changed();
    app.take(at_work(9).1);
    assert!(!app.changed(), "nothing to draw");
    assert_eq!(lines(&mut app, 80, 24), held);
    keys(&mut app, "1");
    assert_eq!(ids(&app), [0, 1, 2], "it can be looked at as ever");
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
fn needs_follow_what_is_shown() {
    let mut app = watching(3);
    let needs = |app: &App| {
        let collect = app.collect();
        let focus = collect.focus.map(|domain| domain.id.0);
        (collect.vcpus, focus, collect.host)
    };
    assert_eq!(needs(&app), (false, None, false));
    keys(&mut app, "v");
    assert_eq!(needs(&app), (true, None, false));
    keys(&mut app, "vP");
    assert_eq!(needs(&app), (false, None, true));
    keys(&mut app, "P");
    key(&mut app, KeyCode::Enter);
    // Of the chosen one, and of no other.
    let chosen = ids(&app)[0];
    assert_eq!(needs(&app), (false, Some(chosen), false));
}
