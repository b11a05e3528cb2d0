//! The table of domains.

pub(in crate::view::tui) mod cursor;
mod device_rows;
pub(in crate::view::tui) mod order;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{Layout, Target};
use crate::sample::DomainSample;
use crate::text::{columns, shortened};
use crate::view::Sample;
use crate::view::tui::app::App;
use crate::view::tui::cells;
use crate::view::tui::columns::{Column, Slot, fit};
use crate::view::tui::glyphs::{bar, history};
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::{Role, load, role};

pub(super) fn draw(state: &App, layout: Layout, buffer: &mut Buffer) {
    let Some(sample) = state.sample() else { return };
    let slots = slots(state, sample);
    titles(state, &slots, layout.titles, buffer);
    let chosen = state
        .widgets
        .cursor
        .row(sample.snapshot, &state.widgets.rows);
    let mut y = 0;
    for (row, &place) in state
        .widgets
        .rows
        .iter()
        .enumerate()
        .skip(state.widgets.cursor.top)
    {
        if y >= layout.body.height {
            return;
        }
        if state.display.repeat_header && row > state.widgets.cursor.top {
            let line = Rect::new(layout.body.x, layout.body.y + y, layout.body.width, 1);
            titles(state, &slots, line, buffer);
            y += 1;
        }
        let Some(one) = sample.domain(place) else {
            return;
        };
        line(
            state,
            &slots,
            one,
            chosen == Some(row),
            layout.body,
            y,
            buffer,
        );
        y += 1;
        for text in device_rows::lines(one.domain, one.rates, state.display) {
            if let Some(mut pen) = Pen::new(buffer, layout.body, y) {
                pen.say("    ");
                pen.put(&shortened(&text, pen.room()), state.style(Role::Dim));
            }
            y += 1;
        }
    }
}

/// The columns that fit.
fn slots(state: &App, sample: Sample<'_>) -> Vec<Slot> {
    let domains = &sample.snapshot.domains;
    let names = domains.iter().map(|domain| columns(&cells::name(domain)));
    // Domains stand in the order of their ids.
    let id = domains
        .last()
        .map_or(1, |domain| domain.id.to_string().len());
    fit(
        &state.settings.columns,
        state.settings.sort,
        state.size.width,
        (id, names.max().unwrap_or(0)),
        state.display.full_name,
    )
}

/// The titles, the one that the table is sorted by with a mark.
fn titles(state: &App, slots: &[Slot], area: Rect, buffer: &mut Buffer) {
    buffer.set_style(
        area.intersection(buffer.area),
        Style::new().add_modifier(Modifier::REVERSED),
    );
    for slot in slots {
        let sorted = slot.column == state.settings.sort;
        let mark = match (sorted, state.settings.descending, state.terminal.unicode) {
            (false, ..) => "",
            (true, true, true) => "▼",
            (true, false, true) => "▲",
            (true, true, false) => "v",
            (true, false, false) => "^",
        };
        let text = format!("{}{mark}", slot.title());
        let style = match sorted {
            true => Style::new().add_modifier(Modifier::BOLD),
            false => Style::new(),
        };
        cell(*slot, &text, style, area, 0, buffer);
    }
}

fn line(
    state: &App,
    slots: &[Slot],
    one: DomainSample<'_>,
    chosen: bool,
    area: Rect,
    y: u16,
    buffer: &mut Buffer,
) {
    let DomainSample { domain, rates, .. } = one;
    let share = rates.cpu_percent_of_vcpus.map(|share| share.value);
    let loaded = share.map_or_else(Style::new, |share| state.style(load(share)));
    for &slot in slots {
        let width = usize::from(slot.width);
        let (text, style) = match slot.column {
            Column::CPU_BAR => {
                let share = share.unwrap_or(0.0) / 100.0;
                (bar(share, width, state.terminal.unicode), loaded)
            }
            Column::CPU_HISTORY => {
                let full = 100.0 * domain.vcpus_online.max(1) as f32;
                let past = state
                    .histories()
                    .of(domain.identity())
                    .map(|past| history(past.cpu.last(width), full, state.terminal.unicode));
                (past.unwrap_or_default(), state.style(Role::Calm))
            }
            column => {
                let text = cells::text(column, one);
                let style = match column {
                    Column::STATE => role(domain.states.summary())
                        .map_or_else(Style::new, |role| state.style(role)),
                    Column::CPU | Column::CPU_OF_VCPUS => loaded,
                    Column::NAME | Column::ID => Style::new(),
                    _ if cells::is_idle(&text) => state.style(Role::Dim),
                    _ => Style::new(),
                };
                (text, style)
            }
        };
        cell(slot, &text, style, area, y, buffer);
    }
    if chosen {
        let line = Rect::new(area.x, area.y.saturating_add(y), area.width, 1);
        let style = Style::new().add_modifier(Modifier::REVERSED);
        buffer.set_style(line.intersection(buffer.area), style);
    }
}

/// A cell's text on its side of the slot.
fn cell(slot: Slot, text: &str, style: Style, area: Rect, y: u16, buffer: &mut Buffer) {
    let Some(mut pen) = Pen::new(buffer, area, y) else {
        return;
    };
    let width = usize::from(slot.width);
    let text = shortened(text, width);
    let free = match slot.column.shape().left {
        true => 0,
        false => width.saturating_sub(columns(&text)),
    };
    pen.skip(usize::from(slot.x) + free).put(&text, style);
}

impl App {
    /// Scrolls so that what should be in sight is.
    pub(super) fn bring_in_sight(&mut self) {
        let lines = usize::from(Layout::of(self.size).body.height);
        let Some(sample) = self.sample() else { return };
        let chosen = self.widgets.cursor.row(sample.snapshot, &self.widgets.rows);
        let mut cursor = self.widgets.cursor.clone();
        cursor.bring_in_sight(chosen, self.widgets.rows.len(), lines, |row| {
            self.height(&sample.snapshot.domains[self.widgets.rows[row]])
        });
        self.widgets.cursor = cursor;
    }

    /// The columns that there is room for, in their order.
    pub(in crate::view::tui) fn shown_columns(&self) -> Vec<Column> {
        let slots = self.sample().map(|sample| slots(self, sample));
        slots
            .into_iter()
            .flatten()
            .map(|slot| slot.column)
            .collect()
    }

    /// What is at this place of the screen.
    pub(in crate::view::tui) fn target(&self, x: u16, y: u16) -> Option<Target> {
        let layout = Layout::of(self.size);
        let sample = self.sample()?;
        if layout.titles.contains((x, y).into()) {
            let slots = slots(self, sample);
            let slot = slots
                .iter()
                .find(|slot| (slot.x..=slot.x + slot.width).contains(&x))?;
            return Some(Target::Title(slot.column));
        }
        if !layout.body.contains((x, y).into()) {
            return None;
        }
        let mut free = usize::from(y - layout.body.y);
        for (row, &place) in self
            .widgets
            .rows
            .iter()
            .enumerate()
            .skip(self.widgets.cursor.top)
        {
            match free.checked_sub(self.height(&sample.snapshot.domains[place])) {
                Some(rest) => free = rest,
                None => return Some(Target::Row(row)),
            }
        }
        None
    }
}
