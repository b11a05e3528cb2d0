//! How the columns of a pane share a line.

use std::cmp::Reverse;

/// A column to place in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Its index among all columns.
    pub(super) index: usize,
    /// Its minimum and maximum width.
    pub(super) widths: (u16, u16),
    /// A narrow line drops the columns with the lowest priority first, and those with the same
    /// priority together.
    pub(super) priority: u8,
}

/// Returns the columns that fit into a line of this width, as indexes with their positions and
/// widths, with one column of space between them. Columns get their minimum width in order of
/// priority; the remaining width widens those that may be wider.
pub(super) fn fit(columns: &[Wanted], width: u16) -> Vec<(usize, u16, u16)> {
    let mut ranked: Vec<usize> = (0..columns.len()).collect();
    ranked.sort_by_key(|&at| Reverse(columns[at].priority));
    let mut widths = vec![None; columns.len()];
    // The first column needs no space before it, and may be narrower than its minimum.
    let mut left = width.saturating_add(1);
    let of_one_priority =
        |one: &usize, other: &usize| columns[*one].priority == columns[*other].priority;
    for (rank, group) in ranked.chunk_by(of_one_priority).enumerate() {
        let least = |&at: &usize| match rank {
            0 => columns[at].widths.0.min(width),
            _ => columns[at].widths.0,
        };
        let add = |sum: u16, at| sum.saturating_add(least(at)).saturating_add(1);
        let needed = group.iter().fold(0, add);
        if let Some(rest) = left.checked_sub(needed) {
            left = rest;
            group.iter().for_each(|at| widths[*at] = Some(least(at)));
        }
    }
    for &at in &ranked {
        if let Some(width) = &mut widths[at] {
            let more = columns[at].widths.1.saturating_sub(*width).min(left);
            (*width, left) = (*width + more, left - more);
        }
    }
    let mut x = 0;
    let mut slots = Vec::new();
    for (column, width) in columns.iter().zip(widths) {
        if let Some(width) = width {
            slots.push((column.index, x, width));
            x += width + 1;
        }
    }
    slots
}
