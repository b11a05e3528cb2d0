//! The chosen row, and the visible part of a table.

use ratatui::crossterm::event::KeyCode;

/// The rows of a table, in display order.
pub(super) trait Rows {
    /// What stays the same of a row when its figures and its place change.
    type Key: Copy;

    /// Returns the number of rows.
    fn count(&self) -> usize;

    /// Returns the key of this row; `None` if there are fewer rows.
    fn key(&self, row: usize) -> Option<Self::Key>;

    /// Returns the row with this key; `None` if there is none.
    fn find(&self, key: Self::Key) -> Option<usize>;

    /// Returns whether a row with this key exists, even if a filter hides it.
    fn exists(&self, key: Self::Key) -> bool;
}

/// The cursor of a table. It belongs to what is in a row, not to a line, and moves with it.
#[derive(Clone, Debug)]
pub(super) struct Cursor<Key> {
    /// The key of the chosen row; `None` until the user chooses one.
    chosen: Option<Key>,
    /// The last place of the chosen row. If it is gone, the cursor stays in this place.
    row: usize,
    /// The first visible row.
    pub(super) top: usize,
    /// Whether the table scrolls so that the chosen row is visible.
    following: bool,
}

impl<Key> Default for Cursor<Key> {
    fn default() -> Self {
        Self {
            chosen: None,
            row: 0,
            top: 0,
            following: false,
        }
    }
}

impl<Key: Copy> Cursor<Key> {
    /// Returns the key of the chosen row; `None` until the user chooses one.
    pub(super) fn chosen(&self) -> Option<Key> {
        self.chosen
    }

    /// Returns the place of the chosen row; `None` if it is not in the table.
    pub(super) fn row(&self, rows: &impl Rows<Key = Key>) -> Option<usize> {
        rows.find(self.chosen?)
    }

    /// Chooses this row, or the last one if there are fewer.
    pub(super) fn choose(&mut self, row: usize, rows: &impl Rows<Key = Key>) {
        let row = row.min(rows.count().saturating_sub(1));
        if let Some(key) = rows.key(row) {
            self.chosen = Some(key);
            self.row = row;
            self.following = true;
        }
    }

    /// Moves the cursor by this many rows; the first move chooses the first visible row.
    pub(super) fn go(&mut self, by: isize, rows: &impl Rows<Key = Key>) {
        let row = match self.row(rows) {
            Some(row) => row.saturating_add_signed(by),
            None => self.top,
        };
        self.choose(row, rows);
    }

    /// Moves the cursor if the key is a cursor key. A page key moves it by `page` rows.
    pub(super) fn key(&mut self, code: KeyCode, page: usize, rows: &impl Rows<Key = Key>) {
        let page = isize::try_from(page).unwrap_or(1);
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.go(-1, rows),
            KeyCode::Down | KeyCode::Char('j') => self.go(1, rows),
            KeyCode::PageUp => self.go(-page, rows),
            KeyCode::PageDown => self.go(page, rows),
            KeyCode::Home | KeyCode::Char('g') => self.choose(0, rows),
            KeyCode::End | KeyCode::Char('G') => self.choose(usize::MAX, rows),
            _ => {}
        }
    }

    /// Clears the choice, and shows the top of the table.
    pub(super) fn leave(&mut self) {
        *self = Self::default();
    }

    /// Scrolls by this many rows, even if the cursor then is not visible.
    pub(super) fn scroll(&mut self, by: isize, count: usize) {
        self.following = false;
        let last = count.saturating_sub(1);
        self.top = self.top.saturating_add_signed(by).min(last);
    }

    /// Adapts the cursor to new rows. If the chosen row is gone, chooses the one that is now in its
    /// place. A row that the filter hides stays chosen.
    pub(super) fn settle(&mut self, rows: &impl Rows<Key = Key>) {
        let Some(chosen) = self.chosen else { return };
        if let Some(row) = self.row(rows) {
            self.row = row;
        } else if !rows.exists(chosen) {
            let following = self.following;
            self.chosen = None;
            self.choose(self.row, rows);
            self.following = following;
        }
    }

    /// Scrolls so that this many lines show as many rows as possible, and the chosen row unless the
    /// user scrolled away from it. A row takes `height` lines.
    pub(super) fn bring_in_sight(
        &mut self,
        chosen: Option<usize>,
        count: usize,
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
        let Some(last) = count.checked_sub(1) else {
            self.top = 0;
            return;
        };
        self.top = self.top.min(first_before(last));
        if let Some(chosen) = chosen.filter(|_| self.following) {
            self.top = self.top.min(chosen).max(first_before(chosen));
        }
    }
}

/// Returns which of the rows are visible if they are not all, such as `rows 1-38 of 300 ↓`; else an
/// empty text. The arrows say that there are rows above and below.
pub(super) fn extent(top: usize, visible: usize, count: usize, unicode: bool) -> String {
    let last = (top + visible).min(count);
    if count == 0 || (top, last) == (0, count) {
        return String::new();
    }
    let arrows = match (top > 0, last < count, unicode) {
        (true, true, true) => "↑↓",
        (true, false, true) => "↑",
        (false, _, true) => "↓",
        (true, true, false) => "^v",
        (true, false, false) => "^",
        (false, _, false) => "v",
    };
    format!("rows {}-{last} of {count} {arrows}", top + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows with numbers as keys, and those that a filter hides.
    struct Numbers(Vec<u8>, Vec<u8>);

    impl Rows for Numbers {
        type Key = u8;

        fn count(&self) -> usize {
            self.0.len()
        }

        fn key(&self, row: usize) -> Option<u8> {
            self.0.get(row).copied()
        }

        fn find(&self, key: u8) -> Option<usize> {
            self.0.iter().position(|&one| one == key)
        }

        fn exists(&self, key: u8) -> bool {
            self.1.contains(&key)
        }
    }

    #[test]
    fn extent_says_what_is_out_of_sight() {
        assert_eq!(extent(0, 10, 10, true), "");
        assert_eq!(extent(0, 10, 0, true), "");
        assert_eq!(extent(0, 10, 11, true), "rows 1-10 of 11 ↓");
        assert_eq!(extent(1, 10, 11, true), "rows 2-11 of 11 ↑");
        assert_eq!(extent(1, 9, 11, false), "rows 2-10 of 11 ^v");
    }

    proptest! {
        #[test]
        fn the_chosen_row_is_in_sight(
            steps in prop::collection::vec(
                (prop::collection::btree_set(0_u8..50, 0..50), -60_isize..60, 1_usize..9), 1..20),
        ) {
            let mut cursor = Cursor::default();
            for (keys, by, lines) in steps {
                let (hidden, shown) = keys.iter().partition(|&&key| key % 7 == 0);
                let rows = Numbers(shown, hidden);
                let before = cursor.chosen();
                cursor.settle(&rows);
                if let Some(key) = before {
                    let is_there = rows.find(key).is_some() || rows.exists(key);
                    prop_assert!(!is_there || cursor.chosen() == Some(key));
                    // Another row takes its place, if there is one.
                    prop_assert!(is_there || cursor.chosen().is_some() == (rows.count() > 0));
                }
                cursor.go(by, &rows);
                let chosen = cursor.row(&rows);
                cursor.bring_in_sight(chosen, rows.count(), lines, |_| 1);
                if let Some(row) = chosen {
                    prop_assert!((cursor.top..cursor.top + lines).contains(&row));
                }
                // No line is left empty while there are rows above.
                prop_assert!(cursor.top == 0 || cursor.top + lines <= rows.count());
            }
        }
    }
}
