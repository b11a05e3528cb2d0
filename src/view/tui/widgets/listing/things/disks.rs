//! All disks.

use std::sync::LazyLock;

use super::{Listed, SERVED_BY, backend, of_domain, of_domains};
use crate::pressure::SLOW_NS;
use crate::sample::{DiskSample, Sample};
use crate::snapshot::Collect;
use crate::view::tui::action::List;
use crate::view::tui::widgets::listing::column::{Column, Tint};
use crate::view::tui::widgets::listing::rows::{Entry, Place};

impl Listed for DiskSample<'static> {
    const LIST: List = List::Disks;
    const WHAT: &'static str = "disks";
    const PART: Collect = Collect {
        disks: true,
        ..Collect::NOTHING
    };
    const SORT: &'static str = "RD/s";

    fn columns() -> &'static [Column<Self>] {
        static COLUMNS: LazyLock<Vec<Column<DiskSample<'static>>>> = LazyLock::new(disk_columns);
        &COLUMNS
    }

    fn entries(sample: Sample<'_>) -> Option<Vec<Entry>> {
        of_domains(sample, |domain| {
            Some(domain.disks.as_ref()?.iter().map(|disk| disk.id))
        })
    }

    fn at<'a>(sample: Sample<'a>, place: Place) -> Option<Self::Of<'a>> {
        sample.domain(place.domain?)?.disks()?.nth(place.index)
    }

    fn name<'a>(thing: Self::Of<'a>) -> &'a str {
        &thing.disk.device
    }
}

#[rustfmt::skip]
fn disk_columns() -> Vec<Column<DiskSample<'static>>> {
    type C = Column<DiskSample<'static>>;
    let trouble = |column: C| column.tinted(Tint::Above(0.0));
    let latency = |column: C| column.wide(7, 7).tinted(Tint::Above(SLOW_NS));
    of_domain().into_iter().chain([
        C::of("device", "DISK", 90).map(|column| column.wide(5, 10)),
        C::of("backend", "BACKEND", 45),
        C::of_row(|row| backend(row.sample.snapshot, row.thing.disk.backend_domain), "SERVED BY", 15, SERVED_BY).map(|column| column.wide(10, 12)),
        C::of("read_bytes_per_second", "RD/s", 80),
        C::of("write_bytes_per_second", "WR/s", 80),
        C::of("read_requests_per_second", "READS/s", 50),
        C::of("write_requests_per_second", "WRITES/s", 50),
        C::of("read_latency_ns", "RDLAT", 70).map(latency),
        C::of("write_latency_ns", "WRLAT", 70).map(latency),
        C::of("out_of_slots_per_second", "NO SLOT/s", 72).map(trouble),
        C::of("errors_per_second", "ERR/s", 60).map(trouble),
        C::of("flush_requests_per_second", "FLUSH/s", 30),
        C::of("discard_requests_per_second", "DISCARD/s", 18),
        C::of("read_bytes", "READ", 20),
        C::of("write_bytes", "WRITTEN", 20),
        C::of("out_of_slots", "NO SLOTS", 25),
        C::of("errors", "ERRORS", 28).map(trouble),
    ]).flatten().collect()
}
