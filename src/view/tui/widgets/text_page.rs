//! Texts that may be longer than their area.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::text::Line;

use crate::view::tui::context::Context;
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;

/// How far a text is scrolled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::view::tui) struct TextPage {
    /// How many lines are above the area.
    above: usize,
}

impl TextPage {
    /// Scrolls as a key asks for. Drawing keeps the end of the text in the area.
    pub(in crate::view::tui) fn key(&mut self, context: Context<'_>, code: KeyCode) {
        let page = context.page();
        self.above = match code {
            KeyCode::Up | KeyCode::Char('k') => self.above.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.above.saturating_add(1),
            KeyCode::PageUp => self.above.saturating_sub(page),
            KeyCode::PageDown => self.above.saturating_add(page),
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => usize::MAX,
            _ => self.above,
        };
    }

    /// Scrolls by so many lines, up if they are negative.
    pub(in crate::view::tui) fn scroll(&mut self, by: isize) {
        self.above = self.above.saturating_add_signed(by);
    }

    /// Scrolls no further up than to the line `first` and no further down than to `last`.
    pub(super) fn keep_within(&mut self, first: usize, last: usize) {
        self.above = self.above.clamp(first, last);
    }

    /// Draws as many of the lines as fit, and says how many there are below them.
    pub(super) fn draw(&mut self, context: Context<'_>, lines: &[Line<'_>], buffer: &mut Buffer) {
        let area = context.area;
        let below = lines.len().saturating_sub(usize::from(area.height));
        self.above = self.above.min(below);
        let below = below - self.above;
        for (y, line) in (0..area.height).zip(&lines[self.above..]) {
            if let Some(mut pen) = Pen::new(buffer, area, y) {
                for span in line {
                    pen.put(&span.content, span.style);
                }
                if line.width() > usize::from(area.width) {
                    pen.skip_to_last(1).say("…");
                }
            }
        }
        if let Some(mut pen) = area
            .height
            .checked_sub(1)
            .filter(|_| below > 0)
            .and_then(|last| Pen::new(buffer, area, last))
        {
            let text = format!(" {below} more ");
            pen.skip_to_last(text.len())
                .put(&text, context.style(Role::Accent));
        }
    }
}
