//! The look of a terminal's cell: its colours, bold, italic, underlined.

use std::fmt::{self, Display};
use std::mem::swap;

use vt100::{Cell, Color};

/// The default colour of text.
pub const FOREGROUND: Rgb = Rgb(212, 212, 212);
/// The default colour behind it.
pub const BACKGROUND: Rgb = Rgb(30, 30, 30);

/// The first sixteen colours, which differ between terminals. These are Visual Studio Code's, which
/// are easy to read on a dark background.
const SIXTEEN: [Rgb; 16] = [
    Rgb(0, 0, 0),
    Rgb(205, 49, 49),
    Rgb(13, 188, 121),
    Rgb(229, 229, 16),
    Rgb(36, 114, 200),
    Rgb(188, 63, 188),
    Rgb(17, 168, 205),
    Rgb(229, 229, 229),
    Rgb(102, 102, 102),
    Rgb(241, 76, 76),
    Rgb(35, 209, 139),
    Rgb(245, 245, 67),
    Rgb(59, 142, 234),
    Rgb(214, 112, 214),
    Rgb(41, 184, 219),
    Rgb(229, 229, 229),
];

/// The steps of red, green and blue in xterm's palette of 256 colours (256colres.pl).
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The look of a cell. Reverse and dim are part of its colours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// The colour of text.
    pub foreground: Rgb,
    /// The colour behind it.
    pub background: Rgb,
    /// Whether text is bold.
    pub bold: bool,
    /// Whether text is italic.
    pub italic: bool,
    /// Whether text is underlined.
    pub underline: bool,
}

impl Style {
    /// Returns a cell's style.
    pub fn of(cell: &Cell) -> Self {
        let mut foreground = Rgb::of(cell.fgcolor(), FOREGROUND);
        let mut background = Rgb::of(cell.bgcolor(), BACKGROUND);
        if cell.inverse() {
            swap(&mut foreground, &mut background);
        }
        if cell.dim() {
            foreground = foreground.midpoint(background);
        }
        Self {
            foreground,
            background,
            bold: cell.bold(),
            italic: cell.italic(),
            underline: cell.underline(),
        }
    }
}

/// Red, green and blue; displayed as in SVG, `#ff0000`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rgb(u8, u8, u8);

impl Rgb {
    fn of(color: Color, default: Self) -> Self {
        match color {
            Color::Default => default,
            Color::Rgb(red, green, blue) => Self(red, green, blue),
            Color::Idx(index @ 0..16) => SIXTEEN[usize::from(index)],
            Color::Idx(index @ 16..232) => {
                let step = |size: u8| STEPS[usize::from((index - 16) / size % 6)];
                Self(step(36), step(6), step(1))
            }
            Color::Idx(index @ 232..) => {
                let grey = 8 + 10 * (index - 232);
                Self(grey, grey, grey)
            }
        }
    }

    fn midpoint(self, other: Self) -> Self {
        Self(
            self.0.midpoint(other.0),
            self.1.midpoint(other.1),
            self.2.midpoint(other.2),
        )
    }
}

impl Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the colours of the first cell.
    fn colours(printed: &str) -> Option<String> {
        let mut parser = vt100::Parser::new(1, 1, 0);
        parser.process(printed.as_bytes());
        let style = Style::of(parser.screen().cell(0, 0)?);
        Some(format!("{} on {}", style.foreground, style.background))
    }

    #[test]
    fn all_kinds_of_colours_are_supported() {
        for (parameters, expected) in [
            ("0", "#d4d4d4 on #1e1e1e"),
            ("31", "#cd3131 on #1e1e1e"),
            ("96;44", "#29b8db on #2472c8"),
            ("38;5;9", "#f14c4c on #1e1e1e"),
            ("38;5;16", "#000000 on #1e1e1e"),
            ("38;5;203", "#ff5f5f on #1e1e1e"),
            ("38;5;231", "#ffffff on #1e1e1e"),
            ("38;5;232", "#080808 on #1e1e1e"),
            ("38;5;255", "#eeeeee on #1e1e1e"),
            ("38;2;1;2;3", "#010203 on #1e1e1e"),
        ] {
            let colours = colours(&format!("\x1b[{parameters}mx"));
            assert_eq!(colours.as_deref(), Some(expected), "{parameters}");
        }
    }

    #[test]
    fn reverse_swaps_colours_and_dim_goes_halfway() {
        for (parameters, expected) in [
            ("32;7", "#1e1e1e on #0dbc79"),
            ("2", "#797979 on #1e1e1e"),
            ("2;7", "#797979 on #d4d4d4"),
        ] {
            let colours = colours(&format!("\x1b[{parameters}mx"));
            assert_eq!(colours.as_deref(), Some(expected), "{parameters}");
        }
    }
}
