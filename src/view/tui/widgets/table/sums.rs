//! Draws the sums of the rows that a filter leaves.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::fields::{Kind, Unit, Value};
use crate::text::{UNKNOWN, columns};
use crate::units;
use crate::view::tui::cells::{Key, Row};
use crate::view::tui::columns::{Column, Shows};
use crate::view::tui::context::Context;
use crate::view::tui::digest::Total;
use crate::view::tui::fit::Slot;
use crate::view::tui::line;

/// Draws how many rows there are and the sums of what can be added, in one line.
pub(super) fn draw(
    context: Context<'_>,
    slots: &[Slot],
    rows: &[usize],
    area: Rect,
    buffer: &mut Buffer,
) {
    let style = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    buffer.set_style(area.intersection(buffer.area), style);
    for slot in slots {
        let text = match slot.column {
            Column::NAME => Some(format!("sum: {}", rows.len())),
            column => sum(context, column, rows),
        };
        let mut text = text.unwrap_or_default();
        if columns(&text) > usize::from(slot.width)
            && let Some(point) = text.find('.')
        {
            // Without the tenths.
            text.drain(point..point + 2);
        }
        line::cell(slot.place(), &text, Style::new(), area, 0, buffer);
    }
}

/// Formats the sum of a column; `None` if it shows nothing that can be added, or that the sample has not.
fn sum(context: Context<'_>, column: Column, rows: &[usize]) -> Option<String> {
    let collected = context.sample?.snapshot.collected;
    if !adds_up(column) || !collected.covers(column.part()) {
        return None;
    }
    let mut total = Total::default();
    for row in rows.iter().filter_map(|&place| context.row(place)) {
        total.add(value(column, row));
    }
    let text = |sum: f64| match column.shape().shows {
        Shows::Figure(figure) if figure.unit == Unit::Count => format!("{sum:.0}"),
        Shows::Figure(figure) => units::compact(Value::Real(sum), figure.kind, figure.unit),
        _ => units::few(sum),
    };
    Some(match (total.known, total.is_partial) {
        (None, false) => text(0.0),
        (None, true) => UNKNOWN.to_owned(),
        (Some(sum), false) => text(sum),
        // More than is known.
        (Some(sum), true) => format!(">{}", text(sum)),
    })
}

/// Returns whether a sum of the column says something: not of shares of different wholes, means, and numbers that
/// identify.
fn adds_up(column: Column) -> bool {
    match column.shape().shows {
        Shows::Figure(figure) => match (figure.unit, figure.kind) {
            (Unit::Percent, _) => {
                matches!(column, Column::CPU | Column::READY | Column::THROTTLED)
            }
            (Unit::Nanoseconds, Kind::Counter { .. }) => true,
            (unit, _) => matches!(
                unit,
                Unit::Count | Unit::PerSecond | Unit::Bytes | Unit::BytesPerSecond
            ),
        },
        Shows::MemoryShare | Shows::CpuMean => true,
        Shows::CpuPeak | Shows::CpuBar | Shows::CpuHistory | Shows::Why => false,
    }
}

/// Returns the number in a cell; `None` if it is unknown or without limit.
fn value(column: Column, row: Row<'_>) -> Option<f64> {
    match Key::of(column, row) {
        Key::Number(number) if number.is_finite() => Some(number),
        _ => None,
    }
}
