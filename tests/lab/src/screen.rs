//! What a program in dom0 shows on a terminal, as text or as a picture.

use std::io::{self, Write};

use vt100::Parser;

use crate::machine::Dom0;
use crate::protocol::{Size, ToDom0};
use crate::svg;

/// A terminal that stores the last screen of a full-screen program, and types keys once the program
/// has its screen.
pub struct Screen {
    parser: Parser,
    /// The keys to type as soon as the program has its screen.
    keys: Option<Vec<u8>>,
    dom0: Dom0,
    last: Option<vt100::Screen>,
}

impl Screen {
    /// Returns an empty screen.
    pub fn new(size: Size, keys: &str, dom0: Dom0) -> Self {
        Self {
            parser: Parser::new(size.rows, size.cols, 0),
            keys: Some(keys.as_bytes().to_vec()),
            dom0,
            last: None,
        }
    }

    /// Returns the last screen's text, which is empty if the program has shown no screen.
    pub fn text(&self) -> String {
        let text = self.last.as_ref().map(vt100::Screen::contents);
        let text = text.unwrap_or_default();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\n")
    }

    /// Returns the last screen as an SVG picture; `None` if the program has shown no screen.
    pub fn picture(&self) -> Option<String> {
        self.last.as_ref().map(svg::picture)
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.parser.process(bytes);
        let screen = self.parser.screen();
        // A program that ends restores the previous screen.
        if screen.alternate_screen() {
            self.last = Some(screen.clone());
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
