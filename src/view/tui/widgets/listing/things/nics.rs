//! All NICs.

use std::sync::LazyLock;

use super::{Listed, SERVED_BY, backend, of_domain, of_domains};
use crate::sample::{NicSample, Sample};
use crate::snapshot::Collect;
use crate::view::tui::action::List;
use crate::view::tui::widgets::listing::column::{Column, Tint};
use crate::view::tui::widgets::listing::rows::{Entry, Place};

impl Listed for NicSample<'static> {
    const LIST: List = List::Nics;
    const WHAT: &'static str = "NICs";
    const PART: Collect = Collect {
        nics: true,
        ..Collect::NOTHING
    };
    const SORT: &'static str = "RX/s";

    fn columns() -> &'static [Column<Self>] {
        static COLUMNS: LazyLock<Vec<Column<NicSample<'static>>>> = LazyLock::new(nic_columns);
        &COLUMNS
    }

    fn entries(sample: Sample<'_>) -> Option<Vec<Entry>> {
        of_domains(sample, |domain| {
            Some(domain.nics.as_ref()?.iter().map(|nic| nic.id))
        })
    }

    fn at<'a>(sample: Sample<'a>, place: Place) -> Option<Self::Of<'a>> {
        sample.domain(place.domain?)?.nics()?.nth(place.index)
    }

    fn name<'a>(thing: Self::Of<'a>) -> &'a str {
        &thing.nic.device
    }
}

#[rustfmt::skip]
fn nic_columns() -> Vec<Column<NicSample<'static>>> {
    type C = Column<NicSample<'static>>;
    let trouble = |column: C| column.tinted(Tint::Above(0.0));
    of_domain().into_iter().chain([
        C::of("device", "DEVICE", 90).map(|column| column.wide(8, 12)),
        C::of_row(|row| backend(row.sample.snapshot, row.thing.nic.backend_domain), "BACKEND", 45, SERVED_BY).map(|column| column.wide(8, 12)),
        C::of("rx_bytes_per_second", "RX/s", 80),
        C::of("tx_bytes_per_second", "TX/s", 80),
        C::of("rx_packets_per_second", "RXPKT/s", 50),
        C::of("tx_packets_per_second", "TXPKT/s", 50),
        C::of("rx_drops_per_second", "RXDROP/s", 70).map(trouble),
        C::of("tx_drops_per_second", "TXDROP/s", 70).map(trouble),
        C::of("rx_errors_per_second", "RXERR/s", 40).map(trouble),
        C::of("tx_errors_per_second", "TXERR/s", 40).map(trouble),
        C::of("tx_missed_per_second", "TXMISS/s", 30).map(trouble),
        C::of("rx_bytes", "RX", 20),
        C::of("tx_bytes", "TX", 20),
        C::of("rx_drops", "RXDROPS", 25),
        C::of("tx_drops", "TXDROPS", 25),
        C::of("rx_errors", "RXERRS", 22),
        C::of("tx_errors", "TXERRS", 22),
    ]).flatten().collect()
}
