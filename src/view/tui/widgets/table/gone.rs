//! The domains that went, below the rows of the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::text::shortened;
use crate::view::tui::context::Context;
use crate::view::tui::line::areas;
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;

/// The most lines that rows leave to domains that went.
const MOST: u16 = 3;

/// The least number of lines below the titles of which some are for domains that went.
const LEAST_HEIGHT: u16 = 8;

/// Returns how many lines the rows leave to domains that went: none if a filter may hide them.
pub(super) fn lines(context: Context<'_>, is_filtered: bool) -> u16 {
    let (_, body) = areas(context.area);
    let gone = context.news.gone().take(usize::from(MOST)).count();
    match body.height >= LEAST_HEIGHT && !is_filtered {
        true => gone as u16,
        false => 0,
    }
}

/// Draws the domains that went, the last one first. If there are more than lines, the last line says how many.
pub(super) fn draw(context: Context<'_>, area: Rect, buffer: &mut Buffer) {
    let count = context.news.gone().count();
    let more = match usize::from(area.height) {
        height if count > height => count - height.saturating_sub(1),
        _ => 0,
    };
    let shown = context.news.gone().take(count - more);
    let texts = shown.map(|event| context.happened(event));
    let more = (more > 0).then(|| format!("{more} more domains went; e shows all events"));
    for (y, text) in (0..area.height).zip(texts.chain(more)) {
        if let Some(mut pen) = Pen::new(buffer, area, y) {
            pen.put(&shortened(&text, pen.room()), context.style(Role::Dim));
        }
    }
}
