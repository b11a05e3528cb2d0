//! The chosen domain, and the visible part of the table.

use crate::snapshot::{Identity, Snapshot};

#[cfg(test)]
mod tests;

/// The cursor of the table. It belongs to a domain, not to a line, and moves with the domain.
#[derive(Clone, Debug, Default)]
pub(in crate::view::tui) struct Cursor {
    /// The chosen domain; `None` until the user chooses one.
    chosen: Option<Identity>,
    /// The last row of the chosen domain. If the domain is gone, the cursor stays in this row.
    row: usize,
    /// The first visible row.
    pub(in crate::view::tui) top: usize,
    /// Whether the table scrolls so that the chosen domain is visible.
    following: bool,
}

impl Cursor {
    /// Returns the chosen domain; `None` until the user chooses one.
    pub(in crate::view::tui) fn chosen(&self) -> Option<Identity> {
        self.chosen
    }

    /// Returns the row of the chosen domain; `None` if it is not in the table.
    pub(in crate::view::tui) fn row(&self, snapshot: &Snapshot, rows: &[usize]) -> Option<usize> {
        let chosen = self.chosen?;
        let place = snapshot
            .domains
            .binary_search_by_key(&chosen.id, |domain| domain.id)
            .ok()
            .filter(|&place| snapshot.domains[place].uuid == chosen.uuid)?;
        rows.iter().position(|&row| row == place)
    }

    /// Chooses the domain in this row, or in the last row if there are fewer.
    pub(in crate::view::tui) fn choose(&mut self, row: usize, snapshot: &Snapshot, rows: &[usize]) {
        let row = row.min(rows.len().saturating_sub(1));
        if let Some(&place) = rows.get(row) {
            self.chosen = Some(snapshot.domains[place].identity());
            self.row = row;
            self.following = true;
        }
    }

    /// Moves the cursor by this many rows; the first move chooses the first visible row.
    pub(in crate::view::tui) fn go(&mut self, by: isize, snapshot: &Snapshot, rows: &[usize]) {
        let row = match self.row(snapshot, rows) {
            Some(row) => row.saturating_add_signed(by),
            None => self.top,
        };
        self.choose(row, snapshot, rows);
    }

    /// Clears the choice, and shows the top of the table.
    pub(in crate::view::tui) fn leave(&mut self) {
        *self = Self::default();
    }

    /// Scrolls by this many rows, even if the cursor then is not visible.
    pub(in crate::view::tui) fn scroll(&mut self, by: isize, rows: &[usize]) {
        self.following = false;
        let last = rows.len().saturating_sub(1);
        self.top = self.top.saturating_add_signed(by).min(last);
    }

    /// Adapts the cursor to new rows. If the chosen domain is gone, chooses the domain that is now
    /// in its row. A domain that the filter hides stays chosen.
    pub(in crate::view::tui) fn settle(&mut self, snapshot: &Snapshot, rows: &[usize]) {
        let Some(chosen) = self.chosen else { return };
        if let Some(row) = self.row(snapshot, rows) {
            self.row = row;
        } else if snapshot.find(chosen).is_none() {
            let following = self.following;
            self.chosen = None;
            self.choose(self.row, snapshot, rows);
            self.following = following;
        }
    }

    /// Scrolls so that this many lines show as many rows as possible, and the chosen domain unless
    /// the user scrolled away from it. A row takes `height` lines.
    pub(in crate::view::tui) fn bring_in_sight(
        &mut self,
        chosen: Option<usize>,
        rows: usize,
        lines: usize,
        height: impl Fn(usize) -> usize,
    ) {
        // Returns the first row from which all rows up to `last` fit.
        let first_before = |last: usize| {
            let mut free = lines;
            let mut first = last;
            for row in (0..=last).rev() {
                match free.checked_sub(height(row)) {
                    Some(rest) => (free, first) = (rest, row),
                    None => break,
                }
            }
            first
        };
        let Some(last) = rows.checked_sub(1) else {
            self.top = 0;
            return;
        };
        self.top = self.top.min(first_before(last));
        if let Some(chosen) = chosen.filter(|_| self.following) {
            self.top = self.top.min(chosen).max(first_before(chosen));
        }
    }
}
