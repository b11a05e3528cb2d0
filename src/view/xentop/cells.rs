//! Lines of cells in one text, so that thousands of them take no memory one by one.

use std::fmt::{Display, Write};

use super::COLUMNS;
use crate::view::text::{UNKNOWN, columns};

/// What a cell is filled up with on its left.
const BLANKS: &str = "                                ";

/// Cells, line by line, of text that is safe to print.
#[derive(Debug, Default)]
pub(super) struct Cells {
    text: String,
    /// Where each cell ends.
    ends: Vec<usize>,
}

impl Cells {
    /// Room for so many lines of the usual length.
    pub(super) fn with_capacity(lines: usize) -> Self {
        Self {
            text: String::with_capacity(64 * lines),
            ends: Vec::with_capacity(COLUMNS.len() * lines),
        }
    }

    /// Adds a cell.
    pub(super) fn push(&mut self, cell: impl Display) {
        // Writing to a String does not fail.
        let _ = write!(self.text, "{cell}");
        self.ends.push(self.text.len());
    }

    /// Adds a cell whose value may not be known.
    pub(super) fn push_known(&mut self, cell: Option<impl Display>) {
        match cell {
            Some(cell) => self.push(cell),
            None => self.push(UNKNOWN),
        }
    }

    /// Each line that is complete.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut start = 0;
        self.ends.chunks_exact(COLUMNS.len()).map(move |ends| {
            let line = Line {
                text: &self.text,
                start,
                ends,
            };
            start = ends[COLUMNS.len() - 1];
            line
        })
    }
}

/// The cells of one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    text: &'a str,
    start: usize,
    ends: &'a [usize],
}

impl<'a> Line<'a> {
    /// The cells, from left to right.
    pub(super) fn cells(self) -> impl Iterator<Item = &'a str> {
        let mut start = self.start;
        self.ends.iter().map(move |&end| {
            let cell = &self.text[start..end];
            start = end;
            cell
        })
    }

    /// Makes columns as wide as the cells in them, where they may grow.
    pub(super) fn widen(self, widths: &mut [usize; COLUMNS.len()], growing: &[usize]) {
        let mut cells = self.cells();
        let mut next = 0;
        for &column in growing {
            if let Some(cell) = cells.nth(column - next) {
                widths[column] = width(cell).max(widths[column]);
            }
            next = column + 1;
        }
    }

    /// Writes the cells right-aligned in their columns, one space apart.
    pub(super) fn write(self, widths: &[usize; COLUMNS.len()], out: &mut String) {
        for (index, (cell, &wanted)) in self.cells().zip(widths).enumerate() {
            let mut blanks = wanted.saturating_sub(width(cell)) + usize::from(index > 0);
            while blanks > 0 {
                let some = blanks.min(BLANKS.len());
                out.push_str(&BLANKS[..some]);
                blanks -= some;
            }
            out.push_str(cell);
        }
        out.push('\n');
    }
}

/// How many columns a cell takes; nearly all of them are plain numbers.
fn width(cell: &str) -> usize {
    match cell.is_ascii() {
        true => cell.len(),
        false => columns(cell),
    }
}
