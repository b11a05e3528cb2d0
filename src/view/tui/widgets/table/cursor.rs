//! Which domain is chosen, and which part of the table is in sight.

use crate::snapshot::{Identity, Snapshot};

#[cfg(test)]
mod tests;

/// The cursor belongs to a domain and not to a line: it goes where its domain goes.
#[derive(Clone, Debug, Default)]
pub(in crate::view::tui) struct Cursor {
    /// The chosen domain; `None` until a person chooses one.
    chosen: Option<Identity>,
    /// Where it was last, for when it is gone.
    row: usize,
    /// The first row in sight.
    pub(in crate::view::tui) top: usize,
    /// Whether the chosen domain is to stay in sight.
    following: bool,
}

impl Cursor {
    /// The chosen domain.
    pub(in crate::view::tui) fn chosen(&self) -> Option<Identity> {
        self.chosen
    }

    /// The row of the chosen domain; `None` when there is none in the table.
    pub(in crate::view::tui) fn row(&self, snapshot: &Snapshot, rows: &[usize]) -> Option<usize> {
        let chosen = self.chosen?;
        let place = snapshot
            .domains
            .binary_search_by_key(&chosen.id, |domain| domain.id)
            .ok()
            .filter(|&place| snapshot.domains[place].uuid == chosen.uuid)?;
        rows.iter().position(|&row| row == place)
    }

    /// Chooses the domain in this row, or in the last one.
    pub(in crate::view::tui) fn choose(&mut self, row: usize, snapshot: &Snapshot, rows: &[usize]) {
        let row = row.min(rows.len().saturating_sub(1));
        if let Some(&place) = rows.get(row) {
            self.chosen = Some(snapshot.domains[place].identity());
            self.row = row;
            self.following = true;
        }
    }

    /// Moves the cursor by so many rows; the first move chooses the first row in sight.
    pub(in crate::view::tui) fn go(&mut self, by: isize, snapshot: &Snapshot, rows: &[usize]) {
        let row = match self.row(snapshot, rows) {
            Some(row) => row.saturating_add_signed(by),
            None => self.top,
        };
        self.choose(row, snapshot, rows);
    }

    /// Chooses nothing, and shows the top of the table.
    pub(in crate::view::tui) fn leave(&mut self) {
        *self = Self::default();
    }

    /// Scrolls by so many rows, away from the cursor too.
    pub(in crate::view::tui) fn scroll(&mut self, by: isize, rows: &[usize]) {
        self.following = false;
        let last = rows.len().saturating_sub(1);
        self.top = self.top.saturating_add_signed(by).min(last);
    }

    /// Takes note of new rows. When the chosen domain is gone for good, whichever is now in its
    /// place is chosen; one that the filter hides stays chosen.
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

    /// Moves the window of this many lines so that it shows as much as it can, and the chosen
    /// domain unless the person scrolled away from it. A row takes `height` lines.
    pub(in crate::view::tui) fn bring_in_sight(
        &mut self,
        chosen: Option<usize>,
        rows: usize,
        lines: usize,
        height: impl Fn(usize) -> usize,
    ) {
        // The first row from which on all the rows up to `last` fit.
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
