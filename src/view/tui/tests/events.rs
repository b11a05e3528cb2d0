//! What keys and the mouse do.

use std::time::Duration;

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::*;
use crate::view::tui::Column;

/// The ids in the table, from the top.
fn ids(state: &State) -> Vec<u16> {
    let snapshot = state.sample().unwrap().snapshot;
    let ids = state.rows.iter().map(|&row| snapshot.domains[row].id.0);
    ids.collect()
}

fn click(state: &mut State, column: u16, row: u16) {
    state.handle(&Event::Mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row,
        modifiers: KeyModifiers::NONE,
    }));
}

#[test]
fn quitting_and_stopping_are_for_the_driver() {
    let mut state = watching(2);
    assert_eq!(key(&mut state, KeyCode::Char('q')), Some(Command::Quit));
    assert_eq!(key(&mut state, KeyCode::Char('Q')), Some(Command::Quit));
    assert_eq!(key(&mut state, KeyCode::Char('W')), Some(Command::Save));
    let mut control = |c| {
        state.handle(&Event::Key(KeyEvent::new(
            KeyCode::Char(c),
            KeyModifiers::CONTROL,
        )))
    };
    assert_eq!(control('c'), Some(Command::Quit));
    assert_eq!(control('z'), Some(Command::Suspend));
    assert_eq!(control('l'), Some(Command::Redraw));
    assert_eq!(control('x'), None);
    keys(&mut state, "/");
    assert_eq!(
        key(&mut state, KeyCode::Char('q')),
        None,
        "a name may have a q"
    );
}

#[test]
fn the_filter_works_as_one_types() {
    let mut state = watching(12);
    keys(&mut state, "/guest-1");
    assert_eq!(ids(&state), [11, 10, 1]);
    assert!(lines(&mut state, 80, 24)[23].starts_with("/guest-1"));
    key(&mut state, KeyCode::Backspace);
    assert_eq!(ids(&state).len(), 11);
    keys(&mut state, "11");
    key(&mut state, KeyCode::Enter);
    assert_eq!(ids(&state), [11]);
    assert!(lines(&mut state, 80, 24)[23].starts_with("/guest-11 (1 of 12)"));
    key(&mut state, KeyCode::Esc);
    assert_eq!(ids(&state).len(), 12);
}

#[test]
fn every_column_can_be_sorted_by() {
    let mut state = watching(5);
    assert_eq!(ids(&state), [4, 3, 2, 1, 0]);
    keys(&mut state, "r");
    assert_eq!(ids(&state), [0, 1, 2, 3, 4]);
    keys(&mut state, "2");
    assert_eq!(state.settings().sort, Column::Name);
    assert_eq!(ids(&state), [0, 1, 2, 3, 4]);
    keys(&mut state, "2");
    assert_eq!(ids(&state), [4, 3, 2, 1, 0]);
    keys(&mut state, "S");
    assert_eq!(state.settings().sort, Column::State);
    keys(&mut state, "<<<");
    assert_eq!(state.settings().sort, Column::DiskWritten);
    for (place, column) in Column::ALL.into_iter().enumerate() {
        keys(&mut state, "s");
        key(&mut state, KeyCode::Home);
        for _ in 0..place {
            key(&mut state, KeyCode::Down);
        }
        key(&mut state, KeyCode::Enter);
        assert_eq!(state.settings().sort, column);
        assert_eq!(ids(&state).len(), 5);
    }
}

#[test]
fn columns_are_chosen_from_all_there_are() {
    let mut state = watching(2);
    keys(&mut state, "cjj ");
    assert!(lines(&mut state, 80, 24)[7].starts_with("[x] TYPE"));
    key(&mut state, KeyCode::Esc);
    assert!(lines(&mut state, 200, 24)[4].contains("NAME         TYPE  STATE"));
    keys(&mut state, "c");
    for _ in Column::ALL {
        keys(&mut state, " j");
    }
    assert_eq!(
        state.settings().columns.len(),
        Column::ALL.len() - Column::USUAL.len() - 1
    );
    let mut one = super::state(Settings {
        columns: vec![Column::Id],
        ..Settings::default()
    });
    keys(&mut one, "c ");
    assert_eq!(one.settings().columns, [Column::Id], "one is left");
}

#[test]
fn the_interval_is_set_by_steps_and_by_number() {
    let mut state = watching(2);
    let seconds = |state: &State| state.settings().interval;
    keys(&mut state, "+");
    assert_eq!(seconds(&state), Duration::from_secs(5));
    keys(&mut state, "---");
    assert_eq!(seconds(&state), Duration::from_secs(1));
    keys(&mut state, "D0.25");
    key(&mut state, KeyCode::Enter);
    assert_eq!(seconds(&state), Duration::from_millis(250));
    keys(&mut state, "d-1");
    key(&mut state, KeyCode::Enter);
    assert_eq!(seconds(&state), Duration::from_millis(250));
    assert!(lines(&mut state, 80, 24)[23].contains("0.01 to 86400"));
    keys(&mut state, "d7");
    key(&mut state, KeyCode::Esc);
    assert_eq!(seconds(&state), Duration::from_millis(250));
}

#[test]
fn a_click_sorts_or_chooses() {
    let mut state = watching(5);
    lines(&mut state, 80, 24);
    click(&mut state, 6, 4);
    assert_eq!(state.settings().sort, Column::Name);
    click(&mut state, 6, 7);
    assert_eq!(state.cursor.chosen().unwrap().id.0, 2);
    // With lines below each domain, a line belongs to the domain above it.
    keys(&mut state, "n");
    lines(&mut state, 80, 24);
    click(&mut state, 6, 9);
    assert_eq!(state.cursor.chosen().unwrap().id.0, 1);
    for (x, y) in [(6, 23), (6, 22), (6, 0), (79, 4), (500, 500)] {
        click(&mut state, x, y);
    }
    assert_eq!(state.cursor.chosen().unwrap().id.0, 1);
}

#[test]
fn what_is_held_stays_while_samples_come() {
    let mut state = watching(3);
    keys(&mut state, "p");
    let held = lines(&mut state, 80, 24);
    assert!(held[0].contains("PAUSED"));
    state.changed();
    state.take(at_work(9).1);
    assert!(!state.changed(), "nothing to draw");
    assert_eq!(lines(&mut state, 80, 24), held);
    keys(&mut state, "1");
    assert_eq!(ids(&state), [0, 1, 2], "it can be looked at as ever");
    keys(&mut state, "p");
    assert_eq!(ids(&state).len(), 9);
}

#[test]
fn only_what_changes_something_is_a_reason_to_draw() {
    let mut state = watching(3);
    assert!(state.changed());
    assert!(!state.changed());
    state.handle(&Event::Mouse(MouseEvent {
        kind: MouseEventKind::Moved,
        column: 3,
        row: 3,
        modifiers: KeyModifiers::NONE,
    }));
    state.handle(&Event::FocusGained);
    assert!(!state.changed());
    state.handle(&Event::Resize(40, 12));
    assert!(state.changed());
}

#[test]
fn what_is_asked_of_the_hypervisor_is_what_is_shown() {
    let mut state = watching(3);
    let needs = |state: &State| {
        let needs = state.needs();
        (needs.vcpus, needs.details, needs.host)
    };
    assert_eq!(needs(&state), (false, false, false));
    keys(&mut state, "v");
    assert_eq!(needs(&state), (true, false, false));
    keys(&mut state, "vP");
    assert_eq!(needs(&state), (false, false, true));
    keys(&mut state, "P");
    key(&mut state, KeyCode::Enter);
    assert_eq!(needs(&state), (true, true, false));
}
