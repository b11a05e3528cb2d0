//! The last line: a question, an answer, what went wrong, or what keys there are.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Asked, Over, Pane};
use crate::text::{columns, safe, shortened};
use crate::view::tui::app::App;
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;

/// Draws the line; returns where the cursor belongs when something is asked.
pub(super) fn draw(state: &App, area: Rect, buffer: &mut Buffer) -> Option<u16> {
    let mut pen = Pen::new(buffer, area, 0)?;
    if let Over::Prompt(asked, text) = &state.widgets.over {
        let question = match asked {
            Asked::Filter => "/".to_owned(),
            Asked::Delay => {
                let now = state.settings.interval.as_secs_f64();
                let long = format!("seconds between samples, now {now}: ");
                match columns(&long) + 10 > pen.room() {
                    true => "seconds: ".to_owned(),
                    false => long,
                }
            }
        };
        pen.put(&question, state.style(Role::Accent));
        // The cursor stands behind it.
        let room = pen.room().saturating_sub(1);
        pen.say(&end_of(&safe(text), room));
        let cursor = pen.x().min(area.right().saturating_sub(1));
        if *asked == Asked::Filter {
            pen.put(
                "   name, id or uuid; Enter keeps it, Esc shows all",
                state.style(Role::Dim),
            );
        }
        return Some(cursor);
    }
    let (message, complaint) = (state.message(), complaint(state));
    if !state.widgets.filter.is_empty() {
        let all = state.sample().map_or(0, |s| s.snapshot.domains.len());
        let text = format!(
            "/{} ({} of {all})",
            safe(&state.widgets.filter),
            state.widgets.rows.len()
        );
        // What else is told matters more than all of a long filter.
        let most = match message.is_some() || complaint.is_some() {
            true => pen.room() / 3,
            false => pen.room(),
        };
        pen.put(&shortened(&text, most), state.style(Role::Accent));
        pen.say("  ");
    }
    if let Some(text) = state.awaited() {
        let text = format!("{text}: {}", state.context().comes());
        pen.put(&shortened(&text, pen.room()), state.style(Role::Accent));
        pen.say("  ");
    }
    if let Some((text, _)) = message.filter(|&(_, new)| new || complaint.is_none()) {
        pen.say(&shortened(&safe(text), pen.room()));
    } else if let Some(text) = complaint {
        let text = format!("! {}", safe(&text));
        pen.put(&shortened(&text, pen.room()), state.style(Role::Alarm));
    } else {
        for &(key, does) in hints(state) {
            if pen.room() < columns(key) + 1 + columns(does) {
                break;
            }
            pen.put(key, state.style(Role::Accent))
                .say(" ")
                .put(does, state.style(Role::Dim))
                .say("  ");
        }
    }
    None
}

/// The end of a text that is too long, with an ellipsis.
fn end_of(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let longest = text.char_indices().rev().take(width).last();
    let mut end = longest.map_or("", |(at, _)| &text[at..]).chars();
    while columns(end.as_str()) >= width.max(1) {
        end.next();
    }
    Cow::Owned(format!("…{}", end.as_str()))
}

/// The keys that are of use here, the most wanted first.
fn hints(state: &App) -> &'static [(&'static str, &'static str)] {
    match (&state.widgets.over, state.widgets.pane) {
        (Over::Help | Over::Columns(_), _) => &[("Esc", "back"), ("arrows", "move")],
        (_, Pane::Detail(_)) => &[
            ("Esc", "back"),
            ("arrows", "scroll"),
            ("Tab", "next domain"),
            ("p", "pause"),
            ("?", "help"),
            ("q", "quit"),
        ],
        (_, Pane::Pcpus) => &[
            ("P", "back"),
            ("arrows", "scroll"),
            ("p", "pause"),
            ("?", "help"),
            ("q", "quit"),
        ],
        (_, Pane::Table) => &[
            ("?", "help"),
            ("q", "quit"),
            ("/", "filter"),
            ("s", "sort"),
            ("Enter", "detail"),
            ("P", "pCPUs"),
            ("p", "pause"),
            ("+-", "interval"),
            ("c", "columns"),
        ],
    }
}

/// What went wrong with the newest sample.
fn complaint(state: &App) -> Option<String> {
    if let Some(trouble) = &state.trouble {
        return Some(trouble.clone());
    }
    let notes = &state.sample()?.snapshot.notes;
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}
