//! The list of the columns of a pane, to sort by one.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::view::tui::action::{Action, Show};
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::theme::Role;
use crate::view::tui::widgets::text_page::TextPage;

/// A column to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::view::tui::widgets) struct Choice {
    /// Its index among all columns.
    pub(super) column: usize,
    pub(super) title: &'static str,
    pub(super) doc: &'static str,
    /// Whether the order is descending; `None` if the rows are sorted by another column.
    pub(super) sorted: Option<bool>,
}

/// The list of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::view::tui::widgets) struct SortList {
    choices: Vec<Choice>,
    /// The index of the choice under the cursor.
    at: usize,
    text: TextPage,
}

impl SortList {
    /// Returns the list with the cursor on the sorted column.
    pub(in crate::view::tui::widgets) fn of(choices: Vec<Choice>) -> Self {
        let sorted = choices.iter().position(|choice| choice.sorted.is_some());
        Self {
            at: sorted.unwrap_or(0),
            choices,
            text: TextPage::default(),
        }
    }
}

impl Widget for SortList {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        // The cursor's line stays visible, below the line of keys.
        let line = self.at + 1;
        self.text.keep_visible(line, line, context.area.height);
        let line = |(index, choice): (usize, &Choice)| {
            let sorted = match choice.sorted {
                None => "",
                Some(true) => "  sorted, highest first",
                Some(false) => "  sorted, lowest first",
            };
            let line = Line::from(vec![
                Span::raw(format!("{:<10} ", choice.title)),
                Span::raw(choice.doc),
                Span::styled(sorted, context.style(Role::Accent)),
            ]);
            match index == self.at {
                true => line.style(Style::new().add_modifier(Modifier::REVERSED)),
                false => line,
            }
        };
        let keys = "Enter sorts by a column, again: reverses the order; Esc closes the list";
        let mut lines = vec![Line::styled(keys, context.style(Role::Dim))];
        lines.extend(self.choices.iter().enumerate().map(line));
        self.text.draw(context, &lines, buffer);
    }

    fn key(&mut self, _context: Context<'_>, code: KeyCode) -> Vec<Action> {
        let last = self.choices.len().saturating_sub(1);
        self.at = match code {
            KeyCode::Esc | KeyCode::Char('s' | 'q') => return vec![Action::Show(Show::PaneOnly)],
            KeyCode::Enter => {
                let sort = self
                    .choices
                    .get(self.at)
                    .map(|one| Action::SortList(one.column));
                let close = Action::Show(Show::PaneOnly);
                return std::iter::once(close).chain(sort).collect();
            }
            KeyCode::Up | KeyCode::Char('k') => self.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => (self.at + 1).min(last),
            KeyCode::PageUp | KeyCode::Home => 0,
            KeyCode::PageDown | KeyCode::End => last,
            _ => self.at,
        };
        Vec::new()
    }

    fn scroll(&mut self, lines: isize) {
        self.text.scroll(lines);
    }

    fn chosen_line(&self, _context: Context<'_>) -> Option<usize> {
        (self.at + 1).checked_sub(self.text.above())
    }

    fn hints(&self) -> &'static [Hint] {
        &[("Esc", "back"), ("arrows", "move"), ("Enter", "sort")]
    }
}
