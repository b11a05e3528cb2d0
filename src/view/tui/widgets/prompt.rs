//! A prompt in the last line.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;

use super::table::found;
use crate::interval;
use crate::moment;
use crate::text::{columns, safe, shortened};
use crate::view::tui::action::{Action, Command, Show, Step};
use crate::view::tui::context::Context;
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;

/// What the prompt asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The filter of the table.
    Filter,
    /// A part of the name of the domain to go to.
    Find,
    /// The interval.
    Delay,
    /// The time to show.
    Time,
}

/// A question, and the answer so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    question: Question,
    text: String,
}

impl Prompt {
    /// Returns a prompt for the filter, which contains the current filter.
    pub(super) fn filter(now: &str) -> Self {
        Self {
            question: Question::Filter,
            text: now.to_owned(),
        }
    }

    /// Returns a prompt for a part of the name of the domain to go to.
    pub(super) fn find() -> Self {
        Self {
            question: Question::Find,
            text: String::new(),
        }
    }

    /// Returns a prompt for the interval, in seconds.
    pub(super) fn delay() -> Self {
        Self {
            question: Question::Delay,
            text: String::new(),
        }
    }

    /// Returns a prompt for the time to show.
    pub(super) fn time() -> Self {
        Self {
            question: Question::Time,
            text: String::new(),
        }
    }

    /// Returns whether it asks for the filter.
    pub(super) fn filters(&self) -> bool {
        self.question == Question::Filter
    }

    /// Draws the question and the answer, and returns the column of the terminal's cursor; `None`
    /// if there is no last line. `counts` says how many match the filter, of how many,
    /// or why the text is none.
    pub(super) fn draw(
        &self,
        context: Context<'_>,
        counts: Result<Option<(usize, usize)>, String>,
        buffer: &mut Buffer,
    ) -> Option<u16> {
        let area = context.area;
        let mut pen = Pen::new(buffer, area, 0)?;
        let question = match self.question {
            Question::Filter => "/".to_owned(),
            Question::Find => "go to the next domain with this in its name: ".to_owned(),
            Question::Time if context.is_past() && pen.room() >= 60 => {
                "time to show (03:00 of this day, -2h from now): ".to_owned()
            }
            Question::Time => "time to show (03:00, -2h): ".to_owned(),
            Question::Delay => {
                let now = context.settings.interval.as_secs_f64();
                let long = format!("seconds between samples, now {now}: ");
                match columns(&long) + 10 > pen.room() {
                    true => "seconds: ".to_owned(),
                    false => long,
                }
            }
        };
        pen.put(&question, context.style(Role::Accent));
        // Leave one column for the cursor.
        let room = pen.room().saturating_sub(1);
        pen.say(&end_of(&safe(&self.text), room));
        let cursor = pen.x().min(area.right().saturating_sub(1));
        if self.filters() {
            let (text, role) = match counts {
                Err(problem) => (problem, Role::Alarm),
                Ok(None) => (
                    "name, ID, state or cpu>50; Esc clears the filter".to_owned(),
                    Role::Dim,
                ),
                Ok(Some(counts)) if counts.0 == 0 => (found(counts), Role::Busy),
                Ok(Some(counts)) => (found(counts), Role::Dim),
            };
            pen.say("   ");
            pen.put(&shortened(&text, pen.room()), context.style(role));
        }
        Some(cursor)
    }

    /// Handles a key, and returns the actions that it requests from the app.
    pub(super) fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        match (code, self.question) {
            (KeyCode::Enter, _) => return self.answer(context),
            (KeyCode::Esc, Question::Filter) => {
                return vec![Action::Show(Show::PaneOnly), Action::Filter(String::new())];
            }
            (KeyCode::Esc, Question::Find | Question::Delay | Question::Time) => {
                return vec![Action::Show(Show::PaneOnly)];
            }
            (KeyCode::Up, Question::Filter) => return vec![Action::Move(-1)],
            (KeyCode::Down, Question::Filter) => return vec![Action::Move(1)],
            (KeyCode::Backspace, _) => {
                self.text.pop();
            }
            (KeyCode::Char(c), _) => self.text.push(c),
            _ => {}
        }
        self.typed()
    }

    /// Deletes the last word of the answer, or all of it.
    pub(super) fn erase(&mut self, word: bool) -> Vec<Action> {
        let kept = match word {
            true => self
                .text
                .trim_end()
                .trim_end_matches(|c: char| !c.is_whitespace()),
            false => "",
        };
        self.text.truncate(kept.len());
        self.typed()
    }

    /// Returns the actions after a change of the answer: the filter applies while the user types.
    fn typed(&self) -> Vec<Action> {
        match self.question {
            Question::Filter => vec![Action::Filter(self.text.clone())],
            Question::Find | Question::Delay | Question::Time => Vec::new(),
        }
    }

    /// Returns the actions of the complete answer.
    fn answer(&self, context: Context<'_>) -> Vec<Action> {
        let answer = match self.question {
            Question::Find => Some(Ok(Action::Find(self.text.clone()))),
            _ if self.text.is_empty() => None,
            Question::Filter => None,
            Question::Delay => Some(interval::parse(&self.text).map(Action::Interval)),
            Question::Time => {
                let shown = context.sample.filter(|_| context.is_past());
                let time = match shown {
                    Some(sample) => moment::near(&self.text, sample.snapshot.time),
                    None => moment::parse(&self.text),
                };
                Some(time.map(|time| Action::Command(Command::Go(Step::To(time)))))
            }
        };
        let answer = answer.map(|answer| answer.unwrap_or_else(Action::Tell));
        let close = Action::Show(Show::PaneOnly);
        std::iter::once(close).chain(answer).collect()
    }
}

/// Returns a text, or an ellipsis and its end if it is wider than `width` columns.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::view::tui::App;
    use crate::view::tui::testing::{control, key, keys, last, lines, watching};

    #[test]
    fn interval_by_step_and_by_number() {
        let mut app = watching(2);
        let seconds = |app: &App| app.settings().interval;
        keys(&mut app, "+");
        assert_eq!(seconds(&app), Duration::from_secs(5));
        keys(&mut app, "---");
        assert_eq!(seconds(&app), Duration::from_secs(1));
        keys(&mut app, "D0.25");
        key(&mut app, KeyCode::Enter);
        assert_eq!(seconds(&app), Duration::from_millis(250));
        keys(&mut app, "d-1");
        key(&mut app, KeyCode::Enter);
        assert_eq!(seconds(&app), Duration::from_millis(250));
        assert!(lines(&mut app, 80, 24)[23].contains("0.01 to 86400"));
        keys(&mut app, "d7");
        key(&mut app, KeyCode::Esc);
        assert_eq!(seconds(&app), Duration::from_millis(250));
    }

    #[test]
    fn prompt_edits_a_line() {
        let mut app = watching(12);
        keys(&mut app, "/web guest-11");
        control(&mut app, 'w');
        assert!(
            last(&mut app).starts_with("/web    no match"),
            "{}",
            last(&mut app)
        );
        keys(&mut app, "x");
        control(&mut app, 'h');
        control(&mut app, 'u');
        assert!(last(&mut app).starts_with("/   name"));
        assert_eq!(app.widgets.table.rows().len(), 12);
        keys(&mut app, "guest-11");
        control(&mut app, 'j');
        assert!(last(&mut app).starts_with("/guest-11 (1 of 12)"));
        keys(&mut app, "/");
        control(&mut app, 'w');
        control(&mut app, 'w');
        assert_eq!(app.widgets.table.rows().len(), 12);
    }

    #[test]
    fn end_of_long_answer_stays_visible() {
        let mut app = watching(2);
        keys(&mut app, "D0.25");
        assert_eq!(lines(&mut app, 20, 10)[9], "seconds: 0.25");
        assert!(last(&mut app).starts_with("seconds between samples, now 3: 0.25"));
        keys(&mut app, "123456789");
        assert_eq!(lines(&mut app, 20, 10)[9], "seconds: …123456789");
        key(&mut app, KeyCode::Esc);
        keys(&mut app, "/a-long-name-漢字漢字漢字漢字");
        assert_eq!(lines(&mut app, 20, 10)[9], "/…-漢字漢字漢字漢字");
        for width in 0..12 {
            lines(&mut app, width, 10);
        }
    }
}
