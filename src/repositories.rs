//! The storage repositories of XAPI: which is slow, and which domain makes it so. Sums over the disks that each has.

use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::Arc;

use enum_map::EnumMap;
use uuid::Uuid;

use crate::rates::{DiskRates, Rate};
use crate::sample::Sample;
use crate::snapshot::{Collect, DiskCounter, DomId, Domain};

/// The counters whose rates are summed. A disk is in the sums if all of them are known.
const SUMMED: [DiskCounter; 5] = [
    DiskCounter::ReadBytes,
    DiskCounter::WriteBytes,
    DiskCounter::ReadRequests,
    DiskCounter::WriteRequests,
    DiskCounter::OutOfSlots,
];

/// What has to be collected about all domains.
pub const COLLECT: Collect = Collect {
    names: true,
    disks: true,
    disk_counters: Collect::ALL.disk_counters,
    driver_domains: true,
    ..Collect::NOTHING
};

/// A storage repository. `repository[DiskCounter::ReadBytes]` is one of its rates per second, `None` if that of no
/// disk is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    /// Its UUID.
    pub uuid: Uuid,
    /// How many disks it has.
    pub disks: usize,
    /// How many of them are in the sums: those whose rates are known.
    pub measured_disks: usize,
    rates: EnumMap<DiskCounter, Option<Rate>>,
    /// Mean nanoseconds per completed read, of the disks whose tapdisk counts the time; `None` if they completed none.
    pub read_latency_ns: Option<f64>,
    /// The same for writes.
    pub write_latency_ns: Option<f64>,
    /// The domain with the most requests; `None` without requests.
    pub busiest: Option<Busiest>,
}

/// The domain with the most requests to a storage repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Busiest {
    /// Its ID.
    pub id: DomId,
    /// Its name; `None` if it is unknown.
    pub name: Option<Arc<str>>,
    /// Its share of the repository's requests in per cent.
    pub percent: f64,
}

/// What is known of a repository's disks.
#[derive(Default)]
struct Disks<'a> {
    count: usize,
    /// The rates of those in the sums.
    measured: Vec<&'a DiskRates>,
    /// The requests per second of each domain with such a disk.
    requests: Vec<(&'a Domain, f64)>,
}

impl Index<DiskCounter> for Repository {
    type Output = Option<Rate>;

    fn index(&self, counter: DiskCounter) -> &Option<Rate> {
        &self.rates[counter]
    }
}

/// Returns the storage repositories of a sample, ordered by UUID; `None` if not all of [`COLLECT`] was collected, or if
/// the disks of a domain are unknown: a sum without them would be too small.
pub fn repositories(sample: Sample<'_>) -> Option<Vec<Repository>> {
    if !sample.snapshot.collected.covers(COLLECT) {
        return None;
    }
    let mut all: BTreeMap<Uuid, Disks<'_>> = BTreeMap::new();
    for one in sample.domains() {
        for disk in one.disks()? {
            if let Some(storage) = disk.disk.storage {
                let disks = all.entry(storage.repository).or_default();
                disks.add(one.domain, disk.rates);
            }
        }
    }
    Some(all.into_iter().map(Disks::summed).collect())
}

impl<'a> Disks<'a> {
    /// Adds a disk of this domain, which comes after those before.
    fn add(&mut self, domain: &'a Domain, rates: &'a DiskRates) {
        self.count += 1;
        if SUMMED.iter().any(|&counter| rates[counter].is_none()) {
            return;
        }
        self.measured.push(rates);
        let requests = [DiskCounter::ReadRequests, DiskCounter::WriteRequests];
        let requests = requests.iter().filter_map(|&counter| rates[counter]);
        let requests: f64 = requests.map(|rate| rate.value).sum();
        match self.requests.last_mut() {
            Some((last, sum)) if last.id == domain.id => *sum += requests,
            _ => self.requests.push((domain, requests)),
        }
    }

    fn summed((uuid, disks): (Uuid, Self)) -> Repository {
        let measured = disks.measured.iter();
        let sum = |counter: DiskCounter| Rate::sum(measured.clone().map(|rates| rates[counter]));
        Repository {
            uuid,
            disks: disks.count,
            measured_disks: measured.len(),
            rates: SUMMED
                .iter()
                .map(|&counter| (counter, sum(counter)))
                .collect(),
            read_latency_ns: disks.latency(DiskCounter::ReadTime, DiskCounter::ReadRequests),
            write_latency_ns: disks.latency(DiskCounter::WriteTime, DiskCounter::WriteRequests),
            busiest: disks.busiest(),
        }
    }

    /// Returns the mean time per request of the disks that count it.
    fn latency(&self, time: DiskCounter, requests: DiskCounter) -> Option<f64> {
        let timed = self.measured.iter();
        let timed = timed.filter_map(|rates| rates[time].zip(rates[requests]));
        let (ns, requests) = timed.fold((0.0, 0.0), |(ns, requests), (time, number)| {
            (ns + time.value, requests + number.value)
        });
        (requests > 0.0).then(|| ns / requests)
    }

    fn busiest(&self) -> Option<Busiest> {
        let all: f64 = self.requests.iter().map(|(_, requests)| requests).sum();
        let most = self
            .requests
            .iter()
            .max_by(|(_, one), (_, other)| one.total_cmp(other));
        let (domain, requests) = most.filter(|(_, requests)| *requests > 0.0)?;
        Some(Busiest {
            id: domain.id,
            name: domain.name.clone(),
            percent: 100.0 * requests / all,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::fixtures::{ReadAt, SECOND, disk, domain, snapshot};
    use crate::rates::Rates;
    use crate::snapshot::{Disk, Snapshot, Storage};

    /// Returns a disk on this repository at this second. Each second it has so many reads of 4 KiB, which took so many
    /// milliseconds each, twice as many writes, which no tapdisk timed, and one request without a slot.
    fn on(repository: u128, id: u32, second: u64, (reads, ms): (u64, u64)) -> Disk {
        let done = second * reads;
        let counters = [
            (DiskCounter::ReadRequests, Some(done)),
            (DiskCounter::WriteRequests, Some(2 * done)),
            (DiskCounter::ReadTime, Some(done * ms * 1_000_000)),
            (DiskCounter::OutOfSlots, Some(second)),
        ];
        Disk {
            storage: Some(Storage {
                repository: Uuid::from_u128(repository),
                image: Uuid::from_u128(id.into()),
            }),
            ..disk(id, done << 12, done << 13).at(second * SECOND, counters)
        }
    }

    /// Returns a host with two repositories and a disk on neither.
    fn host(second: u64) -> Snapshot {
        let with = |id, name, disks| Domain {
            disks: Some(disks),
            ..domain(id, name, second * SECOND, 0)
        };
        let web = vec![
            on(2, 768, second, (10, 4)),
            on(2, 832, second, (20, 1)),
            on(1, 5632, second, (0, 0)),
        ];
        let db = vec![
            disk(51712, second << 20, 0).at(second * SECOND, []),
            on(2, 51728, second, (70, 8)),
        ];
        let mut snapshot = snapshot(
            second * SECOND,
            0,
            vec![with(5, "web", web), with(7, "db", db)],
        );
        snapshot.collected = COLLECT;
        snapshot
    }

    fn of(old: &Snapshot, new: &Snapshot) -> Option<Vec<Repository>> {
        repositories(Sample {
            snapshot: new,
            rates: &Rates::between(Some(old), new),
        })
    }

    #[test]
    fn sums_tell_which_is_slow_and_who_makes_it_so() {
        let all = of(&host(1), &host(3)).unwrap();
        let [idle, busy] = &all[..] else {
            panic!("{all:?}");
        };
        let value = |repository: &Repository, counter| repository[counter].map(|rate| rate.value);
        assert_eq!((busy.uuid, busy.disks), (Uuid::from_u128(2), 3));
        assert_eq!(busy.measured_disks, 3);
        assert_eq!(value(busy, DiskCounter::ReadRequests), Some(100.0));
        assert_eq!(value(busy, DiskCounter::WriteRequests), Some(200.0));
        assert_eq!(value(busy, DiskCounter::ReadBytes), Some(409_600.0));
        assert_eq!(value(busy, DiskCounter::OutOfSlots), Some(3.0));
        // By requests: (10 × 4 + 20 × 1 + 70 × 8) / 100.
        assert_eq!(busy.read_latency_ns, Some(6_200_000.0));
        assert_eq!(busy.write_latency_ns, None);
        let busiest = busy.busiest.as_ref().unwrap();
        assert_eq!(
            (busiest.id, busiest.name.as_deref()),
            (DomId(7), Some("db"))
        );
        assert_eq!(busiest.percent, 70.0);

        assert_eq!((idle.uuid, idle.disks), (Uuid::from_u128(1), 1));
        assert_eq!(value(idle, DiskCounter::ReadBytes), Some(0.0));
        assert_eq!((idle.read_latency_ns, &idle.busiest), (None, &None));
    }

    #[test]
    fn a_new_disk_is_counted_but_not_in_the_sums() {
        let mut before = host(1);
        before.domains[0].disks.as_mut().unwrap().remove(0);
        let all = of(&before, &host(3)).unwrap();
        assert_eq!((all[1].disks, all[1].measured_disks), (3, 2));
        assert_eq!(all[1][DiskCounter::ReadRequests].unwrap().value, 90.0);
        // Without an older sample, nothing is known.
        let first = repositories(Sample {
            snapshot: &before,
            rates: &Rates::between(None, &before),
        });
        let first = &first.unwrap()[1];
        assert_eq!((first.disks, first.measured_disks), (2, 0));
        assert_eq!(
            (first[DiskCounter::ReadBytes], &first.busiest),
            (None, &None)
        );
    }

    #[test]
    fn what_was_not_collected_is_unknown() {
        let (before, mut now) = (host(1), host(3));
        // As if a command reads the disks of one domain only.
        now.domains[0].disks = None;
        assert_eq!(of(&before, &now), None);
        now.domains[1].disks = Some(Vec::new());
        now.domains[0].disks = Some(Vec::new());
        assert_eq!(of(&before, &now), Some(Vec::new()));
        now = host(3);
        now.collected.disks = false;
        assert_eq!(of(&before, &now), None);
    }
}
