//! What keys and the mouse do.
#![allow(clippy::unwrap_used)]

use ratatui::crossterm::event::{Event, KeyCode, KeyModifiers, MouseEvent, MouseEventKind};

use crate::fixtures::at_work;
use crate::view::tui::testing::{column, control, ids, key, keys, last, lines, take, watching};
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
fn paused_screen_stays() {
    let mut app = watching(3);
    keys(&mut app, "p");
    let held = lines(&mut app, 80, 24);
    assert!(held[0].contains("PAUSED"));
    app.changed();
    take(&mut app, at_work(9).1);
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

#[test]
fn new_interval_is_told() {
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
        ..Settings::default()
    });
    let mut next = at_work(2).1;
    next.domains[1].memory_target_bytes = Some(96 << 20);
    take(&mut app, next.clone());
    assert!(!app.collect().targets);
    app.settings.columns.push(column("memory_target_bytes"));
    assert!(app.collect().targets);
    assert_eq!(lines(&mut app, 80, 24)[5].trim(), "0");
    assert!(last(&mut app).starts_with("columns: with the next sample"));
    next.collected.targets = true;
    take(&mut app, next);
    let shown = lines(&mut app, 80, 24);
    assert!(
        shown.iter().any(|line| line.ends_with(" 96.0M")),
        "{shown:?}"
    );
    assert!(last(&mut app).starts_with("? help"));
}
