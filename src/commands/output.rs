//! Where commands write: text to stdout, and what is wrong to stderr.

use std::io::{self, Write};
use std::mem::discriminant;

use terminal_size::{Width, terminal_size_of};
use xenscope::snapshot::Note;

use crate::exit::complain;

/// Where a command writes its text.
pub(super) struct Output<'a> {
    to: Box<dyn Write + 'a>,
    width: fn() -> Option<usize>,
}

impl<'a> Output<'a> {
    /// An output that is no terminal.
    #[cfg(test)]
    pub(super) fn to(to: impl Write + 'a) -> Self {
        Self {
            to: Box::new(to),
            width: || None,
        }
    }

    /// The process's own.
    pub(super) fn stdout() -> Self {
        Self {
            to: Box::new(io::stdout()),
            width: || terminal_size_of(io::stdout()).map(|(Width(width), _)| width.into()),
        }
    }

    /// The width of the terminal in columns as it is now; `None` if it is no terminal.
    pub(super) fn width(&self) -> Option<usize> {
        (self.width)()
    }

    /// Writes a whole sample at once.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn print(&mut self, text: &str) -> io::Result<()> {
        self.to.write_all(text.as_bytes())?;
        self.to.flush()
    }
}

/// What could not be read, told on stderr: once for as long as it lasts, of a device too.
#[derive(Debug, Default)]
pub(super) struct Notes {
    said: Vec<Note>,
}

impl Notes {
    pub(super) fn tell(&mut self, notes: &[Note]) {
        for note in notes {
            let device = |note: &Note| match note {
                Note::CountersUnreadable { device, .. } => Some(device.clone()),
                _ => None,
            };
            let same = |said: &Note| {
                discriminant(said) == discriminant(note) && device(said) == device(note)
            };
            if !self.said.iter().any(same) {
                complain(note);
            }
        }
        self.said = notes.to_vec();
    }
}
