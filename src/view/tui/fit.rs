//! How columns share a line.

use std::cmp::Reverse;

use super::columns::Column;
use crate::text::columns;
use crate::view::tui::line::Place;

/// The position and width of a column in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) column: Column,
    pub(super) x: u16,
    pub(super) width: u16,
}

impl Slot {
    /// Returns its place in the line.
    pub(super) fn place(self) -> Place {
        Place {
            x: self.x,
            width: self.width,
            left: self.column.shape().left,
        }
    }

    /// Returns the longer title that fits and leaves one column for the sort mark. The bar leaves none, because its
    /// shorter title does not say what was lost.
    pub(super) fn title(self) -> &'static str {
        let (long, short) = self.column.shape().titles;
        let mark = usize::from(self.column != Column::CPU_BAR);
        match columns(long) + mark <= usize::from(self.width) {
            true => long,
            false => short,
        }
    }
}

/// The widest name, unless names are shown whole.
const USUAL_NAME: usize = 24;

/// The width of the reasons beside which there are more columns.
const REASONS: usize = 20;

/// Which columns a narrow line keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Those with the highest priority. The name has the highest, this column, which the table is sorted by, the second
    /// highest.
    Priority(Column),
    /// The ID and the name, then those that come first.
    First,
}

impl Keep {
    /// Returns the priority of a column.
    fn rank(self, column: Column) -> u8 {
        match (self, column) {
            (Self::Priority(_), Column::NAME) => column.shape().priority,
            (Self::Priority(sort), column) if column == sort => Column::NAME.shape().priority - 1,
            (Self::Priority(_), column) => column.shape().priority,
            (Self::First, Column::NAME) => 2,
            (Self::First, Column::ID) => 1,
            (Self::First, _) => 0,
        }
    }
}

/// Returns the columns that fit into a line of this width, with one column of space between them.
/// Columns get their minimum width in order of priority. The remaining width then widens them, the
/// bar, the reasons and the name first.
///
/// `more` are columns that get their minimum width before others are widened. They and the chosen columns are then in
/// display order. `id` is the width of the longest ID. The names have their minimum width and the one that they want.
pub(super) fn fit(
    (chosen, more): (&[Column], &[Column]),
    keep: Keep,
    width: u16,
    id: usize,
    (least_name, name): (usize, usize),
) -> Vec<Slot> {
    let width = usize::from(width);
    let narrowest = |column: Column| match column {
        Column::ID => id.max(column.shape().widths.0),
        Column::NAME => least_name.max(column.shape().widths.0),
        _ => column.shape().widths.0,
    };
    let mut ranked: Vec<usize> = (0..chosen.len()).collect();
    ranked.sort_by_key(|&place| Reverse(keep.rank(chosen[place])));
    let mut taken = vec![None; chosen.len()];
    // The first column needs no space before it, and may be narrower than its minimum.
    let mut left = width + 1;
    for (index, place) in ranked.into_iter().enumerate() {
        let mut needed = narrowest(chosen[place]);
        if index == 0 {
            needed = needed.min(width);
        }
        if let Some(rest) = left.checked_sub(needed + 1) {
            (taken[place], left) = (Some((chosen[place], needed)), rest);
        } else if keep == Keep::First {
            break;
        }
    }
    let mut taken: Vec<(Column, usize)> = taken.into_iter().flatten().collect();
    // The name and the reasons come before more columns.
    if taken.len() == chosen.len() && !more.is_empty() {
        let mut spare = left.saturating_sub(USUAL_NAME + REASONS);
        for &column in more {
            if let Some(rest) = spare.checked_sub(narrowest(column) + 1) {
                left -= spare - rest;
                spare = rest;
                taken.push((column, narrowest(column)));
            }
        }
        taken.sort_by_key(|&(column, _)| column);
    }

    let mut widen = |column: Column, limit: usize| {
        if let Some((_, width)) = taken.iter_mut().find(|(this, _)| *this == column) {
            let more = limit.saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
    };
    // The longer title of the bar says what it has if the host is traced.
    let is_traced = chosen.iter().any(|column| column.part().state_times);
    widen(Column::CPU_BAR, 8 + usize::from(is_traced));
    widen(Column::WHY, REASONS);
    widen(Column::NAME, name.min(USUAL_NAME));
    widen(Column::CPU_HISTORY, 8);
    let drawn = [Column::CPU_BAR, Column::CPU_HISTORY, Column::WHY];
    for &column in chosen.iter().chain(more) {
        if !drawn.contains(&column) {
            widen(column, column.shape().widths.1);
        }
    }
    for column in [Column::WHY, Column::CPU_BAR, Column::CPU_HISTORY] {
        widen(column, column.shape().widths.1);
    }

    let mut x = 0;
    taken
        .into_iter()
        .map(|(column, width)| {
            let slot = Slot {
                column,
                x: x as u16,
                width: width as u16,
            };
            x += width + 1;
            slot
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    const BY_CPU: Keep = Keep::Priority(Column::CPU);

    fn all() -> Vec<Column> {
        Column::all().collect()
    }

    fn defaults() -> Vec<Column> {
        Column::defaults().collect()
    }

    fn titles(width: u16, name: usize) -> String {
        let slots = fit((&defaults(), &[]), BY_CPU, width, 1, (0, name));
        let titles = slots.iter().map(|slot| slot.title());
        titles.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lowest_priority_is_dropped_first() {
        let narrow = "ID NAME VCPU CPU% RAN PAST MEM GAP RX/s TX/s RD/s WR/s WHY";
        assert_eq!(titles(78, 30), narrow);
        let without_past = narrow.replace(" PAST", "").replace("RAN", "RAN LOST");
        assert_eq!(titles(77, 30), without_past);
        assert_eq!(
            titles(60, 30),
            "ID NAME CPU% MEM GAP RX/s TX/s RD/s WR/s WHY"
        );
        assert_eq!(titles(40, 30), "ID NAME CPU% MEM RX/s TX/s");
        assert_eq!(titles(20, 30), "NAME CPU% MEM");
        assert_eq!(titles(1, 30), "NAME");
    }

    #[test]
    fn sorted_column_outranks_all_but_the_name() {
        for sort in Column::all() {
            let slots = fit((&all(), &[]), Keep::Priority(sort), 45, 1, (0, 30));
            assert!(slots.iter().any(|slot| slot.column == sort), "{sort:?}");
        }
    }

    #[test]
    fn a_wide_line_has_more_columns() {
        let more: Vec<Column> = Column::of_wide_screens().collect();
        let shown = |width| {
            let slots = fit((&defaults(), &more), BY_CPU, width, 1, (0, 12));
            let columns: Vec<Column> = slots.iter().map(|slot| slot.column).collect();
            assert!(columns.is_sorted());
            columns.len()
        };
        assert_eq!(shown(100), defaults().len());
        assert!(shown(160) > defaults().len());
        assert_eq!(shown(300), defaults().len() + more.len());
    }

    #[test]
    fn a_bar_of_what_is_lost_says_so() {
        let mut traced = defaults();
        traced.push(Column::READY);
        let slots = fit((&traced, &[]), BY_CPU, 100, 1, (12, 12));
        let bar = slots.iter().find(|slot| slot.column == Column::CPU_BAR);
        let bar = bar.map(|bar| (bar.title(), bar.width));
        assert_eq!(bar, Some(("RAN LOST", 9)));
    }

    #[test]
    fn the_first_columns_are_kept_without_a_gap() {
        let columns = defaults();
        let slots = fit((&columns, &[]), Keep::First, 40, 1, (0, 8));
        let shown: Vec<Column> = slots.iter().map(|slot| slot.column).collect();
        assert_eq!(shown, columns[..shown.len()]);
        assert!((4..columns.len()).contains(&shown.len()), "{shown:?}");
    }

    #[test]
    fn name_gets_its_width() {
        let name = |width, least, longest| {
            let slots = fit((&defaults(), &[]), BY_CPU, width, 1, (least, longest));
            let name = slots.iter().find(|slot| slot.column == Column::NAME);
            name.map(|slot| slot.width)
        };
        assert_eq!(name(200, 12, 60), Some(24));
        assert_eq!(name(80, 12, 60), Some(12));
        // The reasons come first.
        assert_eq!(name(100, 12, 60), Some(12));
        assert_eq!(name(80, 60, 60), Some(60));
        assert_eq!(name(200, 3, 3), Some(12));
    }

    proptest! {
        #[test]
        fn slots_fill_the_line_in_order(
            chosen in subsequence(all(), 1..=all().len()),
            sort in select(all()),
            width in 0_u16..300, id in 1_usize..=5, least in 0_usize..100, name in 0_usize..100,
        ) {
            let slots = fit((&chosen, &[]), Keep::Priority(sort), width, id, (least, name));
            prop_assert!(!slots.is_empty());
            let mut next = 0;
            for slot in &slots {
                prop_assert_eq!(slot.x, next);
                next += slot.width + 1;
            }
            prop_assert!(next <= width + 1);
            // A dropped column has a lower priority than every shown column, or is wider.
            let narrowest = |column: Column| match column {
                Column::ID => id.max(3),
                Column::NAME => least.max(8),
                column => column.shape().widths.0,
            };
            let shown = |column: &Column| slots.iter().any(|slot| slot.column == *column);
            for left_out in chosen.iter().filter(|column| !shown(column)) {
                prop_assert!(*left_out != Column::NAME);
                for slot in &slots {
                    let rank = |column| Keep::Priority(sort).rank(column);
                    prop_assert!(rank(*left_out) <= rank(slot.column)
                        || narrowest(*left_out) > narrowest(slot.column));
                }
            }
        }
    }
}
