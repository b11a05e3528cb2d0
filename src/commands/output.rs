//! The output of commands: text to stdout, notes to stderr.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::mem::discriminant;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use terminal_size::{Width, terminal_size_of};
use xenscope::snapshot::Note;

use crate::exit::{Cannot, cannot, complain};

/// The output to which a command writes its text.
pub(super) struct Output<'a> {
    to: Box<dyn Write + 'a>,
    width: fn() -> Option<usize>,
    is_closed: bool,
}

impl<'a> Output<'a> {
    /// Makes an output that is not a terminal.
    #[cfg(test)]
    pub(super) fn to(to: impl Write + 'a) -> Self {
        Self {
            to: Box::new(to),
            width: || None,
            is_closed: false,
        }
    }

    /// Makes an output to the process's stdout.
    pub(super) fn stdout() -> Self {
        Self {
            to: Box::new(io::stdout()),
            width: || terminal_size_of(io::stdout()).map(|(Width(width), _)| width.into()),
            is_closed: false,
        }
    }

    /// Returns the current width of the terminal in columns; `None` if this is not a terminal.
    pub(super) fn width(&self) -> Option<usize> {
        (self.width)()
    }

    /// Returns whether the reader has closed the output, because it has read enough.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Writes the text and flushes it. A closed output is no error.
    ///
    /// # Errors
    /// If the text cannot be written.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Cannot> {
        let written = self.to.write_all(text.as_bytes());
        match written.and_then(|()| self.to.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.is_closed = true,
            written => written.map_err(cannot("write the output"))?,
        }
        Ok(())
    }
}

/// Writes a file atomically, and follows no link. All users may read it, whatever the umask is.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).open(&new)?;
    let written = out
        .set_permissions(Permissions::from_mode(0o644))
        .and_then(|()| out.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// Reports on stderr what could not be read. A problem is reported once for as long as it lasts,
/// and once per device.
#[derive(Debug, Default)]
pub(super) struct Notes {
    reported: Vec<Note>,
}

impl Notes {
    /// Reports the notes that the previous sample did not have.
    pub(super) fn report(&mut self, notes: &[Note]) {
        for note in notes {
            let device = |note: &Note| match note {
                Note::CountersUnreadable { device, .. } => Some(device.clone()),
                _ => None,
            };
            let same =
                |old: &Note| discriminant(old) == discriminant(note) && device(old) == device(note);
            if !self.reported.iter().any(same) {
                complain(note);
            }
        }
        self.reported = notes.to_vec();
    }
}
