//! What the screen shows of all domains together, computed once for each sample.

use std::collections::HashMap;

use crate::pressure::{self, Pressure, Reason};
use crate::rates::Rate;
use crate::sample::{DomainSample, Sample};
use crate::snapshot::{DiskCounter, NicCounter};

/// What follows from a sample.
#[derive(Clone, Debug, Default)]
pub(super) struct Digest {
    /// The domains that suffer, the worst first.
    pub(super) sufferers: Vec<Pressure>,
    /// Where in `sufferers` the domain at a place of the snapshot is.
    by_place: HashMap<usize, usize>,
    /// vCPUs online.
    pub(super) vcpus: u64,
    /// How many domains are below their targets.
    pub(super) short: usize,
    /// By how many bytes, in all.
    pub(super) short_bytes: u64,
    /// Bytes per second that all NICs receive, and send.
    pub(super) net: [Total; 2],
    /// Bytes per second that all disks read, and write.
    pub(super) disk: [Total; 2],
    /// Packets per second that all NICs drop.
    pub(super) drops: Total,
    /// Requests per second that found no free slot.
    pub(super) no_slots: Total,
}

/// A sum over domains.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Total {
    /// The sum of those that are known; `None` if none is.
    pub(super) known: Option<f64>,
    /// Whether some are unknown.
    pub(super) is_partial: bool,
}

impl Total {
    pub(super) fn add(&mut self, value: Option<f64>) {
        match value {
            Some(value) => *self.known.get_or_insert(0.0) += value,
            None => self.is_partial = true,
        }
    }
}

impl Digest {
    pub(super) fn of(sample: Sample<'_>) -> Self {
        let sufferers = pressure::sufferers(sample);
        let by_place = sufferers.iter().enumerate();
        let by_place = by_place.map(|(index, one)| (one.place, index)).collect();
        let shorts = sufferers.iter().flat_map(|one| &one.reasons);
        let shorts = shorts.filter_map(|reason| match reason {
            Reason::MemoryShort { bytes, .. } => Some(*bytes),
            _ => None,
        });
        let (short, short_bytes) =
            shorts.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes));
        let mut digest = Self {
            by_place,
            short,
            short_bytes,
            sufferers,
            ..Self::default()
        };
        sample.domains().for_each(|one| digest.add(one));
        digest
    }

    fn add(&mut self, one: DomainSample<'_>) {
        let DomainSample { domain, rates, .. } = one;
        self.vcpus += u64::from(domain.vcpus_online);
        let value = |rate: Option<Rate>| rate.map(|rate| rate.value);
        let nics = |counter| value(rates.of_nics(domain, counter));
        let disks = |counter| value(rates.of_disks(domain, counter));
        self.net[0].add(nics(NicCounter::RxBytes));
        self.net[1].add(nics(NicCounter::TxBytes));
        self.disk[0].add(disks(DiskCounter::ReadBytes));
        self.disk[1].add(disks(DiskCounter::WriteBytes));
        self.drops.add(nics(NicCounter::RxDrops));
        self.drops.add(nics(NicCounter::TxDrops));
        self.no_slots.add(disks(DiskCounter::OutOfSlots));
    }

    /// Returns what the domain at this place of the snapshot suffers from; `None` if it does not.
    pub(super) fn at(&self, place: usize) -> Option<&Pressure> {
        self.sufferers.get(*self.by_place.get(&place)?)
    }
}
