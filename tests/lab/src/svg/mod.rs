//! A terminal's screen as an SVG picture that looks the same in any viewer.
//!
//! Each run of text has a fixed position and length, whatever the viewer's font is. Bars are
//! rectangles and need no font.

pub mod style;

use std::fmt::{self, Display, Write};

use vt100::{Cell, Screen};

use style::{BACKGROUND, FOREGROUND, Rgb, Style};

/// A cell's width in pixels. An eighth of it is a whole pixel, so bars have sharp edges.
const WIDTH: u32 = 8;
/// A cell's height in pixels. An eighth of it is a whole pixel as well.
const HEIGHT: u32 = 16;
/// The distance from a cell's top to the baseline of its text, in pixels.
const BASELINE: u32 = 12;
/// The distance from the screen to the window's edge, in pixels.
const MARGIN: u32 = 16;

/// Monospaced fonts of macOS, Windows and Linux. A glyph of most is 0.6 of the font's size wide.
const FONTS: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace";
/// The font's size in pixels.
const FONT_SIZE: &str = "13.33";

/// Returns a screen as SVG.
pub fn picture(screen: &Screen) -> String {
    let (rows, cols) = screen.size();
    let mut drawing = Drawing::default();
    for row in 0..rows {
        for col in 0..cols {
            if let Some(cell) = screen.cell(row, col) {
                let x = MARGIN + WIDTH * u32::from(col);
                drawing.add(x, MARGIN + HEIGHT * u32::from(row), cell);
            }
        }
    }
    let width = 2 * MARGIN + WIDTH * u32::from(cols);
    let height = 2 * MARGIN + HEIGHT * u32::from(rows);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         {drawing}</svg>\n"
    )
}

/// The contents of a screen, row by row.
#[derive(Default)]
struct Drawing {
    backgrounds: Vec<Rect>,
    bars: Vec<Rect>,
    runs: Vec<Run>,
}

impl Drawing {
    fn add(&mut self, x: u32, y: u32, cell: &Cell) {
        if cell.is_wide_continuation() {
            return;
        }
        let style = Style::of(cell);
        let width = if cell.is_wide() { 2 * WIDTH } else { WIDTH };
        let rect = Rect {
            x,
            y,
            width,
            height: HEIGHT,
            colour: style.background,
        };
        if style.background != BACKGROUND {
            add_rect(&mut self.backgrounds, rect);
        }
        let text = cell.contents();
        if let Some((width, height)) = bar_size(text) {
            let bar = Rect {
                y: y + HEIGHT - height,
                width,
                height,
                colour: style.foreground,
                ..rect
            };
            add_rect(&mut self.bars, bar);
        } else if !text.trim().is_empty() {
            self.add_text(x, y, width, text, style);
        }
    }

    /// Adds a glyph to the last run if it fits. A glyph beyond ASCII is a run of its own, because
    /// it may be from another font with another width.
    fn add_text(&mut self, x: u32, y: u32, width: u32, text: &str, style: Style) {
        let fits = |run: &&mut Run| {
            let plain = run.text.is_ascii() && text.is_ascii();
            // A viewer shows several spaces as one.
            plain && run.y == y && run.style == style && x - run.end() <= WIDTH
        };
        if let Some(run) = self.runs.last_mut().filter(fits) {
            run.text.push_str(if run.end() < x { " " } else { "" });
            run.text.push_str(text);
            run.width = x + width - run.x;
            return;
        }
        self.runs.push(Run {
            x,
            y,
            width,
            text: text.to_owned(),
            style,
        });
    }
}

impl Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without crisp edges there are lines between rectangles in a picture that is scaled.
        writeln!(f, "<g shape-rendering=\"crispEdges\">")?;
        for rect in self.backgrounds.iter().chain(&self.bars) {
            writeln!(f, "{rect}")?;
        }
        writeln!(
            f,
            "</g>\n<g fill=\"{FOREGROUND}\" font-family=\"{FONTS}\" font-size=\"{FONT_SIZE}\">"
        )?;
        for run in &self.runs {
            writeln!(f, "{run}")?;
        }
        writeln!(f, "</g>")
    }
}

/// A rectangle of one colour, in pixels.
#[derive(Clone, Copy)]
struct Rect {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    colour: Rgb,
}

/// Adds a rectangle, or widens the last one if the two are adjacent.
fn add_rect(rects: &mut Vec<Rect>, rect: Rect) {
    match rects.last_mut() {
        Some(last)
            if last.x + last.width == rect.x
                && (last.y, last.height, last.colour) == (rect.y, rect.height, rect.colour) =>
        {
            last.width += rect.width;
        }
        _ => rects.push(rect),
    }
}

impl Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            x,
            y,
            width,
            height,
            colour,
        } = self;
        write!(
            f,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\"/>"
        )
    }
}

/// Returns the width and the height in pixels of a bar, which is drawn from the cell's lower left
/// corner; `None` if the glyph is not a bar.
fn bar_size(text: &str) -> Option<(u32, u32)> {
    let mut glyphs = text.chars();
    let glyph = glyphs.next().filter(|_| glyphs.next().is_none())?;
    let code = u32::from(glyph);
    match glyph {
        '▁'..='█' => Some((WIDTH, (code - 0x2580) * HEIGHT / 8)),
        '▉'..='▏' => Some(((0x2590 - code) * WIDTH / 8, HEIGHT)),
        _ => None,
    }
}

/// Text of one style on one line.
struct Run {
    x: u32,
    y: u32,
    width: u32,
    text: String,
    style: Style,
}

impl Run {
    fn end(&self) -> u32 {
        self.x + self.width
    }
}

impl Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<text x=\"{}\" y=\"{}\"", self.x, self.y + BASELINE)?;
        if self.width > WIDTH {
            write!(f, " textLength=\"{}\"", self.width)?;
        }
        let style = self.style;
        if style.foreground != FOREGROUND {
            write!(f, " fill=\"{}\"", style.foreground)?;
        }
        for (is_set, attribute) in [
            (style.bold, " font-weight=\"bold\""),
            (style.italic, " font-style=\"italic\""),
            (style.underline, " text-decoration=\"underline\""),
        ] {
            f.write_str(if is_set { attribute } else { "" })?;
        }
        f.write_char('>')?;
        for glyph in self.text.chars() {
            match glyph {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                // XML does not allow these, even escaped.
                '\u{fffe}' | '\u{ffff}' => f.write_char(char::REPLACEMENT_CHARACTER)?,
                _ if glyph.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                _ => f.write_char(glyph)?,
            }
        }
        f.write_str("</text>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the elements of a picture of a program's output on a screen of 12 columns and one
    /// line.
    fn elements(printed: &str) -> Vec<String> {
        let mut parser = vt100::Parser::new(1, 12, 0);
        parser.process(printed.as_bytes());
        let picture = picture(parser.screen());
        let lines = picture.lines().skip(2);
        let drawn = lines.filter(|line| line.starts_with("<rect") || line.starts_with("<text"));
        drawn.map(str::to_owned).collect()
    }

    #[test]
    fn a_picture_has_the_screens_size_plus_margins() {
        let expected = "\
<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"112\" height=\"64\" viewBox=\"0 0 112 64\">
<rect width=\"112\" height=\"64\" rx=\"8\" fill=\"#1e1e1e\"/>
<g shape-rendering=\"crispEdges\">
</g>
<g fill=\"#d4d4d4\" font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace\" font-size=\"13.33\">
<text x=\"24\" y=\"44\">x</text>
</g>
</svg>
";
        let mut parser = vt100::Parser::new(2, 10, 0);
        parser.process(b"\x1b[2;2Hx");
        assert_eq!(picture(parser.screen()), expected);
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(
            elements("a<b>&\"'\u{fffe}"),
            [
                "<text x=\"16\" y=\"28\" textLength=\"56\">a&lt;b&gt;&amp;\"'</text>",
                "<text x=\"72\" y=\"28\">\u{fffd}</text>",
            ]
        );
    }

    #[test]
    fn a_run_ends_with_its_style_or_at_two_spaces() {
        assert_eq!(
            elements("a b  c\x1b[1md"),
            [
                "<text x=\"16\" y=\"28\" textLength=\"24\">a b</text>",
                "<text x=\"56\" y=\"28\">c</text>",
                "<text x=\"64\" y=\"28\" font-weight=\"bold\">d</text>",
            ]
        );
    }

    #[test]
    fn each_glyph_beyond_ascii_is_a_run() {
        assert_eq!(
            elements("a─漢b"),
            [
                "<text x=\"16\" y=\"28\">a</text>",
                "<text x=\"24\" y=\"28\">─</text>",
                "<text x=\"32\" y=\"28\" textLength=\"16\">漢</text>",
                "<text x=\"48\" y=\"28\">b</text>",
            ]
        );
    }

    #[test]
    fn reverse_swaps_colours_and_dim_goes_halfway() {
        assert_eq!(
            elements("\x1b[7ma b\x1b[m \x1b[2mc"),
            [
                "<rect x=\"16\" y=\"16\" width=\"24\" height=\"16\" fill=\"#d4d4d4\"/>",
                "<text x=\"16\" y=\"28\" textLength=\"24\" fill=\"#1e1e1e\">a b</text>",
                "<text x=\"48\" y=\"28\" fill=\"#797979\">c</text>",
            ]
        );
    }

    #[test]
    fn text_can_be_italic_and_underlined() {
        assert_eq!(
            elements("\x1b[3;4ma"),
            [
                "<text x=\"16\" y=\"28\" font-style=\"italic\" text-decoration=\"underline\">a</text>"
            ]
        );
    }

    #[test]
    fn bars_are_rectangles() {
        assert_eq!(
            elements("██▌▁▇"),
            [
                "<rect x=\"16\" y=\"16\" width=\"20\" height=\"16\" fill=\"#d4d4d4\"/>",
                "<rect x=\"40\" y=\"30\" width=\"8\" height=\"2\" fill=\"#d4d4d4\"/>",
                "<rect x=\"48\" y=\"18\" width=\"8\" height=\"14\" fill=\"#d4d4d4\"/>",
            ]
        );
        assert_eq!(
            elements("\x1b[44;38;5;203m▏█"),
            [
                "<rect x=\"16\" y=\"16\" width=\"16\" height=\"16\" fill=\"#2472c8\"/>",
                "<rect x=\"16\" y=\"16\" width=\"1\" height=\"16\" fill=\"#ff5f5f\"/>",
                "<rect x=\"24\" y=\"16\" width=\"8\" height=\"16\" fill=\"#ff5f5f\"/>",
            ]
        );
    }
}
