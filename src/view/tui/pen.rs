//! A line of the screen, written from left to right, and its parts.
//!
//! What is cut in two may say something else (`credit2` is not `credit`, nor 12 domains 1), so that
//! parts give way whole.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text::columns;

/// Writes text from left to right in one line of the screen, and leaves out what does not fit.
pub(super) struct Pen<'a> {
    buffer: &'a mut Buffer,
    /// Where the line begins and where it ends.
    left: u16,
    right: u16,
    /// Where the next text goes.
    x: u16,
    y: u16,
}

impl<'a> Pen<'a> {
    /// Returns a pen at the beginning of a line of this area; `None` if the line is not within the
    /// area and the buffer.
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

    /// Returns how many columns are left.
    pub(super) fn room(&self) -> usize {
        usize::from(self.right.saturating_sub(self.x))
    }

    /// Returns where the next text goes.
    pub(super) fn x(&self) -> u16 {
        self.x
    }

    /// Moves to the right by so many columns.
    pub(super) fn skip(&mut self, columns: usize) -> &mut Self {
        let columns = u16::try_from(columns).unwrap_or(u16::MAX);
        self.x = self.x.saturating_add(columns);
        self
    }

    /// Moves to so many columns before the end of the line, over what stands there.
    pub(super) fn skip_to_last(&mut self, columns: usize) -> &mut Self {
        let columns = u16::try_from(columns).unwrap_or(u16::MAX);
        self.x = self.right.saturating_sub(columns).max(self.left);
        self
    }

    /// Writes the parts that fit.
    pub(super) fn put_parts(&mut self, mut parts: Vec<Part>) -> &mut Self {
        give_way(&mut parts, self.room());
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
    /// The higher, the longer it stays when the line gets narrow.
    stays: u8,
    /// Whether it stands at the end of the line, as all the parts after it do.
    on_the_right: bool,
}

impl Part {
    /// Returns an unstyled part. `lead` is the text between it and the part before it; the higher
    /// `stays` is, the longer the part stays when the line gets narrow.
    pub(super) fn new(lead: &'static str, text: impl Into<String>, stays: u8) -> Self {
        Self {
            lead,
            text: text.into(),
            style: Style::new(),
            stays,
            on_the_right: false,
        }
    }

    /// Returns the part in this style.
    pub(super) fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// Returns the part at the end of the line.
    pub(super) fn on_the_right(self) -> Self {
        Self {
            on_the_right: true,
            ..self
        }
    }
}

/// Returns the text before this part: none before the first one, a gap before those at the end.
fn lead(parts: &[Part], index: usize) -> &'static str {
    match index.checked_sub(1).map(|before| &parts[before]) {
        None => "",
        Some(before) if parts[index].on_the_right && !before.on_the_right => "  ",
        Some(_) => parts[index].lead,
    }
}

/// Returns how many columns the parts take side by side.
fn width(parts: &[Part]) -> usize {
    let width = |index: usize| columns(lead(parts, index)) + columns(&parts[index].text);
    (0..parts.len()).map(width).sum()
}

/// Removes parts, those that stay shortest first and of two alike the later one, until the others
/// fit into so many columns.
fn give_way(parts: &mut Vec<Part>, room: usize) {
    while width(parts) > room {
        let rank = |&index: &usize| (parts[index].stays, std::cmp::Reverse(index));
        match (0..parts.len()).min_by_key(rank) {
            Some(least) => parts.remove(least),
            None => return,
        };
    }
}
