//! The table of domains.

mod cursor;
mod device_rows;
mod grid;
mod order;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::Target;
use crate::snapshot::{Identity, Snapshot};
use crate::text::{safe, shortened};
use crate::view::Sample;
use crate::view::tui::context::Context;
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;
pub(in crate::view::tui) use cursor::Cursor;
pub(in crate::view::tui) use grid::shown_columns;
use order::{Order, rows};

/// The table of domains: those that pass the filter, and the one that the cursor is on.
#[derive(Clone, Debug, Default)]
pub(in crate::view::tui) struct Table {
    filter: String,
    cursor: Cursor,
    /// The domains in order: places in the shown snapshot.
    rows: Vec<usize>,
}

impl Table {
    /// Returns the rows: places in the shown snapshot.
    pub(in crate::view::tui) fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Returns the domain that the cursor is on; `None` until a person chooses one.
    pub(in crate::view::tui) fn chosen(&self) -> Option<Identity> {
        self.cursor.chosen()
    }

    /// Returns what the domains are filtered by.
    pub(in crate::view::tui) fn filter(&self) -> &str {
        &self.filter
    }

    /// Says what the domains are filtered by, and how many of them pass; `None` without a filter.
    pub(super) fn found(&self, context: Context<'_>) -> Option<String> {
        if self.filter.is_empty() {
            return None;
        }
        let all = context.sample.map_or(0, |s| s.snapshot.domains.len());
        let filter = safe(&self.filter);
        Some(format!("/{filter} ({} of {all})", self.rows.len()))
    }

    /// Shows the domains that pass this filter.
    pub(in crate::view::tui) fn filter_by(&mut self, context: Context<'_>, filter: &str) {
        if self.filter != filter {
            filter.clone_into(&mut self.filter);
            self.refresh(context);
        }
    }

    /// Makes the rows from the sample, the order and the filter.
    pub(in crate::view::tui) fn refresh(&mut self, context: Context<'_>) {
        let order = Order {
            by: context.settings.sort,
            descending: context.settings.descending,
            dom0_first: context.display.dom0_first,
        };
        if let Some(sample) = context.sample {
            self.rows = rows(sample, order, &self.filter);
            self.cursor.settle(sample.snapshot, &self.rows);
        }
    }

    /// Does something with the cursor.
    pub(in crate::view::tui) fn with_cursor(
        &mut self,
        context: Context<'_>,
        work: impl FnOnce(&mut Cursor, &Snapshot, &[usize]),
    ) {
        if let Some(sample) = context.sample {
            work(&mut self.cursor, sample.snapshot, &self.rows);
        }
    }

    /// Scrolls so that what should be in sight is.
    pub(super) fn bring_in_sight(&mut self, context: Context<'_>) {
        let Some(Sample { snapshot, .. }) = context.sample else {
            return;
        };
        let (_, body) = areas(context.area);
        let Self { cursor, rows, .. } = self;
        let chosen = cursor.row(snapshot, rows);
        cursor.bring_in_sight(chosen, rows.len(), usize::from(body.height), |row| {
            height(context, snapshot, rows[row])
        });
    }

    pub(super) fn draw(&self, context: Context<'_>, buffer: &mut Buffer) {
        let Some(sample) = context.sample else { return };
        let (titles, body) = areas(context.area);
        let slots = grid::slots(context, sample);
        grid::titles(context, &slots, titles, buffer);
        let chosen = self.cursor.row(sample.snapshot, &self.rows);
        let line = |y: u16| Rect::new(body.x, body.y.saturating_add(y), body.width, 1);
        let mut y = 0;
        for (row, &place) in self.rows.iter().enumerate().skip(self.cursor.top) {
            if y >= body.height {
                return;
            }
            if context.display.repeat_header && row > self.cursor.top {
                grid::titles(context, &slots, line(y), buffer);
                y += 1;
            }
            let Some(one) = sample.domain(place) else {
                return;
            };
            grid::line(context, &slots, one, body, y, buffer);
            if chosen == Some(row) {
                let style = Style::new().add_modifier(Modifier::REVERSED);
                buffer.set_style(line(y).intersection(buffer.area), style);
            }
            y += 1;
            for text in device_rows::lines(one.domain, one.rates, context.display) {
                if let Some(mut pen) = Pen::new(buffer, body, y) {
                    pen.say("    ");
                    pen.put(&shortened(&text, pen.room()), context.style(Role::Dim));
                }
                y += 1;
            }
        }
    }

    /// Returns what is at this place of the screen.
    pub(in crate::view::tui) fn target(
        &self,
        context: Context<'_>,
        at: Position,
    ) -> Option<Target> {
        let sample = context.sample?;
        let (titles, body) = areas(context.area);
        if titles.contains(at) {
            let slots = grid::slots(context, sample);
            let slot = slots
                .iter()
                .find(|slot| (slot.x..=slot.x + slot.width).contains(&at.x))?;
            return Some(Target::Title(slot.column));
        }
        if !body.contains(at) {
            return None;
        }
        let mut free = usize::from(at.y - body.y);
        for (row, &place) in self.rows.iter().enumerate().skip(self.cursor.top) {
            match free.checked_sub(height(context, sample.snapshot, place)) {
                Some(rest) => free = rest,
                None => return Some(Target::Row(row)),
            }
        }
        None
    }
}

/// Returns where the titles are, and where the rows; a single line is a row.
fn areas(area: Rect) -> (Rect, Rect) {
    let titles = u16::from(area.height >= 2);
    let rest = area.height - titles;
    let lines = |y: u16, height: u16| Rect::new(area.x, area.y + y, area.width, height);
    (lines(0, titles), lines(titles, rest))
}

/// Returns how many lines the domain in this place takes.
fn height(context: Context<'_>, snapshot: &Snapshot, place: usize) -> usize {
    let titles = usize::from(context.display.repeat_header);
    titles + 1 + device_rows::count(&snapshot.domains[place], context.display)
}
