//! Properties of rates for arbitrary input.
//!
//! A rate is `None` exactly if one of the two counters is unknown, if any counter of the device
//! went back, if the counter belongs to another device or domain, or if no time passed. Otherwise
//! it is a finite number of at least 0.

use enum_map::{Enum, EnumArray};
use proptest::array::uniform2;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use uuid::Uuid;

use super::*;
use crate::snapshot::{Counters, DiskBackend, DomId, Pcpu, Stamp};

/// Two readings of a counter, the older one first.
type Pair = (Option<u64>, Option<u64>);

/// Generates two readings of a counter that usually rises.
fn pair() -> impl Strategy<Value = Pair> {
    let rising = any::<(u64, u64)>().prop_map(|(a, b)| (Some(a.min(b)), Some(a.max(b))));
    prop_oneof![5 => rising, 1 => any::<Pair>()]
}

/// Generates the times of two samples. The second is usually later.
fn stamps() -> impl Strategy<Value = (Stamp, Stamp)> {
    let rising = any::<(u64, u64)>().prop_map(|(a, b)| (a.min(b), a.max(b)));
    let equal = any::<u64>().prop_map(|at| (at, at));
    let times = prop_oneof![4 => rising, 1 => any::<(u64, u64)>(), 1 => equal];
    (times, any::<(u64, u64)>()).prop_map(|((old, new), (old_width, new_width))| {
        let stamp = |at_ns, uncertainty_ns| Stamp {
            at_ns,
            uncertainty_ns,
        };
        (stamp(old, old_width), stamp(new, new_width))
    })
}

/// Generates which of an identity's parts changes, if any.
fn changed(parts: usize) -> impl Strategy<Value = Option<usize>> {
    proptest::option::weighted(0.3, 0..parts)
}

/// Returns the older or newer counters of a device, as `which` selects.
fn counters<C: EnumArray<Option<u64>>>(
    pairs: &[Pair],
    which: fn(&Pair) -> Option<u64>,
) -> Counters<C> {
    Counters::from_fn(|counter: C| which(&pairs[counter.into_usize()]))
}

fn passed((old, new): (Stamp, Stamp)) -> bool {
    new.at_ns > old.at_ns
}

fn known((old, new): Pair) -> bool {
    old.is_some() && new.is_some()
}

fn rose((old, new): Pair) -> bool {
    known((old, new)) && new > old
}

fn went_back((old, new): Pair) -> bool {
    known((old, new)) && new < old
}

/// Checks that a rate is known exactly if expected, and that a known rate is valid.
fn check(rate: Option<Rate>, known: bool) -> Result<(), TestCaseError> {
    prop_assert_eq!(rate.is_some(), known);
    for figure in rate.iter().flat_map(|rate| [rate.value, rate.uncertainty]) {
        prop_assert!(figure.is_finite() && figure >= 0.0, "{}", figure);
    }
    Ok(())
}

/// Returns the rates between the two. Also checks the rates of `new` as a first sample.
fn between(old: &Snapshot, new: &Snapshot) -> Result<Rates, TestCaseError> {
    fn count<T>(parts: &Option<Vec<T>>) -> usize {
        parts.as_ref().map_or(0, Vec::len)
    }
    let nothing = |domain: &Domain| DomainRates {
        vcpu_percent: vec![None; count(&domain.vcpus)],
        vcpu_states: vec![StateRates::default(); count(&domain.vcpus)],
        nics: vec![NicRates::default(); count(&domain.nics)],
        disks: vec![DiskRates::default(); count(&domain.disks)],
        ..DomainRates::default()
    };
    let first = Rates {
        interval_ns: None,
        host: HostRates {
            pcpu_percent: vec![None; new.host.pcpu.len()],
            ..HostRates::default()
        },
        domains: new.domains.iter().map(nothing).collect(),
    };
    prop_assert_eq!(Rates::between(None, new), first);
    Ok(Rates::between(Some(old), new))
}

/// Returns the rates of a domain that `old` and `new` have filled in. Its UUID changes if `another`
/// is set.
fn of_domain(
    old: impl FnOnce(&mut Domain),
    new: impl FnOnce(&mut Domain),
    another: bool,
) -> Result<DomainRates, TestCaseError> {
    let (mut before, mut after) = (domain(5, "web", 0, 0), domain(5, "web", 0, 0));
    old(&mut before);
    new(&mut after);
    if another {
        after.uuid = Uuid::from_u128(99);
    }
    let (old, new) = (snapshot(0, 0, vec![before]), snapshot(0, 0, vec![after]));
    Ok(between(&old, &new)?.domains.remove(0))
}

proptest! {
    #[test]
    fn of_a_domain(
        times in any::<(u64, u64)>(), stamps in stamps(), sampled in stamps(),
        vcpus in uniform2(0_u32..3), another in any::<bool>(),
    ) {
        let with = |cpu_time_ns, stamp, vcpus_online| move |domain: &mut Domain| {
            (domain.cpu_time_ns, domain.stamp) = (cpu_time_ns, stamp);
            domain.vcpus_online = vcpus_online;
        };
        let rates = of_domain(
            with(times.0, stamps.0, vcpus[0]),
            with(times.1, stamps.1, vcpus[1]),
            another,
        )?;
        let known = !another && passed(stamps) && times.1 >= times.0;
        check(rates.cpu_percent, known)?;
        check(rates.cpu_percent_of_vcpus, known && vcpus[0] == vcpus[1] && vcpus[1] > 0)?;

        let (mut old, mut new) = (snapshot(0, 0, vec![]), snapshot(0, 0, vec![]));
        (old.stamp, new.stamp) = sampled;
        prop_assert_eq!(between(&old, &new)?.interval_ns.is_some(), passed(sampled));
    }

    #[test]
    fn of_a_vcpu(times in any::<(u64, u64)>(), stamps in stamps(), changed in changed(2)) {
        let with = |id, cpu_time_ns, stamp| move |domain: &mut Domain| {
            domain.vcpus = Some(vec![Vcpu { stamp, ..vcpu(id, 0, cpu_time_ns) }]);
        };
        let id = if changed == Some(1) { 1 } else { 0 };
        let rates = of_domain(
            with(0, times.0, stamps.0),
            with(id, times.1, stamps.1),
            changed == Some(0),
        )?;
        let known = changed.is_none() && passed(stamps) && times.1 >= times.0;
        check(rates.vcpu_percent[0], known)?;
    }

    #[test]
    fn of_a_nic(
        pairs in vec(pair(), NicCounter::LENGTH), stamps in stamps(), changed in changed(4)
    ) {
        let with = |which: fn(&Pair) -> Option<u64>, stamp, changed: Option<usize>| {
            let counters = counters(&pairs, which);
            let mut nic = Nic { counters, stamp, ..nic(0, 0, 0) };
            match changed {
                Some(1) => nic.id = 1,
                Some(2) => nic.device = "other".to_owned(),
                Some(3) => nic.backend_domain = DomId(7),
                _ => {}
            }
            move |domain: &mut Domain| domain.nics = Some(vec![nic])
        };
        let rates = of_domain(
            with(|pair| pair.0, stamps.0, None),
            with(|pair| pair.1, stamps.1, changed),
            changed == Some(0),
        )?.nics[0];
        let measurable = changed.is_none() && passed(stamps) && !pairs.iter().copied().any(went_back);
        for (rate, &pair) in rates.values().zip(&pairs) {
            check(*rate, measurable && known(pair))?;
        }
    }

    #[test]
    fn of_a_disk(
        pairs in vec(pair(), DiskCounter::LENGTH), stamps in stamps(), changed in changed(5)
    ) {
        let with = |which: fn(&Pair) -> Option<u64>, stamp, changed: Option<usize>| {
            let counters = counters(&pairs, which);
            let mut disk = Disk { counters, stamp, ..disk(51712, 0, 0) };
            match changed {
                Some(1) => disk.id = 51728,
                Some(2) => disk.backend = DiskBackend::Tapdisk,
                Some(3) => disk.process = Some(77),
                Some(4) => disk.backend_domain = DomId(7),
                _ => {}
            }
            move |domain: &mut Domain| domain.disks = Some(vec![disk])
        };
        let rates = of_domain(
            with(|pair| pair.0, stamps.0, None),
            with(|pair| pair.1, stamps.1, changed),
            changed == Some(0),
        )?.disks[0];
        let measurable = changed.is_none() && passed(stamps) && !pairs.iter().copied().any(went_back);
        for (rate, &pair) in rates.per_second.values().zip(&pairs) {
            check(*rate, measurable && known(pair))?;
        }
        let of = |counter: DiskCounter| pairs[counter.into_usize()];
        for (latency, time, requests) in [
            (rates.read_latency_ns, DiskCounter::ReadTime, DiskCounter::ReadRequests),
            (rates.write_latency_ns, DiskCounter::WriteTime, DiskCounter::WriteRequests),
        ] {
            let exact = latency.map(|value| Rate { value, uncertainty: 0.0 });
            check(exact, measurable && known(of(time)) && rose(of(requests)))?;
        }
    }

    #[test]
    fn of_pcpus(pairs in vec(pair(), 0..4), more in 0_usize..2, stamps in stamps()) {
        let with = |idle: &dyn Fn(&Pair) -> Option<u64>, stamp, more: usize| {
            let mut snapshot = snapshot(0, 0, vec![]);
            let idle = pairs.iter().map(idle).chain(vec![Some(0); more]);
            let pcpus = (0..).zip(idle).map(|(id, idle_time_ns)| Pcpu {
                id, idle_time_ns, idle_states_ns: None, socket: None, core: None, node: None,
            });
            (snapshot.host.pcpu, snapshot.host.pcpu_stamp) = (pcpus.collect(), stamp);
            snapshot
        };
        let old = with(&|pair| pair.0, stamps.0, 0);
        // The additional pCPUs have no older reading.
        let new = with(&|pair| pair.1, stamps.1, more);
        let host = between(&old, &new)?.host;
        let known = |&pair: &Pair| passed(stamps) && known(pair) && !went_back(pair);
        let expected: Vec<bool> = pairs.iter().map(known).chain(vec![false; more]).collect();
        prop_assert_eq!(host.pcpu_percent.len(), expected.len());
        check(host.cpu_percent, expected.contains(&true))?;
        for (&percent, known) in host.pcpu_percent.iter().zip(expected) {
            check(percent, known)?;
        }
        for percent in host.pcpu_percent.into_iter().chain([host.cpu_percent]).flatten() {
            prop_assert!(percent.value <= 100.0 + 1e-9, "{}", percent.value);
        }
    }

    #[test]
    fn of_dom0s_kernel(
        pairs in uniform2(pair()), stamps in stamps(), read in uniform2(any::<bool>())
    ) {
        let with = |[cpu_time_ns, steal_time_ns]: [Option<u64>; 2], stamp, read: bool| {
            let mut snapshot = snapshot(0, 0, vec![]);
            snapshot.host.dom0 = read.then(|| Dom0Kernel {
                cpu_time_ns, steal_time_ns, stamp, ..Dom0Kernel::default()
            });
            snapshot
        };
        let old = with(pairs.map(|pair| pair.0), stamps.0, read[0]);
        let new = with(pairs.map(|pair| pair.1), stamps.1, read[1]);
        let host = between(&old, &new)?.host;
        let measurable = read == [true, true] && passed(stamps);
        let percents = [host.dom0_cpu_percent, host.dom0_steal_percent];
        for (rate, pair) in percents.into_iter().zip(pairs) {
            check(rate, measurable && known(pair) && !went_back(pair))?;
        }
    }

    /// vCPUs go online and offline, and none runs longer than the interval.
    #[test]
    fn use_of_vcpus_is_at_most_100_percent(
        steps in vec((1..SECOND, 0_u32..4, 0_u64..=100), 1..20)
    ) {
        let mut old = domain(5, "web", 0, 0);
        for (passed, vcpus, percent) in steps {
            let mut new = old.clone();
            new.stamp.at_ns += passed;
            // The number of vCPUs changes at the very end.
            new.cpu_time_ns += passed * u64::from(old.vcpus_online) * percent / 100;
            new.vcpus_online = vcpus;
            let before = snapshot(0, 0, vec![old]);
            let rates = Rates::between(Some(&before), &snapshot(0, 0, vec![new.clone()]));
            let share = value(rates.domains[0].cpu_percent_of_vcpus).unwrap_or_default();
            prop_assert!((0.0..=100.001).contains(&share), "{}", share);
            old = new;
        }
    }
}
