//! The shares of states, from traces.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use crate::fixtures::{SECOND, domain, snapshot, stamp, vcpu};
use crate::rates::{DomainRates, Rates, StateRates, mistraced};
use crate::runstate::IDLE;
use crate::snapshot::{DomId, Domain, Scheduling, Snapshot, StateTimes, TraceTotals, VcpuState};

/// Returns times of a vCPU in tenths of a second: running, ready, blocked, offline, unknown.
fn times(tenths: [u64; 5]) -> StateTimes {
    let [running_ns, ready_ns, blocked_ns, offline_ns, unknown_ns] =
        tenths.map(|tenths| tenths * SECOND / 10);
    StateTimes {
        running_ns,
        ready_ns,
        blocked_ns,
        offline_ns,
        unknown_ns,
        schedules: running_ns / 1_000_000,
        waits: ready_ns / 1_000_000,
        longest_wait_ns: ready_ns,
    }
}

/// Returns a host whose domain 5 has one vCPU with these times, in a trace that began at `begin_ns`.
fn traced(begin_ns: u64, times: StateTimes) -> Snapshot {
    let mut web = domain(5, "web", 0, 0);
    web.state_times = Some(times);
    web.vcpus_max = 1;
    let mut vcpu = vcpu(0, 1, 0);
    vcpu.state_times = Some(times);
    web.vcpus = Some(vec![vcpu]);
    let mut host = snapshot(0, 0, vec![web]);
    host.host.trace = Some(TraceTotals {
        begin_ns,
        elapsed_ns: times.total_ns(),
        records: 1,
        contradictions: 0,
        lost_ns: 0,
        running_ns: times.running_ns,
        ready_ns: times.ready_ns,
        most_ready: Some(1),
        stamp: stamp(0),
    });
    host
}

fn domain_rates(old: &Snapshot, new: &Snapshot) -> DomainRates {
    Rates::between(Some(old), new).domains.remove(0)
}

fn value(rate: Option<crate::rates::Rate>) -> Option<f64> {
    rate.map(|rate| rate.value)
}

/// Sets the cap of the domain in both samples.
fn capped(mut host: Snapshot, cap_percent: Option<u16>) -> Snapshot {
    host.domains[0].scheduling = Some(Scheduling::Credit2 {
        weight: 256,
        cap_percent,
    });
    host
}

#[test]
fn states_have_shares_of_the_traced_time() {
    let old = capped(traced(7, times([1, 2, 3, 4, 0])), Some(50));
    let new = capped(traced(7, times([3, 5, 6, 6, 0])), Some(50));
    let rates = Rates::between(Some(&old), &new);
    let of = rates.domains[0].states;
    let shares = [
        of.running_percent,
        of.ready_percent,
        of.blocked_percent,
        of.offline_percent,
        of.throttled_percent,
    ];
    assert_eq!(shares.map(value), [20.0, 30.0, 30.0, 20.0, 20.0].map(Some));
    assert_eq!(value(of.waits_per_second), Some(300.0));
    assert_eq!(rates.domains[0].vcpu_states, [of]);
    assert_eq!(value(rates.host.ready_vcpus), Some(0.3));
}

#[test]
fn only_a_cap_throttles() {
    let throttled = |change: &dyn Fn(&mut Snapshot), cap| {
        let old = capped(traced(7, times([0; 5])), cap);
        let mut new = capped(traced(7, times([0, 0, 0, 10, 0])), cap);
        change(&mut new);
        let rates = domain_rates(&old, &new);
        [rates.states, rates.vcpu_states[0]].map(|states| value(states.throttled_percent))
    };
    assert_eq!(throttled(&|_| {}, None), [Some(0.0); 2]);
    assert_eq!(throttled(&|_| {}, Some(50)), [Some(100.0); 2]);
    // Paused or unplugged meanwhile: nobody knows for how long.
    let pause = |host: &mut Snapshot| host.domains[0].states.paused = true;
    assert_eq!(throttled(&pause, Some(50)), [None; 2]);
    let unplug = |host: &mut Snapshot| {
        host.domains[0].vcpus_online = 0;
        host.domains[0].vcpus.as_mut().unwrap()[0].state = VcpuState::Offline;
    };
    assert_eq!(throttled(&unplug, Some(50)), [None; 2]);
    let forget = |host: &mut Snapshot| host.domains[0].scheduling = None;
    assert_eq!(throttled(&forget, Some(50)), [None; 2]);
}

#[test]
fn without_a_trace_ready_time_is_the_hypervisors_own() {
    let at = |second: u64, ready_ns| {
        let web = Domain {
            ready_ns,
            ..domain(5, "web", second * SECOND, 0)
        };
        snapshot(second * SECOND, 0, vec![web])
    };
    let rates = |old, new| domain_rates(&at(0, old), &at(2, new)).states;
    let ready = rates(Some(7), Some(7 + SECOND));
    assert_eq!(value(ready.ready_percent), Some(50.0));
    assert_eq!(value(ready.running_percent), None);
    assert_eq!(rates(Some(7), Some(6)), StateRates::default());
    assert_eq!(rates(None, Some(7)), StateRates::default());
}

#[test]
fn a_domain_that_ran_for_another_time_is_told() {
    let at = |tenths: u64, cpu_time_ns| {
        let mut host = traced(7, times([tenths, 0, 20 - tenths, 0, 0]));
        host.domains[0].cpu_time_ns = cpu_time_ns;
        host
    };
    let old = traced(7, times([0; 5]));
    assert_eq!(mistraced(&old, &at(10, SECOND)), None);
    // The tolerance is 6 % of two seconds, and some milliseconds between the readings.
    assert_eq!(mistraced(&old, &at(10, SECOND * 9 / 10)), None);
    let differs = mistraced(&old, &at(10, SECOND / 2));
    assert_eq!(differs, Some((DomId(5), SECOND, SECOND / 2)));
    // Of what was lost, nothing is known.
    let mut lossy = at(10, SECOND / 2);
    lossy.host.trace.as_mut().unwrap().lost_ns = 1;
    assert_eq!(mistraced(&old, &lossy), None);
}

#[test]
fn waits_are_charged_to_those_who_had_the_pcpus() {
    let with = |tenths, waited: &[(DomId, u64)]| {
        let mut host = traced(7, times(tenths));
        let in_ns = |&(id, tenths): &(DomId, u64)| (id, tenths * SECOND / 10);
        host.domains[0].waited_for_ns = waited.iter().map(in_ns).collect();
        host
    };
    let old = with([0, 10, 0, 0, 0], &[(DomId(0), 6), (IDLE, 4)]);
    let new = with([0, 20, 0, 0, 0], &[(DomId(0), 6), (DomId(9), 7), (IDLE, 7)]);
    let waited_for = domain_rates(&old, &new).waited_for;
    assert_eq!(waited_for, [(DomId(9), 70.0), (IDLE, 30.0)]);
    assert_eq!(domain_rates(&new, &new).waited_for, []);
}

proptest! {
    /// Shares are known if and only if both samples are of one trace in which time passed, no time went back, and
    /// not more than a thousandth of it is unknown; and then they are all of the time.
    #[test]
    fn shares_are_all_of_the_time_or_unknown(
        old in any::<[u16; 5]>(), more in any::<[u16; 5]>(), back in any::<bool>(), begins in (0..2_u64, 0..2_u64),
    ) {
        let [old, more] = [old, more].map(|times| times.map(u64::from));
        let mut sum = old;
        for (sum, more) in sum.iter_mut().zip(more) {
            *sum += more;
        }
        let (first, second) = if back { (sum, old) } else { (old, sum) };
        let (first, second) = (traced(begins.0, times(first)), traced(begins.1, times(second)));
        let states = domain_rates(&first, &second).states;
        let all: u64 = more.iter().sum();
        let known = begins.0 == begins.1 && all > 0 && !back && more[4] * 1000 <= all;
        if !known {
            prop_assert_eq!(states, StateRates::default());
            return Ok(());
        }
        let shares = [
            states.running_percent,
            states.ready_percent,
            states.blocked_percent,
            states.offline_percent,
        ];
        let sum: f64 = shares.iter().map(|share| share.unwrap().value).sum();
        prop_assert!((99.8..100.001).contains(&sum), "{:?}", states);
    }
}
