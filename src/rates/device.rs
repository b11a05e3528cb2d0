//! The rates of NICs and disks, whose counters may restart at 0.

use std::ops::Index;

use enum_map::{EnumArray, EnumMap};

use super::rate::{Rate, Span, risen};
use crate::snapshot::{Counters, Disk, DiskCounter, Nic, NicCounter};

/// The rates of a NIC per second, seen from the guest. All are `None` if any of its counters went
/// back, because then all were reset.
pub type NicRates = EnumMap<NicCounter, Option<Rate>>;

/// The rates of a disk per second, and its latencies. All are `None` if any of its counters went
/// back, because then all were reset. `rates[DiskCounter::ReadBytes]` is one of its rates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DiskRates {
    /// The rate of each counter per second.
    pub per_second: EnumMap<DiskCounter, Option<Rate>>,
    /// Mean nanoseconds per read; also `None` if no read was completed.
    pub read_latency_ns: Option<f64>,
    /// Mean nanoseconds per write; also `None` if no write was completed.
    pub write_latency_ns: Option<f64>,
}

impl Index<DiskCounter> for DiskRates {
    type Output = Option<Rate>;

    fn index(&self, counter: DiskCounter) -> &Option<Rate> {
        &self.per_second[counter]
    }
}

/// Returns whether both are the same NIC of a domain.
pub(super) fn is_same_nic(old: &Nic, new: &Nic) -> bool {
    old.id == new.id && old.device == new.device && old.backend_domain == new.backend_domain
}

/// Returns whether both are the same disk of a domain, with the same backend.
pub(super) fn is_same_disk(old: &Disk, new: &Disk) -> bool {
    old.id == new.id
        && old.backend == new.backend
        && old.backend_domain == new.backend_domain
        && old.process == new.process
}

pub(super) fn nic_rates(old: &Nic, new: &Nic) -> NicRates {
    let Some(span) = Span::between(old.stamp, new.stamp) else {
        return NicRates::default();
    };
    per_second(span, rises(&old.counters, &new.counters))
}

pub(super) fn disk_rates(old: &Disk, new: &Disk) -> DiskRates {
    let Some(span) = Span::between(old.stamp, new.stamp) else {
        return DiskRates::default();
    };
    let rises = rises(&old.counters, &new.counters);
    let latency = |time: DiskCounter, requests: DiskCounter| {
        let requests = rises[requests].filter(|&requests| requests > 0)?;
        Some(rises[time]? as f64 / requests as f64)
    };
    DiskRates {
        read_latency_ns: latency(DiskCounter::ReadTime, DiskCounter::ReadRequests),
        write_latency_ns: latency(DiskCounter::WriteTime, DiskCounter::WriteRequests),
        per_second: per_second(span, rises),
    }
}

fn per_second<C>(span: Span, rises: Counters<C>) -> EnumMap<C, Option<Rate>>
where
    C: EnumArray<Option<u64>> + EnumArray<Option<Rate>>,
{
    rises.map(|_, rise| span.per_second(rise))
}

/// Returns the increase of each counter of a device; `None` for an unknown one. If one went back,
/// all were reset, even those that are now higher than before, so all are `None`.
fn rises<C: EnumArray<Option<u64>> + Copy>(old: &Counters<C>, new: &Counters<C>) -> Counters<C> {
    if were_reset(old, new) {
        return Counters::default();
    }
    Counters::from_fn(|counter| risen(old[counter], new[counter]))
}

/// Returns whether any counter of a device went back.
pub(super) fn were_reset<C: EnumArray<Option<u64>>>(old: &Counters<C>, new: &Counters<C>) -> bool {
    let went_back =
        |(old, new): (Option<u64>, Option<u64>)| old.zip(new).is_some_and(|(old, new)| new < old);
    let mut pairs = old.values().copied().zip(new.values().copied());
    pairs.any(went_back)
}
