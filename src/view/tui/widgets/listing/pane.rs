//! A pane with a row for each thing of a kind, over all domains.

mod widget;

use std::collections::HashMap;

use uuid::Uuid;

use super::column::Column;
use super::fit::{Wanted, fit};
use super::list_pane::ListPane;
use super::rows::{Entries, Entry, Key};
use super::sort_list::Choice;
use super::things::{Listed, row};
use crate::filter::{Compared, Error, Filter, Row};
use crate::sample::Sample;
use crate::snapshot::Identity;
use crate::text::columns;
use crate::view::tui::action::List;
use crate::view::tui::cells::{self, Key as SortKey};
use crate::view::tui::columns::{filter, filter_of_rows};
use crate::view::tui::context::Context;
use crate::view::tui::cursor::{Cursor, Rows as _, extent};
use crate::view::tui::line::{Place, areas};
use crate::view::tui::widgets::table::Limits;

/// A pane with a row for each `T`.
#[derive(Debug)]
pub(super) struct Listing<T: Listed> {
    columns: &'static [Column<T>],
    rows: Entries,
    /// The filter of the rows; `None` if it compares figures that they do not have.
    filter: Option<Filter>,
    /// Whether the sample knows what there is.
    known: bool,
    cursor: Cursor<Key>,
    /// The index of the column that the rows are sorted by.
    sort: usize,
    descending: bool,
    /// The places that rows keep; `None` if they are sorted.
    held: Option<HashMap<Key, usize>>,
    /// The UUIDs of the domains whose rows are above all others.
    pinned: Vec<Uuid>,
    /// The width of the longest name of a domain.
    longest_name: u16,
    /// The columns that fit, by their indexes.
    slots: Vec<(usize, Place)>,
}

impl<T: Listed> Default for Listing<T> {
    fn default() -> Self {
        let columns = T::columns();
        let sort = columns.iter().position(|column| column.title == T::SORT);
        let sort = sort.unwrap_or(0);
        Self {
            columns,
            rows: Entries::default(),
            filter: Some(Filter::default()),
            known: false,
            cursor: Cursor::default(),
            sort,
            descending: columns[sort].descends(),
            held: None,
            pinned: Vec::new(),
            longest_name: 0,
            slots: Vec::new(),
        }
    }
}

impl<T: Listed> Listing<T> {
    /// Returns the columns that the sample has something for, with their indexes.
    fn useful(
        &self,
        context: Context<'_>,
    ) -> impl Iterator<Item = (usize, &'static Column<T>)> + use<T> {
        let traced = |sample: Sample<'_>| sample.snapshot.collected.state_times;
        let traced = context.sample.is_some_and(traced);
        let columns = self.columns.iter().enumerate();
        columns.filter(move |(_, column)| traced || !column.part.state_times)
    }

    /// Chooses the columns that fit and that the sample has something for. The sorted column
    /// outranks all but the name.
    fn arrange(&mut self, context: Context<'_>) {
        let width = context.screen.width;
        let most = match context.display.full_name {
            true => u16::MAX,
            false => (width / 6).clamp(8, 24),
        };
        let name = self.longest_name.clamp(4, most);
        let id = context.sample.map_or(1, |sample| {
            context.news.id_width(&sample.snapshot.domains) as u16
        });
        let id = id.max(3);
        let wanted = self.useful(context).map(|(index, column)| {
            let widths = match column.title {
                "ID" => (id, id),
                "NAME" => (name, name),
                _ => column.widths,
            };
            let priority = match index == self.sort {
                true => column.priority.max(99),
                false => column.priority,
            };
            Wanted {
                index,
                widths,
                priority,
            }
        });
        let fitting = fit(&wanted.collect::<Vec<_>>(), width).into_iter();
        let place = |(index, x, width): (usize, u16, u16)| {
            let left = self.columns[index].left();
            (index, Place { x, width, left })
        };
        self.slots = fitting.map(place).collect();
    }

    /// Returns the filter that a text describes for the rows.
    fn parse(&self, text: &str) -> Result<Filter, Error> {
        let own = |name: &str| -> Option<Compared> {
            let columns = || self.columns.iter().enumerate();
            // A rate goes before the total of the same name.
            let rates = [name, name.trim_end_matches('s')].map(|name| format!("{name}/s"));
            let names = rates.iter().map(String::as_str).chain([name]);
            let titled = |name: &str| columns().find(|(_, column)| column.is_titled(name));
            let titled = names.filter_map(titled).next();
            let found = titled.or_else(|| columns().find(|(_, column)| column.is_named(name)));
            found.map(|(index, column)| column.compared(index))
        };
        filter_of_rows(text, &own)
    }

    /// Returns whether a row is shown.
    fn passes(&self, context: Context<'_>, limits: &Limits, entry: Entry) -> bool {
        // What limits domains says nothing of a pCPU that many of them wait for.
        if limits.is_empty() || T::LIST == List::Pcpus {
            return true;
        }
        let Some(row) = context.sample.and_then(|sample| row::<T>(sample, entry)) else {
            return false;
        };
        let value = |index: usize| self.columns[index].value(&row);
        let all = Filter::default();
        limits.pass(
            context,
            row.place.domain,
            self.filter.as_ref().unwrap_or(&all),
            Row {
                device: T::name(row.thing),
                value: &value,
            },
        )
    }

    /// Sorts the rows. Rows with equal values are in order of domain and number.
    fn sort(&mut self, sample: Sample<'_>) {
        let column = &self.columns[self.sort];
        let shown = &mut self.rows.shown;
        let of_domain = |&(key, place): &Entry| key.domain.and(place.domain);
        shown.sort_by_key(|entry| (of_domain(entry), entry.1.index));
        let key = |entry| {
            let row = row::<T>(sample, entry);
            row.map_or(SortKey::Unknown, |row| column.value(&row).into())
        };
        let (held, pinned) = (self.held.as_ref(), &self.pinned);
        let place = |(key, _): Entry| {
            let is_pinned = key.domain.is_some_and(|one| pinned.contains(&one.uuid));
            let held = held.map(|held| held.get(&key).copied().unwrap_or(usize::MAX));
            (!is_pinned, held)
        };
        let entries = shown.iter().map(|&entry| (place(entry), key(entry), entry));
        let mut keyed: Vec<((bool, Option<usize>), SortKey, Entry)> = entries.collect();
        keyed.sort_by(|(place, one, _), (other_place, other, _)| {
            let by_place = place.cmp(other_place);
            by_place.then_with(|| one.compare(other, self.descending))
        });
        shown.clear();
        shown.extend(keyed.into_iter().map(|(.., entry)| entry));
    }

    /// Lets every row keep its place, or sorts again.
    fn hold(&mut self, context: Context<'_>) {
        let keys = self.rows.shown.iter().map(|&(key, _)| key);
        self.held = match self.held {
            Some(_) => None,
            None => Some(keys.zip(0..).collect()),
        };
        if let Some(sample) = context.sample {
            self.sort(sample);
        }
        self.cursor.settle(&self.rows);
    }

    /// Sorts by the shown column `by` places after the sorted one.
    fn sort_by_neighbour(&mut self, context: Context<'_>, by: isize) {
        let count = self.slots.len().max(1);
        let now = self.slots.iter().position(|&(index, _)| index == self.sort);
        let next = now.map_or(0, |now| (now + count).saturating_add_signed(by) % count);
        // Sorting by the same column would reverse the order.
        if let Some(&(column, _)) = self.slots.get(next).filter(|_| now != Some(next)) {
            self.sort_by(context, column);
        }
    }
}

impl<T: Listed> ListPane for Listing<T> {
    fn refresh(&mut self, context: Context<'_>, limits: &Limits, pinned: &[Uuid]) {
        self.pinned = pinned.to_vec();
        let Some(sample) = context.sample else { return };
        let domains = &sample.snapshot.domains;
        let entries = T::entries(sample);
        self.known = entries.is_some();
        self.filter = self.parse(&limits.text).ok();
        let matches = |&entry: &Entry| self.passes(context, limits, entry);
        let entries = entries.into_iter().flatten();
        (self.rows.shown, self.rows.hidden) = entries.partition(matches);
        let mut owners: Vec<usize> = self.rows.domains().collect();
        owners.dedup();
        let names = owners
            .iter()
            .map(|&place| columns(&cells::name(&domains[place])));
        self.longest_name = names.max().unwrap_or(0).try_into().unwrap_or(u16::MAX);
        self.arrange(context);
        self.sort(sample);
        self.cursor.settle(&self.rows);
    }

    fn neighbour(&mut self, context: Context<'_>, by: isize) -> Option<Identity> {
        let domains = &context.sample?.snapshot.domains;
        let of_row = |row: usize| {
            let (_, place) = self.rows.shown.get(row)?;
            Some(domains.get(place.domain?)?.identity())
        };
        let mut row = self.cursor.row(&self.rows)?;
        let now = of_row(row);
        let found = loop {
            row = row.checked_add_signed(by)?;
            if row >= self.rows.count() {
                return None;
            }
            match of_row(row) {
                Some(one) if Some(one) != now => break one,
                _ => {}
            }
        };
        self.cursor.choose(row, &self.rows);
        Some(found)
    }

    fn counts(&self) -> (usize, usize) {
        let count = self.rows.count();
        (count, count + self.rows.hidden.len())
    }

    fn problem(&self, text: &str) -> Option<Error> {
        match T::LIST {
            // It limits domains.
            List::Pcpus => filter(text).err(),
            _ => self.parse(text).err(),
        }
    }

    fn lacks_figures(&self) -> Option<&'static str> {
        self.filter.is_none().then_some(T::WHAT)
    }

    fn extent(&self, context: Context<'_>) -> String {
        let (_, body) = areas(context.area);
        let (top, height) = (self.cursor.top, usize::from(body.height));
        extent(top, height, self.rows.count(), context.terminal.unicode)
    }

    fn is_held(&self) -> bool {
        self.held.is_some()
    }

    fn choices(&self, context: Context<'_>) -> Vec<Choice> {
        let choice = |(index, column): (usize, &Column<T>)| Choice {
            column: index,
            title: column.title,
            doc: column.doc,
            sorted: (index == self.sort).then_some(self.descending),
        };
        self.useful(context).map(choice).collect()
    }

    fn sort_by(&mut self, context: Context<'_>, column: usize) {
        self.descending = match self.sort == column {
            true => !self.descending,
            false => self.columns[column].descends(),
        };
        (self.sort, self.held) = (column, None);
        self.arrange(context);
        if let Some(sample) = context.sample {
            self.sort(sample);
        }
        self.cursor.settle(&self.rows);
    }

    fn what(&self) -> &'static str {
        T::WHAT
    }
}
