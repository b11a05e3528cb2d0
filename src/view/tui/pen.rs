//! Writes a line of the screen from left to right.
//!
//! A shortened text can have another meaning: `credit2` becomes `credit`, and 12 domains become 1.
//! If a line is too narrow, it drops whole parts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text::columns;

/// Writes text from left to right in one line of the screen, and leaves out what does not fit.
pub(super) struct Pen<'a> {
    buffer: &'a mut Buffer,
    /// The first column of the line, and the column after its last.
    left: u16,
    right: u16,
    /// The column of the next text.
    x: u16,
    y: u16,
}

impl<'a> Pen<'a> {
    /// Returns a pen at the beginning of a line of this area; `None` if the line is outside the
    /// area or the buffer.
    pub(super) fn new(buffer: &'a mut Buffer, area: Rect, line: u16) -> Option<Self> {
        let area = area.intersection(buffer.area);
        (line < area.height).then_some(Self {
            buffer,
            left: area.x,
            right: area.right(),
            x: area.x,
            y: area.y.saturating_add(line),
        })
    }

    /// Writes text in a style.
    pub(super) fn put(&mut self, text: &str, style: Style) -> &mut Self {
        let room = self.right.saturating_sub(self.x);
        if room > 0 {
            let (x, _) = self
                .buffer
                .set_stringn(self.x, self.y, text, usize::from(room), style);
            self.x = x;
        }
        self
    }

    /// Writes text without a style.
    pub(super) fn say(&mut self, text: &str) -> &mut Self {
        self.put(text, Style::new())
    }

    /// Returns the number of columns that are left.
    pub(super) fn room(&self) -> usize {
        usize::from(self.right.saturating_sub(self.x))
    }

    /// Returns the column of the next text.
    pub(super) fn x(&self) -> u16 {
        self.x
    }

    /// Moves to the right by this many columns.
    pub(super) fn skip(&mut self, columns: usize) -> &mut Self {
        let columns = u16::try_from(columns).unwrap_or(u16::MAX);
        self.x = self.x.saturating_add(columns);
        self
    }

    /// Moves to this many columns before the end of the line, and may overwrite text there.
    pub(super) fn skip_to_last(&mut self, columns: usize) -> &mut Self {
        let columns = u16::try_from(columns).unwrap_or(u16::MAX);
        self.x = self.right.saturating_sub(columns).max(self.left);
        self
    }

    /// Writes the parts that fit, and drops those with the lowest priority.
    pub(super) fn put_parts(&mut self, mut parts: Vec<Part>) -> &mut Self {
        drop_to_fit(&mut parts, self.room());
        let right = parts.iter().position(|part| part.on_the_right);
        for (index, part) in parts.iter().enumerate() {
            if right == Some(index) {
                self.skip_to_last(width(&parts[index..]));
            } else {
                self.say(lead(&parts, index));
            }
            self.put(&part.text, part.style);
        }
        self
    }
}

/// A part of a line.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The text between it and the part before it.
    lead: &'static str,
    text: String,
    style: Style,
    /// A narrow line drops the parts with the lowest priority first.
    priority: u8,
    /// Whether this part and all parts after it are right-aligned.
    on_the_right: bool,
}

impl Part {
    /// Returns an unstyled part. `lead` is the text between it and the part before it. A narrow
    /// line drops the parts with the lowest `priority` first.
    pub(super) fn new(lead: &'static str, text: impl Into<String>, priority: u8) -> Self {
        Self {
            lead,
            text: text.into(),
            style: Style::new(),
            priority,
            on_the_right: false,
        }
    }

    /// Returns the part with this style.
    pub(super) fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// Returns the part, right-aligned.
    pub(super) fn on_the_right(self) -> Self {
        Self {
            on_the_right: true,
            ..self
        }
    }
}

/// Returns the text before this part: none before the first part, two spaces before the first
/// right-aligned part.
fn lead(parts: &[Part], index: usize) -> &'static str {
    match index.checked_sub(1).map(|before| &parts[before]) {
        None => "",
        Some(before) if parts[index].on_the_right && !before.on_the_right => "  ",
        Some(_) => parts[index].lead,
    }
}

/// Returns the number of columns that the parts take side by side.
fn width(parts: &[Part]) -> usize {
    let width = |index: usize| columns(lead(parts, index)) + columns(&parts[index].text);
    (0..parts.len()).map(width).sum()
}

/// Removes parts until the others fit into this many columns: the lowest priority first, and the
/// later one of two parts with the same priority.
fn drop_to_fit(parts: &mut Vec<Part>, room: usize) {
    while width(parts) > room {
        let rank = |&index: &usize| (parts[index].priority, std::cmp::Reverse(index));
        match (0..parts.len()).min_by_key(rank) {
            Some(least) => parts.remove(least),
            None => return,
        };
    }
}
