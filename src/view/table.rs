//! A plain table: aligned columns, as wide as they need to be.

use super::text::{columns, shortened};

/// Narrowest that a column which gives way becomes.
const NARROWEST: usize = 8;

/// Where a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A table under construction. The second column, the name by habit, gives way when the whole is
/// too wide.
pub(super) struct Table {
    heads: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

/// The column that gives way.
const YIELDING: usize = 1;

/// What stands between two columns.
const GAP: &str = "  ";

impl Table {
    pub(super) fn new(heads: &[(&'static str, Align)]) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row; `cells` are safe text, one for each column.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table as lines of at most `width` columns: first the name gives way, then the columns
    /// on the right, each of them whole, as half a number is another number.
    pub(super) fn render(&self, width: Option<usize>) -> String {
        let mut widths: Vec<usize> = self.heads.iter().map(|(head, _)| columns(head)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = columns(cell).max(*width);
            }
        }
        let total = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        if let (Some(limit), Some(yielding)) = (width, widths.get_mut(YIELDING)) {
            *yielding = yielding
                .saturating_sub(total.saturating_sub(limit))
                .max(NARROWEST.min(*yielding));
        }

        if let Some(limit) = width {
            let mut right = 0;
            let fits = widths.iter().take_while(|&&width| {
                right += width;
                let fits = right <= limit;
                right += GAP.len();
                fits
            });
            let fits = fits.count().max(1);
            widths.truncate(fits);
        }

        let heads: Vec<&str> = self.heads.iter().map(|(head, _)| *head).collect();
        let rows = self
            .rows
            .iter()
            .map(|row| row.iter().map(String::as_str).collect());
        let mut out = String::new();
        for cells in std::iter::once(heads).chain(rows) {
            let line = self.line(&cells, &widths);
            out.push_str(shortened(line.trim_end(), width.unwrap_or(usize::MAX)).trim_end());
            out.push('\n');
        }
        out
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let mut out = String::new();
        for ((cell, &width), (_, align)) in cells.iter().zip(widths).zip(&self.heads) {
            let cell = shortened(cell, width);
            let padding = " ".repeat(width - columns(&cell));
            match align {
                Align::Left => out.extend([&*cell, &padding]),
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
            ("NAME", Align::Left),
            ("MEMORY", Align::Right),
        ]);
        table.row(vec!["0".into(), "Domain-0".into(), "768.0 MiB".into()]);
        table.row(vec!["12".into(), "漢字 of a long name".into(), "-".into()]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        assert_eq!(
            table().render(None),
            "ID  NAME                    MEMORY\n \
             0  Domain-0             768.0 MiB\n\
             12  漢字 of a long name          -\n"
        );
    }

    #[test]
    fn the_name_gives_way_in_a_narrow_terminal() {
        assert_eq!(
            table().render(Some(26)),
            "ID  NAME            MEMORY\n \
             0  Domain-0     768.0 MiB\n\
             12  漢字 of a …          -\n"
        );
        let narrowest = table().render(Some(16));
        assert_eq!(narrowest, "ID  NAME\n 0  Domain-0\n12  漢字 of…\n");
        assert_eq!(table().render(Some(1)), "…\n…\n…\n");
    }
}
