//! The page of what happened to domains, the newest first.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::Style;
use ratatui::text::Line;

use super::text_page::TextPage;
use crate::events::{Change, Event};
use crate::view::tui::action::Action;
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::theme::Role;

/// A second, in nanoseconds.
const SECOND_NS: u64 = 1_000_000_000;

/// The page of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EventsPage {
    text: TextPage,
}

impl Widget for EventsPage {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        let events = context.news.newest_first();
        let mut lines: Vec<Line<'_>> = events.map(|event| shown(context, event)).collect();
        if lines.is_empty() {
            let text = match context.is_past() {
                true => {
                    let span = span(context.news.span_ns() / SECOND_NS);
                    format!("no events in the {span} before this; 'xenscope events --from' has all")
                }
                false => "nothing has happened to a domain yet".to_owned(),
            };
            lines.push(Line::styled(text, context.style(Role::Dim)));
        }
        self.text.draw(context, &lines, buffer);
    }

    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        self.text.key_or_back(context, code)
    }

    fn scroll(&mut self, lines: isize) {
        self.text.scroll(lines);
    }

    fn hints(&self) -> &'static [Hint] {
        &[
            ("e", "back"),
            ("arrows", "scroll"),
            ("p", "pause"),
            ("?", "help"),
            ("q", "quit"),
        ]
    }
}

/// Formats a span of time, in minutes if it is two or more.
fn span(seconds: u64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        _ => format!("{} min", seconds / 60),
    }
}

/// Returns the line of an event.
pub(super) fn shown(context: Context<'_>, event: &Event) -> Line<'static> {
    let style = match event.change {
        Change::Crashed => context.style(Role::Alarm),
        Change::Destroyed | Change::Shutdown { .. } | Change::Paused => context.style(Role::Busy),
        _ => Style::new(),
    };
    Line::styled(context.happened(event), style)
}
