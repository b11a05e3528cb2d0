//! The last line: an answer, what went wrong, or what keys there are.

use ratatui::buffer::Buffer;

use crate::text::{columns, safe, shortened};
use crate::view::tui::context::{Context, Hint};
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;

#[cfg(test)]
mod tests;

/// For how many samples a message is new.
const MESSAGE_IS_NEW: u8 = 3;

/// What the last line has to say by itself.
#[derive(Clone, Debug, Default)]
pub(in crate::view::tui) struct StatusLine {
    /// What the person is told about the last key, and how many samples came since.
    message: Option<(String, u8)>,
    /// Why there is no newer sample.
    trouble: Option<String>,
}

/// What the last line says for the other widgets.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    /// What the table was filtered by, and how many domains passed.
    pub(super) filter: Option<String>,
    /// What the pane shows but the sample lacks.
    pub(super) awaited: Option<&'static str>,
    /// The keys that are of use, the most wanted first.
    pub(super) hints: &'static [Hint],
}

impl StatusLine {
    /// Tells the person something, until [`Self::forget`].
    pub(in crate::view::tui) fn tell(&mut self, message: String) {
        self.message = Some((message, 0));
    }

    /// Forgets what the person was told.
    pub(in crate::view::tui) fn forget(&mut self) {
        self.message = None;
    }

    /// Takes note of a sample, or of why there is none. Returns whether the line may change.
    pub(in crate::view::tui) fn sampled(&mut self, trouble: Option<String>) -> bool {
        let changed = trouble.is_some() || self.trouble.is_some();
        self.trouble = trouble;
        let Some((_, age)) = &mut self.message else {
            return changed;
        };
        *age = age.saturating_add(1);
        changed || *age == MESSAGE_IS_NEW
    }

    pub(super) fn draw(&self, context: Context<'_>, beside: Beside, buffer: &mut Buffer) {
        let Some(mut pen) = Pen::new(buffer, context.area, 0) else {
            return;
        };
        let complaint = self.complaint(context);
        if let Some(text) = beside.filter {
            // What else is told matters more than all of a long filter.
            let most = match self.message.is_some() || complaint.is_some() {
                true => pen.room() / 3,
                false => pen.room(),
            };
            pen.put(&shortened(&text, most), context.style(Role::Accent));
            pen.say("  ");
        }
        if let Some(what) = beside.awaited {
            let text = format!("{what}: {}", context.comes());
            pen.put(&shortened(&text, pen.room()), context.style(Role::Accent));
            pen.say("  ");
        }
        // After a few samples a message gives way to what is wrong.
        let message = self.message.as_ref();
        let message = message.filter(|(_, age)| *age < MESSAGE_IS_NEW || complaint.is_none());
        if let Some((text, _)) = message {
            pen.say(&shortened(&safe(text), pen.room()));
        } else if let Some(text) = complaint {
            let text = format!("! {}", safe(&text));
            pen.put(&shortened(&text, pen.room()), context.style(Role::Alarm));
        } else {
            for &(key, does) in beside.hints {
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

    /// Returns what went wrong with the newest sample.
    fn complaint(&self, context: Context<'_>) -> Option<String> {
        if self.trouble.is_some() {
            return self.trouble.clone();
        }
        let notes = &context.sample?.snapshot.notes;
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}
