//! What the keys do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Pen;
use crate::view::tui::state::State;
use crate::view::tui::theme::Role;

const KEYS: [(&str, &str); 16] = [
    ("q Q ^C", "quit"),
    (
        "up down pgup pgdn home end",
        "choose a domain; Esc chooses none",
    ),
    ("/", "filter by name, id or uuid as you type; Esc shows all"),
    ("s S > <", "sort by the next column, the one before"),
    ("1 to 9, 0", "sort by that column; again: the other way"),
    ("r", "reverse the order"),
    ("p space", "pause the display and go on"),
    ("+ -", "longer, shorter interval"),
    ("d D", "set the interval in seconds"),
    ("n N", "each domain's NICs below it"),
    ("b B", "each domain's disks below it"),
    ("v V", "each domain's vCPUs below it"),
    ("R", "the titles above each domain"),
    ("t", "the next theme: usual, colour-blind, plain"),
    ("^L ^Z", "draw anew, stop"),
    (
        "mouse",
        "click a title to sort, a row to choose; the wheel scrolls",
    ),
];

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    for (line, (keys, does)) in (0..).zip(KEYS) {
        if let Some(mut pen) = Pen::new(buffer, area, line) {
            pen.put(&format!("{keys:<28}"), state.style(Role::Accent))
                .say(does);
        }
    }
}
