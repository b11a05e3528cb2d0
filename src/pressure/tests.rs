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
    // batch, web, then db with two reasons and mail with one.
    assert_eq!(places, [2, 1, 4, 3]);
    let lost = |one: &Pressure| one.lost_percent.unwrap();
    assert!((lost(&all[0]) - 80.0).abs() < 0.01 && (lost(&all[1]) - 33.3).abs() < 0.1);
    let Reason::Ready {
        percent,
        waited_for,
    } = &all[1].reasons[0]
    else {
        panic!("{:?}", all[1]);
    };
    assert!((percent - 30.0).abs() < 0.01);
    let batch = Occupant::Domain(DomId(3), Some("batch".into()));
    assert_eq!(waited_for[0].0, batch);
    assert_eq!(waited_for[1].0, Occupant::Idle);
    assert!((waited_for[0].1 - 66.7).abs() < 0.1);
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
    assert_eq!(all.iter().map(|one| one.place).collect::<Vec<_>>(), [4, 3]);
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
    /// What a domain lost is a share of what it wanted, and each sufferer has lost as much as the next one.
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
        prop_assert!(lost.is_sorted_by(|one, next| one >= next), "{lost:?}");
    }
}
