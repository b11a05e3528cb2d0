//! Draws the titles and cells of a table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::pen::Pen;
use crate::text::{columns, shortened};

/// The position, width and alignment of a column in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: u16,
    pub(super) width: u16,
    /// Whether its text is left-aligned.
    pub(super) left: bool,
}

/// Returns the areas of the titles and of the rows. An area of one line has no titles.
pub(super) fn areas(area: Rect) -> (Rect, Rect) {
    let titles = u16::from(area.height >= 2);
    let rest = area.height - titles;
    let lines = |y: u16, height: u16| Rect::new(area.x, area.y + y, area.width, height);
    (lines(0, titles), lines(titles, rest))
}

/// Draws the background of the titles.
pub(super) fn title_line(area: Rect, buffer: &mut Buffer) {
    let style = Style::new().add_modifier(Modifier::REVERSED);
    buffer.set_style(area.intersection(buffer.area), style);
}

/// Draws a title, with a mark after it if the table is sorted by this column: `Some(true)` is a
/// descending order.
pub(super) fn title(
    place: Place,
    text: &str,
    sorted: Option<bool>,
    unicode: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let mark = match (sorted, unicode) {
        (None, _) => "",
        (Some(true), true) => "▼",
        (Some(false), true) => "▲",
        (Some(true), false) => "v",
        (Some(false), false) => "^",
    };
    let style = match sorted {
        Some(_) => Style::new().add_modifier(Modifier::BOLD),
        None => Style::new(),
    };
    cell(place, &format!("{text}{mark}"), style, area, 0, buffer);
}

/// Draws a cell's text in line `y` of the area, aligned left or right in its place.
pub(super) fn cell(
    place: Place,
    text: &str,
    style: Style,
    area: Rect,
    y: u16,
    buffer: &mut Buffer,
) {
    let Some(mut pen) = Pen::new(buffer, area, y) else {
        return;
    };
    let width = usize::from(place.width);
    let text = shortened(text, width);
    let free = match place.left {
        true => 0,
        false => width.saturating_sub(columns(&text)),
    };
    pen.skip(usize::from(place.x) + free).put(&text, style);
}
