#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::fixtures::{SECOND, troubled};
use crate::rates::Rates;
use crate::snapshot::{ShutdownReason, Snapshot};

fn found(old: &Snapshot, new: &Snapshot) -> Vec<Pressure> {
    let rates = &Rates::between(Some(old), new);
    let snapshot = new;
    sufferers(Sample { snapshot, rates })
}

#[test]
fn the_worst_is_first_and_who_wants_nothing_does_not_suffer() {
    let (old, new) = troubled();
    let all = found(&old, &new);
    let places: Vec<usize> = all.iter().map(|one| one.place).collect();
    // batch is throttled for 80 % of a pCPU, mail lacks a third of its memory, web waits for 30 % of a pCPU, and db has
    // 40 requests a second without a slot.
    assert_eq!(places, [2, 3, 1, 4]);
    let lost = |one: &Pressure| one.lost_percent.unwrap();
    assert!((lost(&all[0]) - 80.0).abs() < 0.01 && (lost(&all[2]) - 33.3).abs() < 0.1);
    let Reason::Ready {
        percent,
        waited_for,
    } = &all[2].reasons[0]
    else {
        panic!("{:?}", all[2]);
    };
    assert!((percent - 30.0).abs() < 0.01);
    let batch = Occupant::Domain(DomId(3), Some("batch".into()));
    assert_eq!(waited_for[0].0, batch);
    assert_eq!(waited_for[1].0, Occupant::Idle);
    assert!((waited_for[0].1 - 66.7).abs() < 0.1);
}

#[test]
fn an_idle_guest_that_waits_a_moment_does_not_suffer() {
    let (mut old, mut new) = troubled();
    // In two seconds. Of what it wanted, the first lost 67 %, the second 30 %: less than 5 % of a pCPU.
    for (place, (running_ms, ready_ms)) in [(0, (1, 2)), (4, (80, 34)), (1, (6000, 4000))] {
        let times = old.domains[place].state_times.unwrap();
        let now = new.domains[place].state_times.as_mut().unwrap();
        (now.running_ns, now.ready_ns) = (
            times.running_ns + running_ms * SECOND / 1000,
            times.ready_ns + ready_ms * SECOND / 1000,
        );
    }
    for snapshot in [&mut old, &mut new] {
        (snapshot.domains[4].disks, snapshot.domains[4].nics) = (None, None);
    }
    let rates = &Rates::between(Some(&old), &new);
    let sample = Sample {
        snapshot: &new,
        rates,
    };
    let idle = of(sample, 0, sample.domains().next().unwrap());
    assert!(idle.lost_percent > Some(66.0) && idle.reasons.is_empty());
    assert_eq!(idle.lost_worth_telling(), None);
    // web lost two pCPUs, which is less of what it wanted than batch lost; mail lacks a third of its memory.
    let all = sufferers(sample);
    let places: Vec<usize> = all.iter().map(|one| one.place).collect();
    assert_eq!(places, [1, 2, 3]);
    assert!((all[0].severity() - 200.0).abs() < 0.1);
    assert_eq!(all[0].lost_worth_telling(), all[0].lost_percent);
    assert!((all[2].severity() - 100.0 / 3.0).abs() < 0.1);
}

#[test]
fn reasons_of_all_kinds_have_one_scale() {
    let disk = || "xvda".to_owned();
    let no_slots = |per_second| Reason::NoSlots {
        disk: disk(),
        per_second,
    };
    let slow = |latency_ns| Reason::SlowDisk {
        disk: disk(),
        latency_ns,
    };
    for (reason, severity) in [
        (no_slots(0.0), 0.0),
        (no_slots(9.0), 10.0),
        (no_slots(999.0), 30.0),
        (slow(SLOW_NS), 5.0),
        (slow(1e9), 100.0),
        (Reason::Steal { percent: 7.0 }, 7.0),
    ] {
        assert!((reason.severity() - severity).abs() < 1e-9, "{reason:?}");
    }
    // Ready and throttled time are one loss; of other reasons, the worst counts.
    let ready = Reason::Ready {
        percent: 20.0,
        waited_for: Vec::new(),
    };
    let throttled = Reason::Throttled {
        percent: 30.0,
        cap_percent: None,
    };
    let severity = |reasons| {
        Pressure {
            place: 0,
            lost_percent: None,
            reasons,
        }
        .severity()
    };
    let cpu = vec![ready, throttled];
    assert_eq!(severity(cpu.clone()), 50.0);
    assert_eq!(severity([cpu.clone(), vec![slow(1e8)]].concat()), 50.0);
    assert_eq!(severity([cpu, vec![slow(1e9)]].concat()), 100.0);
}

#[test]
fn what_took_more_comes_first() {
    let (old, mut new) = troubled();
    let before = old.domains[2].state_times.unwrap();
    for (ready, throttled) in [(2, 6), (6, 2)] {
        let times = new.domains[2].state_times.as_mut().unwrap();
        // Of two seconds.
        times.ready_ns = before.ready_ns + ready * SECOND / 5;
        times.offline_ns = before.offline_ns + throttled * SECOND / 5;
        let all = found(&old, &new);
        let batch = all.iter().find(|one| one.place == 2).unwrap();
        let is_cap = matches!(batch.reasons[0], Reason::Throttled { .. });
        assert_eq!(
            (is_cap, batch.reasons.len()),
            (throttled > ready, 2),
            "{batch:?}"
        );
    }
}

#[test]
fn without_a_trace_the_other_reasons_stay() {
    let (mut old, mut new) = troubled();
    (old.host.trace, new.host.trace) = (None, None);
    let all = found(&old, &new);
    assert_eq!(all.iter().map(|one| one.place).collect::<Vec<_>>(), [3, 4]);
    assert!(all.iter().all(|one| one.lost_percent.is_none()));
}

#[test]
fn the_hypervisors_own_count_is_a_reason_without_a_share() {
    let (mut old, mut new) = troubled();
    (old.host.trace, new.host.trace) = (None, None);
    (old.domains[1].ready_ns, new.domains[1].ready_ns) = (Some(0), Some(SECOND));
    let all = found(&old, &new);
    let web = all.iter().find(|one| one.place == 1).unwrap();
    assert_eq!(web.lost_percent, None);
    assert!(matches!(web.reasons[0], Reason::Ready { percent, .. } if percent == 50.0));
}

#[test]
fn a_domain_that_has_crashed_is_the_worst() {
    let (old, mut new) = troubled();
    new.domains[0].states.shutdown = Some(ShutdownReason::Crash);
    let all = found(&old, &new);
    assert_eq!(all[0].place, 0);
    assert_eq!(all[0].reasons, [Reason::Crashed]);
    assert_eq!(all.len(), 5);
}

#[test]
fn a_domain_that_cannot_run_lacks_no_memory() {
    let (old, mut new) = troubled();
    new.domains[3].states.paused = true;
    assert!(found(&old, &new).iter().all(|one| one.place != 3));
    // A page less than the target is no reason.
    let (old, mut new) = troubled();
    new.domains[3].memory_target_bytes = Some((128 << 20) + 4096);
    assert!(found(&old, &new).iter().all(|one| one.place != 3));
}

proptest! {
    /// What a domain lost is a share of what it wanted, and each sufferer has as severe reasons as the next one.
    #[test]
    fn losses_are_shares_in_order(times in prop::collection::vec(any::<[u16; 4]>(), 5)) {
        let (old, mut new) = troubled();
        for (domain, [running, ready, blocked, offline]) in new.domains.iter_mut().zip(times) {
            let times = domain.state_times.as_mut().unwrap();
            let add = |time: &mut u64, tenths: u16| *time += u64::from(tenths) * SECOND / 10;
            add(&mut times.running_ns, running);
            add(&mut times.ready_ns, ready);
            add(&mut times.blocked_ns, blocked);
            add(&mut times.offline_ns, offline);
        }
        let all = found(&old, &new);
        let lost: Vec<f64> = all.iter().map(|one| one.lost_percent.unwrap()).collect();
        prop_assert!(lost.iter().all(|lost| (0.0..=100.001).contains(lost)), "{lost:?}");
        prop_assert!(all.is_sorted_by(|one, next| one.severity() >= next.severity()), "{all:?}");
        let worst_first = |one: &Pressure| one.reasons.is_sorted_by(|one, next| one.severity() >= next.severity());
        prop_assert!(all.iter().all(worst_first), "{all:?}");
    }
}
