//! Filters and sorts the domains of the table.

use std::collections::HashMap;

use uuid::Uuid;

use crate::filter::Filter;
use crate::snapshot::{DomId, Domain, Identity};
use crate::view::tui::cells::{Key, Row};
use crate::view::tui::columns::Column;

/// The order of the rows.
#[derive(Clone, Copy, Debug)]
pub(in crate::view::tui) struct Order<'a> {
    pub(in crate::view::tui) by: Column,
    pub(in crate::view::tui) descending: bool,
    /// Whether dom0 is always first.
    pub(in crate::view::tui) dom0_first: bool,
    /// The UUIDs of the domains that are above all others.
    pub(in crate::view::tui) pinned: &'a [Uuid],
    /// The places that domains keep, whatever their figures are; others come after them.
    pub(in crate::view::tui) held: Option<&'a Places>,
}

/// The places of domains in the table.
pub(in crate::view::tui) type Places = HashMap<Identity, usize>;

/// Returns the indexes in the snapshot of the domains that match the filter, sorted. Domains with
/// equal keys are in order of ID.
pub(in crate::view::tui) fn rows<'a>(
    all: impl Iterator<Item = Row<'a>>,
    order: Order<'_>,
    filter: &Filter,
) -> Vec<usize> {
    let mut rows: Vec<((bool, usize), Key, usize)> = all
        .enumerate()
        .filter(|(_, row)| filter.matches(row.one, None))
        .map(|(index, row)| (place(row.one.domain, order), Key::of(order.by, row), index))
        .collect();
    rows.sort_by(|(place, key, _), (other, other_key, _)| {
        place
            .cmp(other)
            .then_with(|| key.compare(other_key, order.descending))
    });
    rows.into_iter().map(|(_, _, index)| index).collect()
}

/// Returns whether a domain is below those that are always first, and the place that it keeps.
fn place(domain: &Domain, order: Order<'_>) -> (bool, usize) {
    let is_pinned = order.pinned.contains(&domain.identity().uuid);
    let is_first = is_pinned || order.dom0_first && domain.id == DomId::DOM0;
    let held = order.held.map(|places| {
        let place = places.get(&domain.identity());
        place.copied().unwrap_or(usize::MAX)
    });
    (!is_first, held.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{SECOND, domain, snapshot};
    use crate::rates::Rates;
    use crate::sample::Sample;

    /// Returns the IDs of the shown domains, in order.
    fn ids(by: Column, descending: bool, filter: &str) -> Vec<u16> {
        let old = snapshot(
            0,
            0,
            vec![domain(0, "Domain-0", 0, 0), domain(7, "Web", 0, 0)],
        );
        let mut nameless = domain(9, "", SECOND, 0);
        nameless.name = None;
        let new = snapshot(
            SECOND,
            0,
            vec![
                domain(0, "Domain-0", SECOND, 1),
                domain(7, "Web", SECOND, SECOND),
                domain(8, "new-db", SECOND, 9 * SECOND),
                nameless,
            ],
        );
        let order = Order {
            by,
            descending,
            dom0_first: false,
            pinned: &[],
            held: None,
        };
        let rates = &Rates::between(Some(&old), &new);
        let snapshot = &new;
        let sample = Sample { snapshot, rates };
        let all = sample.domains().map(|one| Row {
            one,
            past: None,
            suffers: None,
        });
        let rows = rows(all, order, &crate::view::tui::filter(filter).unwrap());
        rows.into_iter().map(|row| new.domains[row].id.0).collect()
    }

    #[test]
    fn unknown_is_last_in_either_direction() {
        assert_eq!(ids(Column::CPU, true, ""), [7, 0, 8, 9]);
        assert_eq!(ids(Column::CPU, false, ""), [0, 7, 8, 9]);
        assert_eq!(ids(Column::NAME, false, ""), [0, 8, 7, 9]);
        assert_eq!(ids(Column::NAME, true, ""), [7, 8, 0, 9]);
    }

    #[test]
    fn filter_matches_name_id_or_uuid() {
        assert_eq!(ids(Column::ID, false, "WE"), [7]);
        assert_eq!(ids(Column::ID, false, "-"), [0, 8]);
        assert_eq!(ids(Column::ID, false, "9"), [9]);
        assert_eq!(ids(Column::ID, false, "00000000-0000"), [0, 7, 8, 9]);
        assert!(ids(Column::ID, false, "nowhere").is_empty());
    }
}
