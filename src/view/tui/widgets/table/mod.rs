//! The table of domains.

pub(in crate::view::tui) mod device_rows;
mod gone;
mod grid;
mod limits;
mod order;
mod sums;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use uuid::Uuid;

use crate::filter::{self, Filter};
use crate::snapshot::{Domain, Identity, Snapshot};
use crate::text::{self, shortened};
use crate::view::tui::action::{Action, Show};
use crate::view::tui::cells;
use crate::view::tui::columns;
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::cursor::{Cursor, Rows, extent};
use crate::view::tui::fit::Slot;
use crate::view::tui::line::areas;
use crate::view::tui::pen::Pen;
use crate::view::tui::theme::Role;
use crate::view::{DisplayOptions, Sample};
pub(in crate::view::tui) use grid::shown_columns;
pub(in crate::view::tui) use limits::{Limits, found};
use order::{Order, Places, rows};

/// The least number of lines below the titles of which one is for sums.
const LEAST_WITH_SUMS: u16 = 4;

/// Says that rows keep their places.
pub(super) const HELD: &str = "order held";

/// The table of domains: its filter, its cursor and its rows.
#[derive(Clone, Debug, Default)]
pub(in crate::view::tui) struct Table {
    limits: Limits,
    /// Why the text that the user last typed is no filter.
    problem: Option<filter::Error>,
    /// The UUIDs of the domains that are above all others.
    pinned: Vec<Uuid>,
    /// The places that domains keep; `None` if they are sorted.
    held: Option<Places>,
    /// What was last looked for.
    sought: String,
    /// How far the user has moved to the right, to the columns for which there is no room; see [`grid::slots`].
    moved: usize,
    cursor: Cursor<Identity>,
    /// The domains in display order, as indexes in the shown snapshot.
    rows: Vec<usize>,
}

/// The rows of the table, and the snapshot that they are in.
#[derive(Clone, Copy)]
struct Listed<'a>(&'a Snapshot, &'a [usize]);

impl Rows for Listed<'_> {
    type Key = Identity;

    fn count(&self) -> usize {
        self.1.len()
    }

    fn key(&self, row: usize) -> Option<Identity> {
        let place = *self.1.get(row)?;
        Some(self.0.domains.get(place)?.identity())
    }

    fn find(&self, key: Identity) -> Option<usize> {
        let domains = &self.0.domains;
        let place = domains
            .binary_search_by_key(&key.id, |domain| domain.id)
            .ok()
            .filter(|&place| domains[place].identity() == key)?;
        self.1.iter().position(|&row| row == place)
    }

    fn exists(&self, key: Identity) -> bool {
        self.0.find(key).is_some()
    }
}

impl Table {
    /// Returns the rows, as indexes in the shown snapshot.
    #[cfg(test)]
    pub(in crate::view::tui) fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Returns the domain under the cursor; `None` until the user chooses one.
    pub(in crate::view::tui) fn chosen(&self) -> Option<Identity> {
        self.cursor.chosen()
    }

    /// Returns the filter.
    pub(in crate::view::tui) fn filter(&self) -> &Filter {
        &self.limits.filter
    }

    /// Returns what limits the rows.
    pub(in crate::view::tui) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns why the text that the user last typed is no filter; `None` if it is one.
    pub(super) fn problem(&self) -> Option<&filter::Error> {
        self.problem.as_ref()
    }

    /// Returns how many domains are shown, and how many there are.
    pub(super) fn counts(&self, context: Context<'_>) -> (usize, usize) {
        let all = context.sample.map_or(0, |s| s.snapshot.domains.len());
        (self.rows.len(), all)
    }

    /// Returns what limits and orders the rows, and which of them are visible, for the last line; `None` if all are.
    pub(super) fn found(&self, context: Context<'_>) -> Option<String> {
        let has_no_figure = self.limits.filter.is_empty();
        let limits = self
            .limits
            .text(self.counts(context), has_no_figure.then_some("domains"));
        let mut parts: Vec<String> = limits.into_iter().collect();
        if self.held.is_some() {
            parts.push(HELD.to_owned());
        }
        let sort = context.settings.sort;
        if context.lacks(sort) {
            let title = sort.shape().titles.0;
            parts.push(format!("sorted by {title}, which is not known here"));
        }
        parts.extend(self.pinned_text(context));
        if self.moved > 0
            && let Some(first) = grid::first_column(context, self.moved)
        {
            parts.push(format!("columns from {}", first.shape().titles.0));
        }
        parts.extend(self.visible(context));
        (!parts.is_empty()).then(|| parts.join("  "))
    }

    /// Returns the areas of the titles, of the rows, and of their sums if something limits the rows and there is room.
    /// Below the rows, there are lines for domains that went; see [`gone::lines`].
    fn areas(&self, context: Context<'_>) -> (Rect, Rect, Option<Rect>) {
        let (titles, body) = areas(context.area);
        let has_sums = !self.limits.is_empty() && body.height >= LEAST_WITH_SUMS;
        let sums = has_sums.then(|| Rect {
            y: body.bottom() - 1,
            height: 1,
            ..body
        });
        let below = gone::lines(context, !self.limits.is_empty()) + u16::from(has_sums);
        let rows = Rect {
            height: body.height - below,
            ..body
        };
        (titles, rows, sums)
    }

    /// Returns which rows are visible, such as `rows 1-18 of 69 ↓`; `None` if all are.
    fn visible(&self, context: Context<'_>) -> Option<String> {
        let snapshot = context.sample?.snapshot;
        let (_, body, _) = self.areas(context);
        let (first, count) = (self.cursor.top, self.rows.len());
        let mut free = usize::from(body.height);
        let fits = |&&place: &&usize| {
            let rest = free.checked_sub(height(context, snapshot, place));
            rest.map(|rest| free = rest).is_some()
        };
        let shown = self.rows.get(first..)?.iter().take_while(fits).count();
        (shown < count).then(|| extent(first, shown, count, context.terminal.unicode))
    }

    /// Returns the places of the columns, for the names of the visible rows.
    fn slots(&self, context: Context<'_>, sample: Sample<'_>) -> Vec<Slot> {
        let (_, body, _) = self.areas(context);
        let visible = self.rows.iter().skip(self.cursor.top);
        let visible = visible.take(usize::from(body.height));
        let names = visible.map(|&place| cells::name(&sample.snapshot.domains[place]));
        let longest = names.map(|name| text::columns(&name)).max();
        grid::slots(context, sample, self.moved, longest.unwrap_or(0))
    }

    /// Shows only domains that suffer, or all again.
    pub(super) fn show_hurting(&mut self) {
        self.limits.hurting = !self.limits.hurting;
    }

    /// Lets every domain keep its place, or sorts again.
    fn hold(&mut self, context: Context<'_>) {
        let domains = context.sample.map(|sample| &sample.snapshot.domains);
        self.held = match self.held {
            Some(_) => None,
            None => domains.map(|domains| {
                let rows = self.rows.iter().map(|&place| domains[place].identity());
                rows.zip(0..).collect()
            }),
        };
        self.refresh(context);
    }

    /// Sorts again, if places were kept.
    pub(in crate::view::tui) fn release(&mut self) {
        self.held = None;
    }

    /// Returns how many domains are above all others, for the last line; `None` if none are.
    pub(super) fn pinned_text(&self, context: Context<'_>) -> Option<String> {
        let domains = &context.sample?.snapshot.domains;
        let is_pinned = |domain: &&Domain| self.pinned.contains(&domain.identity().uuid);
        match domains.iter().filter(is_pinned).count() {
            0 => None,
            count => Some(format!("{count} pinned")),
        }
    }

    /// Returns the UUIDs of the domains that are above all others.
    pub(super) fn pinned(&self) -> &[Uuid] {
        &self.pinned
    }

    /// Puts a domain above all others, or back. The rows change with the next refresh.
    pub(super) fn pin(&mut self, domain: Identity) {
        match self.pinned.iter().position(|&one| one == domain.uuid) {
            Some(place) => drop(self.pinned.remove(place)),
            None => self.pinned.push(domain.uuid),
        }
    }

    /// Shows only the domains that match this filter. A text that is no filter in the shown pane, where `problem` says
    /// why, leaves the one before. The rows change with the next refresh.
    pub(super) fn filter_by(&mut self, text: &str, problem: Option<filter::Error>) {
        if problem.is_none() {
            self.limits.filter = columns::filter(text).unwrap_or_default();
            text.clone_into(&mut self.limits.text);
        }
        self.problem = problem;
    }

    /// Rebuilds the rows from the sample, the order and the filter.
    pub(in crate::view::tui) fn refresh(&mut self, context: Context<'_>) {
        let order = Order {
            by: context.settings.sort,
            descending: context.settings.descending,
            dom0_first: context.display.dom0_first,
            pinned: &self.pinned,
            held: self.held.as_ref(),
        };
        if let Some(sample) = context.sample {
            let all = context.rows();
            self.rows = rows(all, order, &self.limits.filter);
            if self.limits.hurting {
                self.rows
                    .retain(|&place| context.digest.at(place).is_some());
            }
            self.cursor.settle(&Listed(sample.snapshot, &self.rows));
        }
    }

    /// Moves the cursor by this many rows; a negative number moves it up.
    pub(in crate::view::tui) fn go(&mut self, context: Context<'_>, by: isize) {
        if let Some(sample) = context.sample {
            self.cursor.go(by, &Listed(sample.snapshot, &self.rows));
        }
    }

    /// Moves the cursor to the next row with this in the domain's name, the first one after the last; an empty text is
    /// the one before. Returns a message if there is none.
    pub(in crate::view::tui) fn find(
        &mut self,
        context: Context<'_>,
        text: &str,
    ) -> Option<String> {
        if !text.is_empty() {
            self.sought = text.to_lowercase();
        }
        let snapshot = context.sample?.snapshot;
        let from = self.cursor.row(&Listed(snapshot, &self.rows));
        let from = from.map_or(0, |row| row + 1);
        let found = |&row: &usize| {
            let domain = self.rows.get(row).map(|&place| &snapshot.domains[place]);
            let name = domain.and_then(|domain| domain.name.as_deref());
            name.is_some_and(|name| name.to_lowercase().contains(&self.sought))
        };
        let count = self.rows.len();
        match (from..count).chain(0..from.min(count)).find(found) {
            Some(row) => {
                self.choose(context, row);
                None
            }
            None => Some(format!(
                "no domain in the table has '{}' in its name",
                self.sought
            )),
        }
    }

    /// Moves the cursor to this row, or to the last row if there are fewer.
    fn choose(&mut self, context: Context<'_>, row: usize) {
        if let Some(sample) = context.sample {
            self.cursor
                .choose(row, &Listed(sample.snapshot, &self.rows));
        }
    }

    /// Scrolls so that the chosen domain is visible, unless the user scrolled away from it.
    pub(super) fn bring_in_sight(&mut self, context: Context<'_>) {
        let Some(Sample { snapshot, .. }) = context.sample else {
            return;
        };
        let (_, body, _) = self.areas(context);
        let Self { cursor, rows, .. } = self;
        let chosen = cursor.row(&Listed(snapshot, rows));
        cursor.bring_in_sight(chosen, rows.len(), usize::from(body.height), |row| {
            height(context, snapshot, rows[row])
        });
    }

    /// Returns the row in line `y` of the screen; `None` if there is none.
    fn row_at(&self, context: Context<'_>, y: u16) -> Option<usize> {
        let snapshot = context.sample?.snapshot;
        let (_, body, _) = self.areas(context);
        let mut free = usize::from(y.checked_sub(body.y)?);
        for (row, &place) in self.rows.iter().enumerate().skip(self.cursor.top) {
            match free.checked_sub(height(context, snapshot, place)) {
                Some(rest) => free = rest,
                None => return Some(row),
            }
        }
        None
    }

    /// Returns the action that shows the page of the chosen domain, or of the first visible one.
    fn open(&mut self, context: Context<'_>) -> Option<Action> {
        let snapshot = context.sample?.snapshot;
        let row = self.cursor.row(&Listed(snapshot, &self.rows));
        self.choose(context, row.unwrap_or(self.cursor.top));
        let chosen = self.chosen().filter(|_| !self.rows.is_empty())?;
        Some(Action::Show(Show::Domain(chosen)))
    }
}

impl Widget for Table {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        let Some(sample) = context.sample else { return };
        let (titles, body, sums) = self.areas(context);
        let slots = self.slots(context, sample);
        grid::titles(context, &slots, titles, buffer);
        let chosen = self.cursor.row(&Listed(sample.snapshot, &self.rows));
        let line = |y: u16| Rect::new(body.x, body.y.saturating_add(y), body.width, 1);
        if let Some(sums) = sums {
            sums::draw(context, &slots, &self.rows, sums, buffer);
        }
        let mut y = 0;
        for (row, &place) in self.rows.iter().enumerate().skip(self.cursor.top) {
            if y >= body.height {
                break;
            }
            if context.display.repeat_header && row > self.cursor.top {
                grid::titles(context, &slots, line(y), buffer);
                y += 1;
            }
            let Some(domain) = context.row(place) else {
                return;
            };
            grid::domain(context, &slots, domain, body, y, buffer);
            if chosen == Some(row) {
                let style = Style::new().add_modifier(Modifier::REVERSED);
                buffer.set_style(line(y).intersection(buffer.area), style);
            }
            y += 1;
            for text in device_rows::lines(domain.one, context.display) {
                if let Some(mut pen) = Pen::new(buffer, body, y) {
                    pen.say("    ");
                    pen.put(&shortened(&text, pen.room()), context.style(Role::Dim));
                }
                y += 1;
            }
        }
        let first = y.min(body.height);
        let below = Rect {
            y: body.y + first,
            height: body.height - first + gone::lines(context, !self.limits.is_empty()),
            ..body
        };
        gone::draw(context, below, buffer);
    }

    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        let (sort, display) = (context.settings.sort, context.display);
        let show = |display| Some(Action::Display(display));
        let action = match code {
            KeyCode::Char('/') => Some(Action::Show(Show::Filter)),
            KeyCode::Char('f') => Some(Action::Show(Show::Find)),
            KeyCode::Char('c') => Some(Action::Show(Show::Columns(0))),
            KeyCode::Char('s') => Some(Action::Show(Show::Columns(sort.index()))),
            KeyCode::Char('S' | '>') => sort_by_neighbour(context, 1),
            KeyCode::Char('<') => sort_by_neighbour(context, -1),
            KeyCode::Char('r') => Some(Action::Sort(sort)),
            KeyCode::Char('F') => Some(Action::Hurting),
            KeyCode::Char('o') => {
                self.hold(context);
                None
            }
            KeyCode::Right => {
                self.moved += usize::from(!grid::shows_last(context, self.moved));
                self.moved = self.moved.min(grid::furthest(context));
                None
            }
            KeyCode::Left => {
                self.moved = self.moved.saturating_sub(1);
                None
            }
            KeyCode::Char('m') => Some(match self.chosen() {
                Some(chosen) => Action::Pin(chosen),
                None => Action::Tell("choose a domain to pin first".to_owned()),
            }),
            KeyCode::Char('n' | 'N') => show(DisplayOptions {
                networks: !display.networks,
                ..display
            }),
            KeyCode::Char('b' | 'B') => show(DisplayOptions {
                vbds: !display.vbds,
                ..display
            }),
            KeyCode::Char('v' | 'V') => show(DisplayOptions {
                vcpus: !display.vcpus,
                ..display
            }),
            KeyCode::Char('L') => Some(context.toggle_full_names()),
            KeyCode::Char('H') => show(DisplayOptions {
                repeat_header: !display.repeat_header,
                ..display
            }),
            KeyCode::Char(digit @ '0'..='9') => {
                // 1 is the first, 0 the tenth.
                let place = (digit as usize - '0' as usize + 9) % 10;
                let columns = shown_columns(context, self.moved);
                columns.get(place).map(|&column| Action::Sort(column))
            }
            KeyCode::Enter => self.open(context),
            KeyCode::Esc if !self.limits.is_empty() => Some(Action::Unlimit),
            KeyCode::Esc => {
                self.cursor.leave();
                None
            }
            _ => {
                if let Some(sample) = context.sample {
                    let rows = Listed(sample.snapshot, &self.rows);
                    self.cursor.key(code, context.page(), &rows);
                }
                None
            }
        };
        action.into_iter().collect()
    }

    fn scroll(&mut self, lines: isize) {
        self.cursor.scroll(lines, self.rows.len());
    }

    fn chosen_line(&self, context: Context<'_>) -> Option<usize> {
        let snapshot = context.sample?.snapshot;
        let (_, body) = areas(context.area);
        let chosen = self.cursor.row(&Listed(snapshot, &self.rows))?;
        let before = self.rows.get(self.cursor.top..chosen)?;
        let lines = before.iter().map(|&place| height(context, snapshot, place));
        let above = usize::from(body.y - context.area.y);
        Some(above + lines.sum::<usize>())
    }

    fn click(&mut self, context: Context<'_>, at: Position) -> Vec<Action> {
        let (titles, body, _) = self.areas(context);
        if titles.contains(at) {
            let slots = context.sample.map(|sample| self.slots(context, sample));
            let column = grid::column_at(&slots.unwrap_or_default(), at.x - context.area.x);
            return column.map(Action::Sort).into_iter().collect();
        }
        if let Some(row) = self.row_at(context, at.y).filter(|_| body.contains(at)) {
            self.choose(context, row);
        }
        Vec::new()
    }

    fn hints(&self) -> &'static [Hint] {
        &[
            ("?", "help"),
            ("q", "quit"),
            ("/", "filter"),
            ("s", "sort"),
            ("Enter", "detail"),
            ("F", "hurting only"),
            ("w", "pressure"),
            ("Tab", "panes"),
            ("P", "pCPUs"),
            ("p", "pause"),
            ("+-", "interval"),
            ("c", "columns"),
        ]
    }
}

/// Returns the action that sorts by the column `by` positions after the sorted one; `None` if
/// there is no other column.
fn sort_by_neighbour(context: Context<'_>, by: isize) -> Option<Action> {
    let (mut columns, _) = context.columns();
    columns.retain(|column| !column.is_drawn());
    let sort = context.settings.sort;
    let now = columns.iter().position(|&column| column == sort);
    let next = match now {
        Some(now) => (now + columns.len()).saturating_add_signed(by) % columns.len(),
        None => 0,
    };
    // Sorting by the same column would reverse the order.
    let next = columns.get(next).filter(|_| now != Some(next));
    next.map(|&column| Action::Sort(column))
}

/// Returns the number of lines of the domain at index `place` of the snapshot.
fn height(context: Context<'_>, snapshot: &Snapshot, place: usize) -> usize {
    let titles = usize::from(context.display.repeat_header);
    titles + 1 + device_rows::count(&snapshot.domains[place], context.display)
}
