//! Draws the titles and lines of the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::pressure::{Pressure, Reason};
use crate::rates::Rate;
use crate::sample::{DomainSample, Sample};
use crate::snapshot::Domain;
use crate::text::columns;
use crate::view::tui::cells::{self, Row};
use crate::view::tui::columns::Column;
use crate::view::tui::context::Context;
use crate::view::tui::fit::{Keep, Slot, fit};
use crate::view::tui::glyphs::{bar, history, lost_bar};
use crate::view::tui::line::{self, Place};
use crate::view::tui::theme::{Role, loss, role};

/// The width that a narrow line leaves to names, if they are that long.
const USUAL_LEAST_NAME: usize = 12;

/// Returns the columns that fit, in display order; none before the first sample.
pub(in crate::view::tui) fn shown_columns(context: Context<'_>, moved: usize) -> Vec<Column> {
    // Which ones fit does not depend on the names of the visible rows.
    let slots = context
        .sample
        .map(|sample| slots(context, sample, moved, 0));
    let slots = slots.into_iter().flatten();
    slots.map(|slot| slot.column).collect()
}

/// Returns whether a column stays when others are moved.
fn stays(column: Column) -> bool {
    matches!(column, Column::ID | Column::NAME)
}

/// Returns the first column that does not stay; `None` if none is shown.
pub(super) fn first_column(context: Context<'_>, moved: usize) -> Option<Column> {
    let mut shown = shown_columns(context, moved).into_iter();
    shown.find(|&column| !stays(column))
}

/// Returns whether the table shows its last column.
pub(super) fn shows_last(context: Context<'_>, moved: usize) -> bool {
    let (chosen, _) = context.columns();
    let shown = shown_columns(context, moved);
    match moved {
        0 => chosen.iter().all(|column| shown.contains(column)),
        _ => chosen.last().is_none_or(|column| shown.contains(column)),
    }
}

/// Returns the column at position `x`, including the gap after it; `None` if there is none.
pub(super) fn column_at(slots: &[Slot], x: u16) -> Option<Column> {
    let slot = slots
        .iter()
        .find(|slot| (slot.x..=slot.x + slot.width).contains(&x))?;
    Some(slot.column)
}

/// Returns how far one can move to the right.
pub(super) fn furthest(context: Context<'_>) -> usize {
    let (chosen, _) = context.columns();
    chosen.iter().filter(|&&column| !stays(column)).count()
}

/// Returns the positions and widths of the columns that fit: the most important ones, in display order. Once the user
/// has moved to the right, those that come first instead; each further move leaves out one more of them. `name` is the
/// width of the longest name of the visible rows.
pub(super) fn slots(
    context: Context<'_>,
    sample: Sample<'_>,
    moved: usize,
    name: usize,
) -> Vec<Slot> {
    let domains = &sample.snapshot.domains;
    let id = context.news.id_width(domains);
    let (mut chosen, mut more) = context.columns();
    let mut keep = Keep::Priority(context.settings.sort);
    if let Some(mut left) = moved.checked_sub(1) {
        keep = Keep::First;
        more.clear();
        chosen.retain(|&column| {
            let goes = !stays(column) && left > 0;
            left -= usize::from(goes);
            !goes
        });
    }
    fit(
        (&chosen, &more),
        keep,
        context.area.width,
        id,
        (least_name(context, domains), name),
    )
}

/// Returns the least width of the names: that of the longest, up to [`USUAL_LEAST_NAME`] unless names are shown whole.
/// It is that of all domains, so that the columns stay when others are visible.
fn least_name(context: Context<'_>, domains: &[Domain]) -> usize {
    let mut widths = domains.iter().map(|domain| columns(&cells::name(domain)));
    if context.display.full_name {
        return widths.max().unwrap_or(0);
    }
    let mut widest = 0;
    let is_enough = |width: usize| {
        widest = width.max(widest);
        widest >= USUAL_LEAST_NAME
    };
    match widths.any(is_enough) {
        true => USUAL_LEAST_NAME,
        false => widest,
    }
}

/// Draws the titles, and a mark after the title of the sorted column.
pub(super) fn titles(context: Context<'_>, slots: &[Slot], area: Rect, buffer: &mut Buffer) {
    line::title_line(area, buffer);
    let (settings, unicode) = (context.settings, context.terminal.unicode);
    for slot in slots {
        let sorted = (slot.column == settings.sort).then_some(settings.descending);
        let title = match slot.column {
            Column::CPU_BAR if !context.is_traced() => "BUSY",
            _ => slot.title(),
        };
        line::title(slot.place(), title, sorted, unicode, area, buffer);
    }
}

/// Draws a domain in one line of the area.
pub(super) fn domain(
    context: Context<'_>,
    slots: &[Slot],
    row: Row<'_>,
    area: Rect,
    y: u16,
    buffer: &mut Buffer,
) {
    let domain = row.one.domain;
    let unicode = context.terminal.unicode;
    // Colour says what is lost, not what is used.
    let lost = row.suffers.and_then(Pressure::lost_worth_telling);
    let lost = lost.and_then(loss);
    let marked = lost.map_or_else(Style::new, |role| context.style(role));
    for &slot in slots {
        let width = usize::from(slot.width);
        let (text, style) = match slot.column {
            Column::CPU_BAR => {
                let (ran, lost) = shares(row.one);
                let ran = bar(ran, width, unicode);
                let rest = width - columns(&ran);
                let lost = lost_bar(lost, width, unicode);
                let lost: String = lost.chars().take(rest).collect();
                let after = Place {
                    x: slot.x + columns(&ran) as u16,
                    width: rest as u16,
                    left: true,
                };
                line::cell(after, &lost, marked, area, y, buffer);
                (ran, context.style(Role::Calm))
            }
            Column::CPU_HISTORY => {
                let full = 100.0 * domain.vcpus_online.max(1) as f32;
                let past = row
                    .past
                    .map(|past| history(past.cpu.last(width), full, unicode));
                (past.unwrap_or_default(), context.style(Role::Calm))
            }
            column => {
                let text = cells::text(column, row, width);
                match column {
                    Column::ID if context.news.is_new(domain.identity()) => {
                        (format!("+{text}"), context.style(Role::Accent))
                    }
                    Column::STATE => {
                        let style = role(domain.states.summary())
                            .map_or_else(Style::new, |role| context.style(role));
                        (text, style)
                    }
                    // Only what is a reason is marked.
                    Column::LOST if lost.is_some() => (text, marked),
                    Column::READY
                        if suffers_from(row, |one| matches!(one, Reason::Ready { .. })) =>
                    {
                        (text, marked)
                    }
                    Column::THROTTLED
                        if suffers_from(row, |one| matches!(one, Reason::Throttled { .. })) =>
                    {
                        (text, marked)
                    }
                    Column::MEMORY_SHORT
                        if suffers_from(row, |one| matches!(one, Reason::MemoryShort { .. })) =>
                    {
                        (text, context.style(Role::Busy))
                    }
                    Column::WHY => (text, why_style(context, row)),
                    column if column.is_amount() && cells::is_idle(&text) => (
                        cells::idle(&text, context.nothing()).to_owned(),
                        context.style(Role::Dim),
                    ),
                    _ => (text, Style::new()),
                }
            }
        };
        line::cell(slot.place(), &text, style, area, y, buffer);
    }
}

/// Returns the shares of all its vCPUs for which a domain ran, and for which it was ready or throttled.
fn shares(one: DomainSample<'_>) -> (f64, f64) {
    let rates = one.rates;
    let share = |rate: Option<Rate>| rate.map_or(0.0, |rate| rate.value / 100.0);
    let vcpus = f64::from(one.domain.vcpus_online.max(1));
    let states = rates.states;
    let lost = (share(states.ready_percent) + share(states.throttled_percent)) / vcpus;
    (share(rates.cpu_percent_of_vcpus), lost)
}

fn suffers_from(row: Row<'_>, is_it: fn(&Reason) -> bool) -> bool {
    row.suffers.is_some_and(|one| one.reasons.iter().any(is_it))
}

fn why_style(context: Context<'_>, row: Row<'_>) -> Style {
    let role = match row.suffers {
        Some(suffers) => loss(suffers.severity()).unwrap_or(Role::Busy),
        None => Role::Dim,
    };
    context.style(role)
}
