//! The keys of what lies over a pane.

use ratatui::crossterm::event::KeyCode;

use crate::interval;
use crate::view::tui::app::App;
use crate::view::tui::columns::Column;
use crate::view::tui::widgets::{Asked, Over};

impl App {
    pub(super) fn key_in_columns(&mut self, at: usize, code: KeyCode) {
        let last = Column::all().len() - 1;
        let at = match code {
            KeyCode::Esc | KeyCode::Char('c' | 's' | 'q') => return,
            KeyCode::Enter => {
                let Some(column) = Column::all().nth(at) else {
                    return;
                };
                if self.settings.sort != column {
                    self.sort_by(column);
                }
                if !self.shown_columns().contains(&column) {
                    let title = column.shape().titles.0;
                    self.tell(format!("sorted by {title}, which is not shown"));
                }
                return;
            }
            KeyCode::Char(' ') => {
                if let Some(column) = Column::all().nth(at) {
                    self.toggle(column);
                }
                at
            }
            KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => at + 1,
            KeyCode::PageUp | KeyCode::Home => 0,
            KeyCode::PageDown | KeyCode::End => last,
            _ => at,
        };
        self.widgets.over = Over::Columns(at.min(last));
    }

    /// Shows a column, in its usual place among the others, or no longer. The last one stays.
    fn toggle(&mut self, column: Column) {
        let columns = &mut self.settings.columns;
        match columns.iter().position(|&shown| shown == column) {
            Some(_) if columns.len() == 1 => {}
            Some(place) => {
                columns.remove(place);
            }
            None => {
                let after = |shown: &Column| shown.place() > column.place();
                let place = columns.iter().position(after).unwrap_or(columns.len());
                columns.insert(place, column);
                if !self.shown_columns().contains(&column) {
                    let title = column.shape().titles.0;
                    self.tell(format!("there is no room for {title} beside the others"));
                }
            }
        }
    }

    pub(super) fn key_in_prompt(&mut self, asked: Asked, mut text: String, code: KeyCode) {
        match code {
            KeyCode::Enter => {
                self.answer(asked, &text);
                return;
            }
            KeyCode::Esc => {
                if asked == Asked::Filter {
                    self.filter_by("");
                }
                return;
            }
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Char(c) => text.push(c),
            KeyCode::Up | KeyCode::Down if asked == Asked::Filter => self.go(code),
            _ => {}
        }
        self.type_anew(asked, text);
    }

    /// Takes what was typed back: the last word or all of it.
    pub(super) fn erase(&mut self, word: bool) {
        let Over::Prompt(asked, text) = &self.widgets.over else {
            return;
        };
        let kept = match word {
            true => text
                .trim_end()
                .trim_end_matches(|c: char| !c.is_whitespace()),
            false => "",
        };
        self.type_anew(*asked, kept.to_owned());
    }

    fn type_anew(&mut self, asked: Asked, text: String) {
        if asked == Asked::Filter {
            self.filter_by(&text);
        }
        self.widgets.over = Over::Prompt(asked, text);
    }

    fn answer(&mut self, asked: Asked, text: &str) {
        if asked == Asked::Delay && !text.is_empty() {
            match interval::parse(text) {
                Ok(interval) => self.set_interval(interval),
                Err(why) => self.tell(why),
            }
        }
    }
}
