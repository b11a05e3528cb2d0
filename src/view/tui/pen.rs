//! The parts of a line. What is cut in two may say something else (`credit2` is not `credit`, nor
//! 12 domains 1), so that parts give way whole.

use ratatui::style::Style;

use super::widgets::Pen;
use crate::text::columns;

/// A part of a line.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// What stands between it and the part before it.
    lead: &'static str,
    text: String,
    style: Style,
    /// The higher, the longer it stays when the line gets narrow.
    stays: u8,
    /// Whether it stands at the end of the line, as all the parts after it do.
    on_the_right: bool,
}

impl Part {
    pub(super) fn new(lead: &'static str, text: impl Into<String>, stays: u8) -> Self {
        Self {
            lead,
            text: text.into(),
            style: Style::new(),
            stays,
            on_the_right: false,
        }
    }

    pub(super) fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }

    pub(super) fn on_the_right(self) -> Self {
        Self {
            on_the_right: true,
            ..self
        }
    }
}

/// What stands before this part: nothing before the first one, a gap before the end of the line.
fn lead(parts: &[Part], index: usize) -> &'static str {
    match index.checked_sub(1).map(|before| &parts[before]) {
        None => "",
        Some(before) if parts[index].on_the_right && !before.on_the_right => "  ",
        Some(_) => parts[index].lead,
    }
}

/// How many columns the parts take side by side.
fn width(parts: &[Part]) -> usize {
    let width = |index: usize| columns(lead(parts, index)) + columns(&parts[index].text);
    (0..parts.len()).map(width).sum()
}

/// Takes parts away, those that matter least first and of two alike the later one, until the
/// others fit into so many columns.
pub(super) fn give_way(parts: &mut Vec<Part>, room: usize) {
    while width(parts) > room {
        let rank = |&index: &usize| (parts[index].stays, std::cmp::Reverse(index));
        match (0..parts.len()).min_by_key(rank) {
            Some(least) => parts.remove(least),
            None => return,
        };
    }
}

impl Pen<'_> {
    /// Puts the parts that fit.
    pub(super) fn put_parts(&mut self, mut parts: Vec<Part>) -> &mut Self {
        give_way(&mut parts, self.room());
        let right = parts.iter().position(|part| part.on_the_right);
        for (index, part) in parts.iter().enumerate() {
            if right == Some(index) {
                self.x = self.right - width(&parts[index..]) as u16;
            } else {
                self.say(lead(&parts, index));
            }
            self.put(&part.text, part.style);
        }
        self
    }
}
