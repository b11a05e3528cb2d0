//! Lines of right-aligned cells, written in place because a block can have thousands of them.

use std::iter::repeat_n;

use crate::text::columns;
use crate::xentop::{COLUMNS, Cells, Tenths};

/// Lines of text with a cell in each of xentop's columns.
///
/// A line starts as blanks, and the cells overwrite them. A cell that is wider than its column
/// moves the rest of its line.
#[derive(Debug)]
pub(super) struct Lines {
    text: Vec<u8>,
    /// A line whose cells are all empty.
    blank: Vec<u8>,
    /// The width of each column.
    widths: [usize; COLUMNS.len()],
    /// The width that each column needs: that of its widest cell, at least that in `widths`.
    pub(super) wanted: [usize; COLUMNS.len()],
    /// The column of the next cell; past the last one if the next cell starts a line.
    column: usize,
    /// The index in `text` where that column starts.
    at: usize,
}

impl Lines {
    /// Returns no lines, with columns of these widths. Reuses the memory of `spent`.
    pub(super) fn new(widths: [usize; COLUMNS.len()], spent: String) -> Self {
        let mut text = spent.into_bytes();
        text.clear();
        let mut blank = vec![b' '; widths.iter().sum::<usize>() + COLUMNS.len() - 1];
        blank.push(b'\n');
        Self {
            text,
            blank,
            widths,
            wanted: widths,
            column: COLUMNS.len(),
            at: 0,
        }
    }

    /// Appends text after a complete line.
    pub(super) fn push(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    /// Returns the text of all lines.
    pub(super) fn into_text(self) -> String {
        String::from_utf8(self.text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// Returns the bytes for the next cell, which has `bytes` bytes and `taken` columns on a
    /// terminal, where `taken` is at most `bytes`.
    fn cell(&mut self, bytes: usize, taken: usize) -> &mut [u8] {
        if self.column == COLUMNS.len() {
            self.begin();
        }
        let width = self.widths[self.column];
        let mut end = self.at + width;
        if bytes > width || bytes > taken {
            end += self.widen(bytes, taken);
        }
        self.column += 1;
        self.at = end + 1;
        &mut self.text[end - bytes..end]
    }

    /// Starts a line.
    #[inline(never)]
    fn begin(&mut self) {
        self.column = 0;
        self.at = self.text.len();
        self.text.extend_from_slice(&self.blank);
    }

    /// Inserts bytes for a cell that has more bytes than its column is wide, or more bytes than
    /// columns. Returns how many bytes the rest of the line has moved.
    #[cold]
    fn widen(&mut self, bytes: usize, taken: usize) -> usize {
        let width = self.widths[self.column];
        self.wanted[self.column] = self.wanted[self.column].max(taken);
        let more = bytes + width.saturating_sub(taken) - width;
        // The rest of the line is blank.
        self.text.splice(self.at..self.at, repeat_n(b' ', more));
        more
    }
}

impl Cells for Lines {
    fn text(&mut self, cell: &str) {
        let taken = match cell.is_ascii() {
            true => cell.len(),
            false => columns(cell),
        };
        self.cell(cell.len(), taken)
            .copy_from_slice(cell.as_bytes());
    }

    fn number(&mut self, number: u64) {
        let digits = digits(number);
        write_number(self.cell(digits, digits), number);
    }

    fn tenths(&mut self, figure: Tenths) {
        let Tenths::Whole(tenths) = figure else {
            self.text(&figure.to_string());
            return;
        };
        let digits = digits(tenths / 10);
        let cell = self.cell(digits + 2, digits + 2);
        write_number(&mut cell[..digits], tenths / 10);
        cell[digits] = b'.';
        write_number(&mut cell[digits + 1..], tenths % 10);
    }
}

/// Returns the number of digits of a number.
fn digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Writes a number that has as many digits as `cell` has bytes.
fn write_number(cell: &mut [u8], mut number: u64) {
    for digit in cell.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns a line of these cells, with numbers in the other columns.
    fn line(cells: &[&str]) -> String {
        let mut lines = Lines::new([4; COLUMNS.len()], String::new());
        cells.iter().for_each(|cell| lines.text(cell));
        (cells.len()..COLUMNS.len()).for_each(|column| lines.number(column as u64));
        lines.into_text()
    }

    /// Returns the same line, with every cell formatted by `format!`.
    fn formatted(cells: &[&str]) -> String {
        let numbers = (cells.len()..COLUMNS.len()).map(|column| column.to_string());
        let cells: Vec<String> = cells
            .iter()
            .map(|&cell| cell.to_owned())
            .chain(numbers)
            .map(|cell| " ".repeat(4_usize.saturating_sub(columns(&cell))) + &cell)
            .collect();
        cells.join(" ") + "\n"
    }

    #[test]
    fn a_wide_cell_moves_only_its_own_line() {
        let mut lines = Lines::new([4; COLUMNS.len()], String::new());
        for first in ["a wide name", "web"] {
            lines.text(first);
            (1..COLUMNS.len()).for_each(|column| lines.number(column as u64));
        }
        assert_eq!(lines.wanted[..2], [11, 4]);
        let text = lines.into_text();
        assert_eq!(text, formatted(&["a wide name"]) + &formatted(&["web"]));
    }

    #[test]
    fn figures_are_rounded_as_printf_does() {
        for figure in [
            0.0,
            -0.0,
            0.25,
            0.35,
            99.95,
            1e20,
            -3.17,
            f64::NAN,
            f64::INFINITY,
        ] {
            assert_eq!(tenths(figure), format!("{figure:.1}"));
        }
    }

    /// Returns the cell of a figure.
    fn tenths(figure: f64) -> String {
        let mut lines = Lines::new([4; COLUMNS.len()], String::new());
        lines.tenths(figure.into());
        lines.into_text().trim().to_owned()
    }

    proptest! {
        #[test]
        fn cells_are_aligned_like_format(cells in prop::collection::vec("[a-zä漢\u{301}]{0,7}", 0..8)) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            prop_assert_eq!(line(&cells), formatted(&cells));
        }

        #[test]
        fn numbers_are_whole(number: u64) {
            let mut lines = Lines::new([4; COLUMNS.len()], String::new());
            lines.number(number);
            let text = lines.into_text();
            prop_assert_eq!(text.trim(), number.to_string());
        }

        #[test]
        fn figures_are_rounded_like_format(figure in 0.0..1e9_f64, eighths in 0_u32..80_000) {
            prop_assert_eq!(tenths(figure), format!("{figure:.1}"));
            let figure = f64::from(eighths) / 80.0;
            prop_assert_eq!(tenths(figure), format!("{figure:.1}"));
        }
    }
}
