//! A plain table with aligned columns.

use crate::snapshot::Domain;
use crate::text::{UNKNOWN, columns, safe, shortened};

/// The smallest width that a yielding column is cut to, unless its heading is wider.
const NARROWEST: usize = 8;

/// The width to which a kept column is cut for the columns to the right of it.
const KEPT: usize = 40;

/// The space between two columns.
const GAP: &str = "  ";

/// Follows the headings if columns are left out.
const MORE: &str = " …";

/// The alignment of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
    /// Like `Left`, but the text is cut if the table is too wide. For names and lists only, because
    /// a number that is cut looks like another number.
    Yielding,
    /// Like `Yielding`, but the columns to the right of it are left out before it is cut to less than [`KEPT`].
    Kept,
}

/// A column's heading.
pub(super) type Head = (&'static str, Align);

/// A table under construction.
pub(super) struct Table {
    heads: Vec<Head>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(heads: &[Head]) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(super) fn of(heads: &[Head], rows: impl Iterator<Item = Vec<String>>) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: rows.collect(),
        }
    }

    /// Returns a table whose rows begin with a domain's ID and name. The name yields unless
    /// `full_name` is set.
    pub(super) fn of_domains<'a>(
        full_name: bool,
        heads: &[Head],
        rows: impl Iterator<Item = (&'a Domain, Vec<String>)>,
    ) -> Self {
        let name = match full_name {
            true => Align::Left,
            false => Align::Yielding,
        };
        let heads = [&[("ID", Align::Right), ("NAME", name)], heads].concat();
        let rows = rows.map(|(domain, cells)| {
            let name = safe(domain.name.as_deref().unwrap_or(UNKNOWN)).into_owned();
            [vec![domain.id.to_string(), name], cells].concat()
        });
        Self::of(&heads, rows)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row. `cells` are escaped text, one for each column.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Formats the table as lines of at most `width` columns. If that is too narrow, yielding
    /// columns are cut, the last one first. If that is not enough, columns on the right are left
    /// out, and an ellipsis follows the headings: before a kept column is cut
    /// to less than [`KEPT`], all to the right of it.
    pub(super) fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width.unwrap_or(usize::MAX));
        let heads: Vec<&str> = self.heads.iter().map(|(head, _)| *head).collect();
        let rows = self
            .rows
            .iter()
            .map(|row| row.iter().map(String::as_str).collect());
        let mut out = String::new();
        for (row, cells) in std::iter::once(heads).chain(rows).enumerate() {
            let mut line = self.line(&cells, &widths);
            line.truncate(line.trim_end().len());
            if row == 0 && widths.len() < self.heads.len() {
                line.push_str(MORE);
            }
            out.push_str(&shortened(&line, width.unwrap_or(usize::MAX)));
            out.push('\n');
        }
        out
    }

    /// Returns the widths of the columns that fit `limit`, at least the first.
    fn widths(&self, limit: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heads.iter().map(|(head, _)| columns(head)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = columns(cell).max(*width);
            }
        }
        // How many columns each of the first `count` can give.
        let spare = |count: usize| -> Vec<usize> {
            let given = widths.iter().zip(&self.heads).take(count).enumerate();
            let can_give = |(at, (&width, &(head, align))): (usize, (&usize, &Head))| match align {
                Align::Kept if at + 1 < count => width.saturating_sub(KEPT.max(columns(head))),
                Align::Yielding | Align::Kept => width.saturating_sub(NARROWEST.max(columns(head))),
                Align::Left | Align::Right => 0,
            };
            given.map(can_give).collect()
        };
        // The width of the first `count` columns.
        let total = |count: usize| {
            let gaps = GAP.len() * count.saturating_sub(1);
            let more = if count < self.heads.len() {
                columns(MORE)
            } else {
                0
            };
            widths.iter().take(count).sum::<usize>() + gaps + more
        };
        let least = |count: usize| total(count) - spare(count).iter().sum::<usize>();
        let all = self.heads.len();
        let fits = (1..=all).rev().find(|&count| least(count) <= limit);
        let fits = fits.unwrap_or(1);
        let mut excess = total(fits).saturating_sub(limit);
        let spare = spare(fits);
        widths.truncate(fits);
        for (width, &spare) in widths.iter_mut().zip(&spare).rev() {
            let given = spare.min(excess);
            *width -= given;
            excess -= given;
        }
        widths
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let mut out = String::new();
        for ((cell, &width), (_, align)) in cells.iter().zip(widths).zip(&self.heads) {
            let cell = shortened(cell, width);
            let padding = " ".repeat(width - columns(&cell));
            match align {
                Align::Left | Align::Yielding | Align::Kept => out.extend([&*cell, &padding]),
                Align::Right => out.extend([&*padding, &cell]),
            }
            out.push_str(GAP);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[
            ("ID", Align::Right),
            ("NAME", Align::Yielding),
            ("MEMORY", Align::Right),
            ("PCPUS", Align::Yielding),
        ]);
        let mut add = |cells: [&str; 4]| table.row(cells.map(str::to_owned).to_vec());
        add(["0", "Domain-0", "768.0 MiB", "0-1"]);
        add(["12", "漢字 of a long name", "-", "0,2,4,6,8,10"]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        assert_eq!(
            table().render(None),
            "ID  NAME                    MEMORY  PCPUS\n \
             0  Domain-0             768.0 MiB  0-1\n\
             12  漢字 of a long name          -  0,2,4,6,8,10\n"
        );
    }

    #[test]
    fn yielding_columns_are_cut_the_last_first() {
        assert_eq!(table().render(Some(48)), table().render(None));
        assert_eq!(
            table().render(Some(45)),
            "ID  NAME                    MEMORY  PCPUS\n \
             0  Domain-0             768.0 MiB  0-1\n\
             12  漢字 of a long name          -  0,2,4,6,…\n"
        );
        assert_eq!(
            table().render(Some(36)),
            "ID  NAME            MEMORY  PCPUS\n \
             0  Domain-0     768.0 MiB  0-1\n\
             12  漢字 of a …          -  0,2,4,6…\n"
        );
    }

    #[test]
    fn a_kept_column_is_cut_last() {
        let mut table = table();
        table.heads[1].1 = Align::Kept;
        let mut long = self::table();
        long.heads[1].1 = Align::Kept;
        long.row(vec![
            "7".to_owned(),
            "x".repeat(90),
            "1 MiB".to_owned(),
            "0".to_owned(),
        ]);
        let text = long.render(Some(70));
        assert!(text.contains("PCPUS"), "{text}");
        assert_eq!(
            table.render(Some(36)),
            "ID  NAME                    MEMORY …\n \
             0  Domain-0             768.0 MiB\n\
             12  漢字 of a long name          -\n"
        );
        assert_eq!(
            table.render(Some(20)),
            "ID  NAME …\n \
             0  Domain-0\n\
             12  漢字 of a lon…\n"
        );
    }

    #[test]
    fn left_out_columns_are_marked() {
        assert_eq!(
            table().render(Some(32)),
            "ID  NAME                MEMORY …\n \
             0  Domain-0         768.0 MiB\n\
             12  漢字 of a long…          -\n"
        );
        assert_eq!(
            table().render(Some(16)),
            "ID  NAME …\n 0  Domain-0\n12  漢字 of a…\n"
        );
        assert_eq!(table().render(Some(1)), "…\n…\n…\n");
    }

    #[test]
    fn numbers_are_never_cut() {
        let mut table = Table::new(&[("NODE", Align::Right), ("MEMORY", Align::Right)]);
        table.row(vec!["0".to_owned(), "3071.9 MiB".to_owned()]);
        assert_eq!(
            table.render(Some(16)),
            "NODE      MEMORY\n   0  3071.9 MiB\n"
        );
        assert_eq!(table.render(Some(15)), "NODE …\n   0\n");
    }
}
