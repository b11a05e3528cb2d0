//! A text that scrolls if it is longer than its area.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::text::Line;

use crate::view::tui::action::{Action, Show};
use crate::view::tui::context::Context;
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;

/// The scroll position of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::view::tui) struct TextPage {
    /// The number of lines above the area.
    above: usize,
}

impl TextPage {
    /// Scrolls if the key is a scroll key. Drawing limits the position to the end of the text.
    /// Returns no actions.
    pub(in crate::view::tui) fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
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
        Vec::new()
    }

    /// Does the same as [`Self::key`]; the keys that go back return the action that shows the table.
    pub(super) fn key_or_back(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace => vec![Action::Show(Show::Table)],
            _ => self.key(context, code),
        }
    }

    /// Scrolls by this many lines; a negative number scrolls up.
    pub(in crate::view::tui) fn scroll(&mut self, by: isize) {
        self.above = self.above.saturating_add_signed(by);
    }

    /// Returns the number of lines above the area.
    pub(super) fn above(&self) -> usize {
        self.above
    }

    /// Scrolls so that this line is visible. At most `last` lines are then above the area, if the line can be visible.
    pub(super) fn keep_visible(&mut self, line: usize, last: usize, height: u16) {
        let first = (line + 1).saturating_sub(room(height)).min(line);
        self.above = self.above.clamp(first, last.max(first));
    }

    /// Draws the lines that fit. If there are lines below them, the last line of the area says how many.
    pub(super) fn draw(&mut self, context: Context<'_>, lines: &[Line<'_>], buffer: &mut Buffer) {
        let area = context.area;
        let height = usize::from(area.height);
        self.above = self.above.min(lines.len().saturating_sub(height));
        let below = match lines.len() - self.above {
            rest if rest > height && height > 1 => rest - room(area.height),
            _ => 0,
        };
        let shown = area.height - u16::from(below > 0);
        for (y, line) in (0..shown).zip(&lines[self.above..]) {
            if let Some(mut pen) = Pen::new(buffer, area, y) {
                for span in line {
                    pen.put(&span.content, line.style.patch(span.style));
                }
                if line.width() > usize::from(area.width) {
                    pen.skip_to_last(1).say("…");
                }
            }
        }
        if below > 0
            && let Some(mut pen) = Pen::new(buffer, area, shown)
        {
            let text = format!(" {below} more ");
            pen.skip_to_last(text.len())
                .put(&text, context.style(Role::Accent));
        }
    }
}

/// Returns how many lines of a longer text are shown in an area of this height: the last line is for the number of the
/// others, unless it is the only one.
fn room(height: u16) -> usize {
    usize::from(height).saturating_sub(1).max(1)
}
