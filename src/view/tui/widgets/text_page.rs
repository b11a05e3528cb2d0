//! Texts that may be longer than the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::view::tui::app::App;
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;

/// Draws as much of the lines as fits, from the place on that the person scrolled to.
pub(super) fn draw(state: &mut App, lines: &[Line<'_>], area: Rect, buffer: &mut Buffer) {
    let height = usize::from(area.height);
    let below = lines.len().saturating_sub(height);
    state.widgets.scroll = state.widgets.scroll.min(below);
    let below = below - state.widgets.scroll;
    for (y, line) in (0..area.height).zip(&lines[state.widgets.scroll..]) {
        if let Some(mut pen) = Pen::new(buffer, area, y) {
            for span in line {
                pen.put(&span.content, span.style);
            }
            if line.width() > usize::from(area.width) {
                pen.skip_to_last(1).say("…");
            }
        }
    }
    if let Some(mut pen) = area
        .height
        .checked_sub(1)
        .filter(|_| below > 0)
        .and_then(|last| Pen::new(buffer, area, last))
    {
        let text = format!(" {below} more ");
        pen.skip_to_last(text.len())
            .put(&text, state.style(Role::Accent));
    }
}
