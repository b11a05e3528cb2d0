#![allow(clippy::unwrap_used)]

use super::*;
use crate::fixtures::{SECOND, domain, troubled};
use crate::waits::DomainWaits;

/// Returns the figures of all domains in these snapshots.
fn summed(snapshots: impl IntoIterator<Item = Snapshot>) -> Sums {
    let mut sums = Sums::default();
    for snapshot in snapshots {
        sums.add(Arc::new(snapshot), |_| true);
    }
    sums
}

fn named<'a>(waits: &'a Waits, name: &str) -> &'a DomainWaits {
    let mut domains = waits.domains.iter();
    domains
        .find(|domain| domain.name.as_deref() == Some(name))
        .unwrap()
}

fn about(value: Option<f64>, expected: f64) -> bool {
    (value.unwrap() - expected).abs() < 0.01
}

/// Returns a sample of the troubled host some seconds later, in which `web` has run all the time since then.
fn later(second: u64) -> Snapshot {
    let (_, mut snapshot) = troubled();
    let more = second - 3;
    snapshot.host.trace.as_mut().unwrap().elapsed_ns += more * SECOND;
    for domain in &mut snapshot.domains {
        let times = domain.state_times.as_mut().unwrap();
        times.running_ns += more * SECOND;
    }
    snapshot
}

#[test]
fn two_snapshots_have_the_shares_between_them() {
    let (old, new) = troubled();
    let mut sums = Sums::default();
    sums.add(Arc::new(old), |domain| domain.id.0 == 2);
    assert!(sums.waits().is_none());
    sums.add(Arc::new(new), |domain| domain.id.0 == 2);
    let waits = sums.waits().unwrap();
    assert_eq!((waits.domains.len(), waits.interval_ns), (1, 2 * SECOND));
    let web = named(&waits, "web");
    assert!(about(web.shares.ready_percent, 30.0));
    let domains = web.waited_for.domains.as_ref().unwrap();
    assert_eq!(domains[0].name.as_deref(), Some("batch"));
    let all = domains[0].percent + web.waited_for.idle_percent.unwrap();
    assert!(about(web.waited_for.unknown_percent, 100.0 - all));
}

#[test]
fn shares_are_means_over_all_pairs() {
    let (old, new) = troubled();
    let sums = summed([old, new, later(5)]);
    let web = named(&sums.waits().unwrap(), "web").shares;
    assert!(about(web.ready_percent, 15.0) && about(web.running_percent, 80.0));
}

#[test]
fn a_domain_that_was_destroyed_or_created_has_the_figures_of_its_time() {
    let (old, new) = troubled();
    let mut after = later(5);
    // It is rebuilt under another ID.
    let web = after.domains.remove(1);
    let mut rebuilt = domain(7, "web", 0, 0);
    (rebuilt.uuid, rebuilt.state_times) = (web.uuid, Some(Default::default()));
    after.domains.push(rebuilt);
    let mut end = later(7);
    end.domains.remove(1);
    let mut ran = after.domains[4].clone();
    ran.state_times.as_mut().unwrap().running_ns = SECOND;
    end.domains.push(ran);
    let sums = summed([old, new, after, end]);
    let waits = sums.waits().unwrap();
    let both: Vec<_> = waits
        .domains
        .iter()
        .filter(|one| one.name.as_deref() == Some("web"))
        .collect();
    assert_eq!([both[0].id.0, both[1].id.0], [2, 7]);
    assert!(about(both[0].shares.ready_percent, 30.0));
    assert!(about(both[1].shares.running_percent, 50.0));
    let measured: Vec<_> = sums
        .measured()
        .map(|(id, _, ns)| (id.0, ns / SECOND))
        .collect();
    assert_eq!(measured, [(1, 6), (2, 2), (3, 6), (4, 6), (5, 6), (7, 2)]);
    let domains = waits.domains.iter();
    let figures: Vec<_> = domains
        .map(|one| (one.id.0, one.measured_ns / SECOND))
        .collect();
    assert_eq!(figures, measured);
}

#[test]
fn another_trace_is_added_and_time_that_is_not_traced_is_left_out() {
    let (old, new) = troubled();
    let mut none = later(5);
    none.host.trace = None;
    let again = |mut snapshot: Snapshot| {
        snapshot.host.trace.as_mut().unwrap().begin_ns += 1;
        snapshot
    };
    let sums = summed([old, new, none, again(later(9)), again(later(11))]);
    let waits = sums.waits().unwrap();
    assert_eq!(waits.interval_ns, 4 * SECOND);
    let web = named(&waits, "web").shares;
    assert!(about(web.ready_percent, 15.0) && about(web.running_percent, 80.0));
}
