//! What each command does: sample, wait, hand the sample to a view, print.

pub(crate) mod audit;
pub(crate) mod compare;
pub(crate) mod events;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod manual;
pub(crate) mod measured;
pub(crate) mod top;

use std::io::{self, Write};
use std::mem::discriminant;

use terminal_size::{Width, terminal_size_of};
use xenscope::snapshot::Note;

use crate::exit::complain;

/// Writes a whole sample to stdout at once.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// What could not be read, told on stderr: once for as long as it lasts.
#[derive(Debug, Default)]
struct Notes {
    said: Vec<Note>,
}

impl Notes {
    fn tell(&mut self, notes: &[Note]) {
        for note in notes {
            let same = |said: &Note| discriminant(said) == discriminant(note);
            if !self.said.iter().any(same) {
                complain(note);
            }
        }
        self.said = notes.to_vec();
    }
}

/// The width of the terminal that stdout is; `None` when it is none.
fn terminal_width() -> Option<usize> {
    let (Width(width), _) = terminal_size_of(io::stdout())?;
    Some(usize::from(width))
}
