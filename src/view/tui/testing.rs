//! Helpers for tests of the live view on fixtures.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::theme::{Depth, Terminal as Shows};
use super::{App, Column, Command, Settings, draw};
use crate::feed::Pair;
use crate::fixtures::at_work;
use crate::snapshot::Snapshot;
use crate::view::DisplayOptions;

/// Returns the column with this key.
pub(super) fn column(key: &str) -> Column {
    Column::by_key(key).unwrap()
}

/// Returns an app without a sample.
pub(super) fn app(settings: Settings) -> App {
    let shows = Shows {
        depth: Depth::True,
        unicode: true,
    };
    App::new(settings, DisplayOptions::default(), shows)
}

/// Adds a sample to the app.
pub(super) fn take(app: &mut App, snapshot: Snapshot) {
    app.take(&Pair {
        older: app.newest(),
        newer: Arc::new(snapshot),
    });
}

/// Returns an app with default settings and two samples of a host with this many domains.
pub(super) fn watching(count: u16) -> App {
    let mut app = app(Settings::default());
    let (old, new) = at_work(count);
    take(&mut app, old);
    take(&mut app, new);
    app
}

/// Returns the cells of a screen of this size.
pub(super) fn cells(app: &mut App, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(app, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// Returns the lines of a screen of this size.
pub(super) fn lines(app: &mut App, width: u16, height: u16) -> Vec<String> {
    let buffer = cells(app, width, height);
    let line = |y| {
        let mut line = String::new();
        let mut hidden = 0;
        for x in 0..width {
            let symbol = buffer[(x, y)].symbol();
            if hidden == 0 {
                line.push_str(symbol);
                hidden = crate::text::columns(symbol).max(1);
            }
            hidden -= 1;
        }
        line.trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

pub(super) fn key(app: &mut App, code: KeyCode) -> Option<Command> {
    app.handle(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

pub(super) fn control(app: &mut App, c: char) -> Option<Command> {
    let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    app.handle(&Event::Key(key))
}

/// Types a text.
pub(super) fn keys(app: &mut App, text: &str) {
    for c in text.chars() {
        key(app, KeyCode::Char(c));
    }
}

/// Returns the domain IDs in the table, from the top.
pub(super) fn ids(app: &App) -> Vec<u16> {
    let snapshot = app.sample().unwrap().snapshot;
    let ids = app
        .widgets
        .table
        .rows()
        .iter()
        .map(|&row| snapshot.domains[row].id.0);
    ids.collect()
}

/// Clicks with the left button.
pub(super) fn click(app: &mut App, column: u16, row: u16) {
    app.handle(&Event::Mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row,
        modifiers: KeyModifiers::NONE,
    }));
}

/// Returns the words of the screen, without bars and histories.
pub(super) fn words(screen: &[String]) -> Vec<String> {
    let drawn = |c: char| "[]▏▎▍▌▋▊▉█▁▂▃▄▅▆▇".contains(c);
    screen
        .iter()
        .flat_map(|line| line.split_whitespace())
        .map(|word| word.replace(drawn, ""))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Returns the last line of a screen of 80 by 24.
pub(super) fn last(app: &mut App) -> String {
    lines(app, 80, 24)[23].clone()
}
