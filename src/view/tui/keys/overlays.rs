//! The keys of what lies over a pane.

use ratatui::crossterm::event::KeyCode;

use crate::interval;
use crate::view::tui::app::App;
use crate::view::tui::widgets::{Asked, Over};

impl App {
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
