//! What the panes over all domains list: vCPUs, pCPUs, NICs and disks.

mod disks;
mod nics;
mod pcpus;
mod vcpus;

use super::column::Column;
use super::rows::{Entry, Key, Place, Row};
use crate::fields::{Kind, Thing, Unit, Value};
use crate::sample::Sample;
use crate::snapshot::{Collect, DomId, Domain, Snapshot};
use crate::view::tui::action::List;

/// The part of vCPUs.
const VCPUS: Collect = Collect {
    vcpus: true,
    ..Collect::NOTHING
};

/// What a pane has a row for each of.
pub(super) trait Listed: Thing {
    /// The list that they make.
    const LIST: List;

    /// What they are called.
    const WHAT: &'static str;

    /// What has to be collected to know which there are.
    const PART: Collect;

    /// The title of the column that the rows are sorted by at first.
    const SORT: &'static str;

    /// Returns the columns, in display order.
    fn columns() -> &'static [Column<Self>];

    /// Returns a row for each of them that the sample knows; `None` if it knows of none because
    /// they were not collected.
    fn entries(sample: Sample<'_>) -> Option<Vec<Entry>>;

    /// Returns the thing at this place of the sample.
    fn at<'a>(sample: Sample<'a>, place: Place) -> Option<Self::Of<'a>>;

    /// Returns the name that a filter looks for besides the domain's; empty if it has none.
    fn name<'a>(_thing: Self::Of<'a>) -> &'a str {
        ""
    }
}

/// Returns the row of this entry; `None` if it is not in the sample.
pub(super) fn row<T: Listed>(sample: Sample<'_>, (_, place): Entry) -> Option<Row<'_, T>> {
    Some(Row {
        sample,
        domain: place.domain.and_then(|domain| sample.domain(domain)),
        thing: T::at(sample, place)?,
        place,
    })
}

/// Returns a row for each thing of each domain; `None` if no domain's are known.
fn of_domains<'a, I: Iterator<Item = u32>>(
    sample: Sample<'a>,
    ids: impl Fn(&'a Domain) -> Option<I>,
) -> Option<Vec<Entry>> {
    let mut entries = None;
    for (place, domain) in sample.snapshot.domains.iter().enumerate() {
        let Some(ids) = ids(domain) else { continue };
        let key = |id| Key {
            domain: Some(domain.identity()),
            id,
        };
        let at = |index| Place {
            domain: Some(place),
            index,
            vcpu: None,
            queued: None,
        };
        let of_domain = ids.enumerate().map(|(index, id)| (key(id), at(index)));
        entries.get_or_insert_with(Vec::new).extend(of_domain);
    }
    entries
}

/// Returns the columns of the domain that each pane begins with.
fn of_domain<T: Thing>() -> [Option<Column<T>>; 2] {
    [
        Column::of_domain("id", "ID", 60),
        Column::of_domain("name", "NAME", 100),
    ]
}

/// Returns the name of a domain that serves a device, or its ID.
fn backend(snapshot: &Snapshot, id: DomId) -> Value<'_> {
    let domain = snapshot.domain(id);
    let name = domain.and_then(|domain| domain.name.as_deref());
    name.map_or(id.into(), Value::Text)
}

/// The part and the kind of the column of the domain that serves a device.
const SERVED_BY: (&str, Collect, Kind, Unit) = (
    "the domain that serves it",
    Collect::NOTHING,
    Kind::Text,
    Unit::None,
);
