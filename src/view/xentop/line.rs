//! A line of right-aligned cells, written in place because a block can have thousands of lines.

use std::borrow::Cow;
use std::iter::repeat_n;

use crate::text::{columns, utf8};
use crate::xentop::{COLUMNS, Cells, Tenths};

/// A width for each of xentop's columns.
pub(super) type Widths = [usize; COLUMNS.len()];

/// Returns the widths of columns without a wide cell.
pub(super) fn usual_widths() -> Widths {
    COLUMNS.map(|(_, width)| width)
}

/// A line with a cell in each of xentop's columns.
///
/// The line starts as blanks, and the cells overwrite them. A cell that is wider than its column
/// moves the rest of the line.
#[derive(Debug)]
pub(super) struct Line {
    text: Vec<u8>,
    widths: Widths,
    /// The index in `widths` of the next cell's column.
    column: usize,
    /// The index in `text` where that column starts.
    at: usize,
    /// What [`Line::wide`] returns.
    wide: Option<Box<Widths>>,
}

impl Line {
    /// Returns a line with columns of these widths.
    pub(super) fn new(widths: Widths) -> Self {
        let mut line = Self {
            text: Vec::new(),
            widths,
            column: 0,
            at: 0,
            wide: None,
        };
        line.start();
        line
    }

    /// Clears all cells, and returns to the first.
    pub(super) fn start(&mut self) {
        self.text.clear();
        let columns = self.widths.iter().sum::<usize>();
        self.text.resize(columns + COLUMNS.len() - 1, b' ');
        self.text.push(b'\n');
        (self.column, self.at) = (0, 0);
    }

    /// Returns the line, with a line feed at its end.
    pub(super) fn written(&self) -> Cow<'_, str> {
        utf8(&self.text)
    }

    /// Takes the widths that the cells need; `None` if xentop's usual widths are enough.
    pub(super) fn wide(&mut self) -> Option<Box<Widths>> {
        self.wide.take()
    }

    /// Returns the bytes for the next cell, which has `bytes` bytes and `taken` columns on a
    /// terminal, where `taken` is at most `bytes`.
    fn cell(&mut self, bytes: usize, taken: usize) -> &mut [u8] {
        let width = self.widths[self.column];
        let mut end = self.at + width;
        if taken > COLUMNS[self.column].1 {
            self.need(taken);
        }
        if bytes > width || bytes > taken {
            end += self.widen(bytes, taken);
        }
        self.column += 1;
        self.at = end + 1;
        &mut self.text[end - bytes..end]
    }

    /// Notes that the next cell is wider than its column usually is.
    #[cold]
    fn need(&mut self, taken: usize) {
        let usual = || Box::new(usual_widths());
        self.wide.get_or_insert_with(usual)[self.column] = taken;
    }

    /// Inserts bytes for a cell that has more bytes than its column is wide, or more bytes than
    /// columns. Returns how many bytes the rest of the line has moved.
    #[cold]
    fn widen(&mut self, bytes: usize, taken: usize) -> usize {
        let width = self.widths[self.column];
        let more = bytes + width.saturating_sub(taken) - width;
        // The rest of the line is blank.
        self.text.splice(self.at..self.at, repeat_n(b' ', more));
        more
    }
}

impl Cells for Line {
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
        let Some(tenths) = figure.whole() else {
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

    /// Returns a line of columns of width 4 with these cells, and with numbers in the other columns.
    fn line(cells: &[&str]) -> Line {
        let mut line = Line::new([4; COLUMNS.len()]);
        cells.iter().for_each(|cell| line.text(cell));
        (cells.len()..COLUMNS.len()).for_each(|column| line.number(column as u64));
        line
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
        let mut line = line(&["a wide name"]);
        assert_eq!(line.written(), formatted(&["a wide name"]));
        assert_eq!(
            line.wide().map(|wide| wide[..2].to_vec()),
            Some(vec![11, 6])
        );
        line.start();
        (0..COLUMNS.len()).for_each(|column| line.number(column as u64));
        assert_eq!(line.written(), formatted(&[]));
        assert_eq!(line.wide(), None);
    }

    /// Returns the cell of a figure.
    fn tenths(figure: f64) -> String {
        let mut line = Line::new([4; COLUMNS.len()]);
        line.tenths(Tenths(figure));
        line.written().trim().to_owned()
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

    proptest! {
        #[test]
        fn cells_are_aligned_like_format(cells in prop::collection::vec("[a-zä漢\u{301}]{0,7}", 0..8)) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let line = line(&cells);
            prop_assert_eq!(line.written(), formatted(&cells));
        }

        #[test]
        fn numbers_are_whole(number: u64) {
            let mut line = Line::new([4; COLUMNS.len()]);
            line.number(number);
            let text = line.written();
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
