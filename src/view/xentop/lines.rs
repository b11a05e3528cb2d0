//! Lines of right-aligned cells, written in place: a block has thousands of them.

use super::COLUMNS;
use crate::view::text::{UNKNOWN, columns, tenths};

/// What a cell is filled up with on its left.
const BLANKS: &str = "                                ";

/// Takes a line's cells, from left to right.
pub(super) trait Cells {
    /// Takes the next cell.
    fn text(&mut self, cell: &str);

    /// Takes a number.
    fn number(&mut self, number: u64) {
        self.text(itoa::Buffer::new().format(number));
    }

    /// Takes a number that may not be known.
    fn known(&mut self, number: Option<u64>) {
        match number {
            Some(number) => self.number(number),
            None => self.text(UNKNOWN),
        }
    }

    /// Takes a figure that may not be known, with one decimal.
    fn tenths(&mut self, figure: Option<f64>) {
        match figure {
            Some(figure) => self.text(&tenths(figure)),
            None => self.text(UNKNOWN),
        }
    }
}

impl Cells for Vec<String> {
    fn text(&mut self, cell: &str) {
        self.push(cell.to_owned());
    }
}

/// Lines of text with a cell in each of xentop's columns.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) text: String,
    /// How wide each column is to be.
    pub(super) widths: [usize; COLUMNS.len()],
    /// How wide the cells of each column are at most, where they are wider than that.
    pub(super) wanted: [usize; COLUMNS.len()],
    /// Where the next cell goes.
    column: usize,
}

impl Lines {
    /// None yet, in columns of these widths, with room for so many.
    pub(super) fn new(widths: [usize; COLUMNS.len()], lines: usize) -> Self {
        let length = widths.iter().sum::<usize>() + COLUMNS.len();
        Self {
            text: String::with_capacity(lines * length),
            widths,
            wanted: widths,
            column: 0,
        }
    }
}

impl Cells for Lines {
    fn text(&mut self, cell: &str) {
        // Nearly all of them are plain numbers.
        let taken = match cell.is_ascii() {
            true => cell.len(),
            false => columns(cell),
        };
        let column = self.column;
        if taken > self.wanted[column] {
            self.wanted[column] = taken;
        }
        let mut blanks = self.widths[column].saturating_sub(taken) + usize::from(column > 0);
        while blanks > 0 {
            let some = blanks.min(BLANKS.len());
            self.text.push_str(&BLANKS[..some]);
            blanks -= some;
        }
        self.text.push_str(cell);
        self.column += 1;
        if self.column == COLUMNS.len() {
            self.text.push('\n');
            self.column = 0;
        }
    }
}
