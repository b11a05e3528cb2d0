//! Draws the titles and lines of the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::sample::{DomainSample, Sample};
use crate::text::columns;
use crate::view::tui::cells;
use crate::view::tui::columns::{Column, Slot, fit};
use crate::view::tui::context::Context;
use crate::view::tui::glyphs::{bar, history};
use crate::view::tui::line;
use crate::view::tui::theme::{Role, load, role};

/// Returns the columns that fit, in display order; none before the first sample.
pub(in crate::view::tui) fn shown_columns(context: Context<'_>) -> Vec<Column> {
    let slots = context.sample.map(|sample| slots(context, sample));
    let slots = slots.into_iter().flatten();
    slots.map(|slot| slot.column).collect()
}

/// Returns the column at position `x`, including the gap after it; `None` if there is none.
pub(super) fn column_at(context: Context<'_>, x: u16) -> Option<Column> {
    let slots = slots(context, context.sample?);
    let slot = slots
        .iter()
        .find(|slot| (slot.x..=slot.x + slot.width).contains(&x))?;
    Some(slot.column)
}

/// Returns the positions and widths of the columns that fit.
pub(super) fn slots(context: Context<'_>, sample: Sample<'_>) -> Vec<Slot> {
    let domains = &sample.snapshot.domains;
    let names = domains.iter().map(|domain| columns(&cells::name(domain)));
    // A snapshot's domains are in order of ID, so the last ID is the longest.
    let id = domains
        .last()
        .map_or(1, |domain| domain.id.to_string().len());
    fit(
        &context.columns(),
        context.settings.sort,
        context.area.width,
        (id, names.max().unwrap_or(0)),
        context.display.full_name,
    )
}

/// Draws the titles, and a mark after the title of the sorted column.
pub(super) fn titles(context: Context<'_>, slots: &[Slot], area: Rect, buffer: &mut Buffer) {
    line::title_line(area, buffer);
    let (settings, unicode) = (context.settings, context.terminal.unicode);
    for slot in slots {
        let sorted = (slot.column == settings.sort).then_some(settings.descending);
        line::title(slot.place(), slot.title(), sorted, unicode, area, buffer);
    }
}

/// Draws a domain in one line of the area.
pub(super) fn domain(
    context: Context<'_>,
    slots: &[Slot],
    one: DomainSample<'_>,
    area: Rect,
    y: u16,
    buffer: &mut Buffer,
) {
    let DomainSample { domain, rates, .. } = one;
    let unicode = context.terminal.unicode;
    let share = rates.cpu_percent_of_vcpus.map(|share| share.value);
    let loaded = share.map_or_else(Style::new, |share| context.style(load(share)));
    for &slot in slots {
        let width = usize::from(slot.width);
        let (text, style) = match slot.column {
            Column::CPU_BAR => {
                let share = share.unwrap_or(0.0) / 100.0;
                (bar(share, width, unicode), loaded)
            }
            Column::CPU_HISTORY => {
                let full = 100.0 * domain.vcpus_online.max(1) as f32;
                let past = context
                    .histories
                    .of(domain.identity())
                    .map(|past| history(past.cpu.last(width), full, unicode));
                (past.unwrap_or_default(), context.style(Role::Calm))
            }
            column => {
                let text = cells::text(column, one);
                let style = match column {
                    Column::STATE => role(domain.states.summary())
                        .map_or_else(Style::new, |role| context.style(role)),
                    Column::CPU | Column::CPU_OF_VCPUS => loaded,
                    Column::NAME | Column::ID => Style::new(),
                    _ if cells::is_idle(&text) => context.style(Role::Dim),
                    _ => Style::new(),
                };
                (text, style)
            }
        };
        line::cell(slot.place(), &text, style, area, y, buffer);
    }
}
