//! What a program in dom0 shows on a terminal, as text.

use std::io::{self, Write};

use vt100::Parser;

use crate::machine::Dom0;
use crate::protocol::{Size, ToDom0};

/// A terminal that keeps the last screen of a full-screen program, and types on it once there is
/// one.
pub struct Screen {
    parser: Parser,
    /// What is typed as soon as the program has its screen.
    keys: Option<Vec<u8>>,
    dom0: Dom0,
    /// What was on the screen last.
    pub text: String,
}

impl Screen {
    /// An empty screen.
    pub fn new(size: Size, keys: &str, dom0: Dom0) -> Self {
        Self {
            parser: Parser::new(size.rows, size.cols, 0),
            keys: Some(keys.as_bytes().to_vec()),
            dom0,
            text: String::new(),
        }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.parser.process(bytes);
        let screen = self.parser.screen();
        // A program that ends gives back the screen that there was before it.
        if screen.alternate_screen() {
            let text = screen.contents();
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            self.text = lines.join("\n");
            if let Some(keys) = self.keys.take() {
                let told = self.dom0.tell(&ToDom0::Stdin(keys));
                told.map_err(io::Error::other)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
