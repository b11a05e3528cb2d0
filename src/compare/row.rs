//! A line of a tool's output.

use thiserror::Error;

use crate::snapshot::DomId;

/// The output of a tool has an unknown layout.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {why}")]
pub struct UnknownLayout {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with the line.
    pub why: String,
}

/// A domain in a tool's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its ID; `None` if the tool prints none.
    pub id: Option<DomId>,
    /// Its name.
    pub name: String,
    /// The cells of the compared columns, in their order.
    pub cells: Vec<String>,
}

/// Returns whether a cell is a number as the tools print it: digits, with at most one point between
/// them.
pub(super) fn is_number(cell: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, "0"));
    is_digits(whole) && is_digits(fraction)
}

/// Returns whether a cell has a tool's letters for a domain's state, each in its position or a
/// dash.
pub(super) fn is_state(cell: &str, letters: &str) -> bool {
    cell.len() == letters.len()
        && cell
            .bytes()
            .zip(letters.bytes())
            .all(|(shown, letter)| shown == b'-' || shown == letter)
}

/// Replaces the letters of states that change from moment to moment, blocked and running, by
/// dashes.
pub(super) fn lasting_letters(letters: &str) -> String {
    letters.replace(['b', 'r'], "-")
}
