//! The last line: a question, what went wrong, or what keys there are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Pen;
use crate::view::text::{columns, safe, shortened};
use crate::view::tui::state::{Asked, Over, Pane, State};
use crate::view::tui::theme::Role;

/// Draws the line; returns where the cursor belongs when something is asked.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) -> Option<u16> {
    let mut pen = Pen::new(buffer, area, 0)?;
    if let Over::Prompt(asked, text) = &state.over {
        let question = match asked {
            Asked::Filter => "/".to_owned(),
            Asked::Delay => {
                let now = state.settings.interval.as_secs_f64();
                format!("seconds between samples, now {now}: ")
            }
        };
        pen.put(&question, state.style(Role::Accent))
            .say(&safe(text));
        let cursor = pen.x.min(area.right().saturating_sub(1));
        if *asked == Asked::Filter {
            pen.put(
                "   name, id or uuid; Enter keeps it, Esc shows all",
                state.style(Role::Dim),
            );
        }
        return Some(cursor);
    }
    if let Some(text) = complaint(state) {
        let text = format!("! {}", safe(&text));
        pen.put(&shortened(&text, pen.room()), state.style(Role::Alarm));
    } else if let Some(message) = &state.message {
        pen.say(&shortened(&safe(message), pen.room()));
    } else {
        if !state.filter.is_empty() {
            let all = state.sample().map_or(0, |s| s.snapshot.domains.len());
            let text = format!("/{} ({} of {all})  ", safe(&state.filter), state.rows.len());
            pen.put(&shortened(&text, pen.room()), state.style(Role::Accent));
        }
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

/// The keys that are of use here, the most wanted first.
fn hints(state: &State) -> &'static [(&'static str, &'static str)] {
    match (&state.over, state.pane) {
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
fn complaint(state: &State) -> Option<String> {
    if let Some(trouble) = &state.trouble {
        return Some(trouble.clone());
    }
    let notes = &state.sample()?.snapshot.notes;
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}
