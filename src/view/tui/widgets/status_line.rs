//! The last line: a message, an error or the keys.

use ratatui::buffer::Buffer;

use crate::text::{columns, safe, shortened};
use crate::view::tui::context::{Context, Hint, VCPUS};
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;

#[cfg(test)]
mod tests;

/// The number of samples for which a message hides a problem.
const MESSAGE_IS_NEW: u8 = 3;

/// The last line of the screen.
#[derive(Clone, Debug, Default)]
pub(in crate::view::tui) struct StatusLine {
    /// The message about the last key, and the number of samples since.
    message: Option<(String, u8)>,
    /// Why the newest sample failed; `None` if it did not.
    failure: Option<String>,
}

/// What the other widgets show in the last line.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    /// The filter of the table, and the number of domains that match.
    pub(super) filter: Option<String>,
    /// What the pane needs but the sample lacks.
    pub(super) missing: Option<&'static str>,
    /// The keys to show, the most useful first.
    pub(super) hints: Vec<Hint>,
}

impl StatusLine {
    /// Shows a message until [`Self::forget`].
    pub(in crate::view::tui) fn tell(&mut self, message: String) {
        self.message = Some((message, 0));
    }

    /// Removes the message.
    pub(in crate::view::tui) fn forget(&mut self) {
        self.message = None;
    }

    /// Records a sample, or why it failed. Returns whether the line may have changed.
    pub(in crate::view::tui) fn sampled(&mut self, failure: Option<String>) -> bool {
        let changed = failure.is_some() || self.failure.is_some();
        self.failure = failure;
        let Some((_, age)) = &mut self.message else {
            return changed;
        };
        *age = age.saturating_add(1);
        changed || *age == MESSAGE_IS_NEW
    }

    pub(super) fn draw(&self, context: Context<'_>, extras: Extras, buffer: &mut Buffer) {
        let Some(mut pen) = Pen::new(buffer, context.area, 0) else {
            return;
        };
        let problem = self.problem(context);
        if let Some(text) = extras.filter {
            // A message or problem limits a long filter to a third of the line.
            let most = match self.message.is_some() || problem.is_some() {
                true => pen.room() / 3,
                false => pen.room(),
            };
            pen.put(&shortened(&text, most), context.style(Role::Accent));
            pen.say("  ");
        }
        if let Some(what) = extras.missing {
            // A recording has all vCPUs or none.
            let text = match context.is_past() && what != VCPUS {
                true => format!("some {what} were not recorded"),
                false => format!("{what}: {}", context.when_shown(what)),
            };
            pen.put(&shortened(&text, pen.room()), context.style(Role::Accent));
            pen.say("  ");
        }
        // After a few samples, a problem replaces the message.
        let message = self.message.as_ref();
        let message = message.filter(|(_, age)| *age < MESSAGE_IS_NEW || problem.is_none());
        if let Some((text, _)) = message {
            pen.say(&shortened(&safe(text), pen.room()));
        } else if let Some(text) = problem {
            let text = format!("! {}", safe(&text));
            pen.put(&shortened(&text, pen.room()), context.style(Role::Alarm));
        } else {
            for (key, does) in extras.hints {
                if pen.room() < columns(key) + 1 + columns(does) {
                    break;
                }
                pen.put(key, context.style(Role::Accent))
                    .say(" ")
                    .put(does, context.style(Role::Dim))
                    .say("  ");
            }
        }
    }

    /// Returns what went wrong with the newest sample; `None` if nothing did.
    fn problem(&self, context: Context<'_>) -> Option<String> {
        if self.failure.is_some() {
            return self.failure.clone();
        }
        let notes = &context.sample?.snapshot.notes;
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}
