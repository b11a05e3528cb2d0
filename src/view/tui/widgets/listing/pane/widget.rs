//! Draws a pane and handles its keys.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::Listing;
use crate::sample::Sample;
use crate::snapshot::Collect;
use crate::view::tui::action::{Action, Show};
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::cursor::Rows as _;
use crate::view::tui::line::{self, Place, areas};
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;
use crate::view::tui::widgets::listing::list_pane::ListPane;
use crate::view::tui::widgets::listing::things::{Listed, row};

impl<T: Listed> Listing<T> {
    /// Returns the action that shows the page of the domain of the chosen row, or of the first
    /// visible one.
    fn open(&mut self, context: Context<'_>) -> Option<Action> {
        let row = self.cursor.row(&self.rows).unwrap_or(self.cursor.top);
        self.cursor.choose(row, &self.rows);
        let (_, place) = self.rows.shown.get(row)?;
        let domain = context.sample?.snapshot.domains.get(place.domain?)?;
        Some(Action::Show(Show::Domain(domain.identity())))
    }

    /// Returns the action that pins the domain of the chosen row, or no longer.
    fn pin(&self) -> Action {
        match self.cursor.chosen().and_then(|key| key.domain) {
            Some(domain) => Action::Pin(domain),
            None => Action::Tell("choose the row of a domain to pin first".to_owned()),
        }
    }

    /// Draws the rows that fit into the area.
    fn draw_rows(&self, context: Context<'_>, sample: Sample<'_>, body: Rect, buffer: &mut Buffer) {
        let chosen = self.cursor.row(&self.rows);
        let nothing = context.nothing();
        let visible = self.rows.shown.iter().enumerate().skip(self.cursor.top);
        for (y, (at, &entry)) in (0..body.height).zip(visible) {
            let Some(row) = row::<T>(sample, entry) else {
                return;
            };
            let domain = entry.0.domain;
            let is_new = domain.is_some_and(|domain| context.news.is_new(domain));
            for &(index, place) in &self.slots {
                let column = &self.columns[index];
                let (mut text, mut role) = column.cell(&row, nothing);
                if column.title == "ID" && is_new {
                    (text, role) = (format!("+{text}"), Some(Role::Accent));
                }
                let style = role.map_or_else(Style::new, |role| context.style(role));
                line::cell(place, &text, style, body, y, buffer);
            }
            if chosen == Some(at) {
                let line = Rect {
                    y: body.y + y,
                    height: 1,
                    ..body
                };
                let style = Style::new().add_modifier(Modifier::REVERSED);
                buffer.set_style(line.intersection(buffer.area), style);
            }
        }
    }
}

impl<T: Listed> Widget for Listing<T> {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        let Some(sample) = context.sample else { return };
        let (titles, body) = areas(context.area);
        self.arrange(context);
        let (count, height) = (self.rows.count(), usize::from(body.height));
        let chosen = self.cursor.row(&self.rows);
        self.cursor.bring_in_sight(chosen, count, height, |_| 1);
        let unicode = context.terminal.unicode;
        line::title_line(titles, buffer);
        for &(index, place) in &self.slots {
            let title = self.columns[index].title;
            let sorted = (index == self.sort).then_some(self.descending);
            line::title(place, title, sorted, unicode, titles, buffer);
        }
        self.draw_rows(context, sample, body, buffer);
        let empty = match (count, self.known, self.rows.hidden.is_empty()) {
            (1.., ..) => return,
            (_, false, _) => format!("{}: {}", T::WHAT, context.when_shown(T::WHAT)),
            (_, _, true) => format!("no {}", T::WHAT),
            (_, _, false) => "no match".to_owned(),
        };
        if let Some(mut pen) = Pen::new(buffer, body, 0) {
            pen.put(&empty, context.style(Role::Dim));
        }
    }

    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        let action = match code {
            KeyCode::Char('/') => Some(Action::Show(Show::Filter)),
            KeyCode::Char('F') => Some(Action::Hurting),
            KeyCode::Char('o') => {
                self.hold(context);
                None
            }
            KeyCode::Char('m') => Some(self.pin()),
            KeyCode::Char('L') => Some(context.toggle_full_names()),
            KeyCode::Char('s') => Some(Action::Show(Show::Sort(T::LIST))),
            KeyCode::Char('S' | '>') => {
                self.sort_by_neighbour(context, 1);
                None
            }
            KeyCode::Char('<') => {
                self.sort_by_neighbour(context, -1);
                None
            }
            KeyCode::Char('r') => {
                self.sort_by(context, self.sort);
                None
            }
            KeyCode::Char(digit @ '0'..='9') => {
                // 1 is the first, 0 the tenth.
                let place = (digit as usize - '0' as usize + 9) % 10;
                if let Some(&(column, _)) = self.slots.get(place) {
                    self.sort_by(context, column);
                }
                None
            }
            KeyCode::Enter => self.open(context),
            KeyCode::Esc | KeyCode::Backspace => Some(match self.rows.hidden.is_empty() {
                true => Action::Show(Show::Table),
                false => Action::Unlimit,
            }),
            _ => {
                self.cursor.key(code, context.page(), &self.rows);
                None
            }
        };
        action.into_iter().collect()
    }

    fn scroll(&mut self, lines: isize) {
        self.cursor.scroll(lines, self.rows.count());
    }

    fn chosen_line(&self, context: Context<'_>) -> Option<usize> {
        let (_, body) = areas(context.area);
        let below_top = self.cursor.row(&self.rows)?.checked_sub(self.cursor.top)?;
        Some(usize::from(body.y - context.area.y) + below_top)
    }

    fn click(&mut self, context: Context<'_>, at: Position) -> Vec<Action> {
        let (titles, body) = areas(context.area);
        let x = at.x.saturating_sub(context.area.x);
        if titles.contains(at) {
            let is_at =
                |(_, place): &&(usize, Place)| (place.x..=place.x + place.width).contains(&x);
            if let Some(&(column, _)) = self.slots.iter().find(is_at) {
                self.sort_by(context, column);
            }
        } else if body.contains(at) {
            let row = self.cursor.top + usize::from(at.y - body.y);
            if row < self.rows.count() {
                self.cursor.choose(row, &self.rows);
            }
        }
        Vec::new()
    }

    fn collect(&self) -> Collect {
        // A column alone does not trace the host.
        let shown = self.slots.iter().map(|&(index, _)| index);
        let parts = shown
            .chain([self.sort])
            .map(|index| self.columns[index].part);
        let parts = parts.filter(|part| !part.state_times);
        let compared = self.filter.iter().map(|filter| Collect {
            state_times: false,
            ..filter.part()
        });
        parts.chain(compared).fold(T::PART, Collect::and)
    }

    fn hints(&self) -> &'static [Hint] {
        &[
            ("Tab", "next pane"),
            ("Esc", "back"),
            ("Enter", "domain"),
            ("s", "sort"),
            ("/", "filter"),
            ("p", "pause"),
            ("?", "help"),
            ("q", "quit"),
        ]
    }
}
