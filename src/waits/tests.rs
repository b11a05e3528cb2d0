#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::*;
use crate::fixtures::{SECOND, equipped};
use crate::runstate::{IDLE, Times, Traced, VcpuId, expected};
use crate::snapshot::{Snapshot, StateTimes, VcpuState};

const DOM0: VcpuId = vcpu(0, 0);
const WEB: VcpuId = vcpu(5, 0);

const fn vcpu(domain: u16, number: u32) -> VcpuId {
    let domain = DomId(domain);
    VcpuId { domain, number }
}

/// Returns times in tenths of a second: running, ready, blocked, offline and unknown.
fn times(tenths: [u64; 5], waited_for: &[(DomId, u64)]) -> Times {
    let [running_ns, ready_ns, blocked_ns, offline_ns, unknown_ns] =
        tenths.map(|tenths| tenths * SECOND / 10);
    let in_ns = |&(domain, tenths): &(DomId, u64)| (domain, tenths * SECOND / 10);
    let states = StateTimes {
        running_ns,
        ready_ns,
        blocked_ns,
        offline_ns,
        unknown_ns,
        ..StateTimes::default()
    };
    Times {
        states,
        waited_for_ns: waited_for.iter().map(in_ns).collect(),
        ..Times::default()
    }
}

/// Returns a trace of ten seconds of the equipped host: `web` waits for dom0 and `db`, and is throttled.
fn traced() -> Traced {
    let mut dom0 = times([20, 4, 76, 0, 0], &[(DomId(5), 1), (IDLE, 2)]);
    dom0.ran_on = [0, 2].into();
    let mut web = times([40, 40, 0, 20, 0], &[(DomId(0), 10), (DomId(9), 30)]);
    web.ran_on = [1].into();
    web.states.schedules = 100;
    web.moves = 50;
    web.states.waits = 80;
    web.states.longest_wait_ns = SECOND / 5;
    web.waits[28] = 80;
    let idle = VcpuId {
        domain: IDLE,
        number: 0,
    };
    Traced {
        interval_ns: 10 * SECOND,
        records: 1000,
        most_ready: Some(2),
        vcpus: BTreeMap::from([
            (DOM0, dom0),
            (WEB, web),
            (vcpu(5, 1), times([0, 0, 0, 100, 0], &[])),
            (idle, times([40, 60, 0, 0, 0], &[])),
        ]),
        ..Traced::default()
    }
}

/// Returns the figures of the equipped host with this trace, after a change of the second snapshot.
fn found(traced: &Traced, change: impl FnOnce(&mut Snapshot)) -> Waits {
    let (before, mut after) = equipped();
    change(&mut after);
    Waits::new(traced, &before, &after, None)
}

/// Returns the figures of the equipped host.
pub(crate) fn waiting() -> Waits {
    found(&traced(), |_| {})
}

#[test]
fn shares_are_of_the_interval() {
    let waits = waiting();
    assert_eq!(waits.ready_vcpus, Some(0.44));
    assert_eq!(waits.most_ready_vcpus, Some(2));
    let web = &waits.domains[1];
    assert_eq!(web.shares.running_percent, Some(40.0));
    assert_eq!(web.shares.ready_percent, Some(40.0));
    assert_eq!(web.shares.throttled_percent, Some(20.0));
    assert_eq!(web.shares.offline_percent, Some(120.0));
    let vcpu = &web.vcpus.as_ref().unwrap()[0];
    assert_eq!(vcpu.waits_per_second, Some(8.0));
    assert_eq!(vcpu.moves_per_second, Some(5.0));
    assert_eq!(vcpu.mean_wait_ns, Some(50e6));
    assert_eq!(vcpu.p99_wait_ns, Some(SECOND / 5));
    let by: Vec<_> = vcpu.waited_for.domains.iter().flatten().collect();
    assert_eq!(by.len(), 2);
    assert_eq!((by[0].name.as_deref(), by[0].percent), (Some("db"), 75.0));
    assert_eq!(
        (by[1].name.as_deref(), by[1].percent),
        (Some("Domain-0"), 25.0)
    );
    let dom0 = &waits.domains[0].waited_for;
    assert_eq!(
        (dom0.idle_percent, dom0.unknown_percent),
        (Some(50.0), Some(25.0))
    );
}

#[test]
fn a_pause_is_not_a_cap() {
    let throttled = |change: fn(&mut Snapshot)| {
        let waits = found(&traced(), change);
        waits.domains[1].shares.throttled_percent
    };
    assert_eq!(throttled(|_| {}), Some(20.0));
    assert_eq!(throttled(|host| host.domains[1].states.paused = true), None);
    assert_eq!(throttled(|host| host.domains[1].scheduling = None), None);
    let unplug = |host: &mut Snapshot| {
        let vcpus = host.domains[1].vcpus.as_mut().unwrap();
        vcpus[0].state = VcpuState::Offline;
    };
    assert_eq!(throttled(unplug), None);
}

#[test]
fn unknown_time_makes_figures_unknown() {
    let mut traced = traced();
    traced.vcpus.get_mut(&WEB).unwrap().states.unknown_ns = SECOND / 10;
    let waits = found(&traced, |_| {});
    let web = &waits.domains[1];
    let vcpus = web.vcpus.as_ref().unwrap();
    for shares in [web.shares, vcpus[0].shares] {
        assert_eq!(
            (shares.ready_percent, shares.unknown_percent),
            (None, Some(1.0))
        );
    }
    assert_eq!(vcpus[0].longest_wait_ns, None);
    assert_eq!(web.measured_ns, 0);
    assert_eq!(waits.domains[0].measured_ns, 10 * SECOND);
    assert_eq!(web.waited_for, WaitedFor::default());
    assert_eq!(waits.ready_vcpus, None);
    assert_eq!(waits.domains[0].shares.ready_percent, Some(4.0));
    traced.vcpus.get_mut(&WEB).unwrap().states.unknown_ns = SECOND / 1000;
    let waits = found(&traced, |_| {});
    assert_eq!(waits.domains[1].shares.ready_percent, Some(40.0));
}

#[test]
fn another_domain_with_the_same_id_has_no_figures() {
    let waits = found(&traced(), |host| {
        host.domains[1].uuid = uuid::Uuid::from_u128(77)
    });
    assert_eq!(waits.domains[1].shares.ready_percent, None);
    assert_eq!(waits.domains[1].vcpus, None);
}

#[test]
fn vcpus_may_run_in_their_pool_and_affinity() {
    let (mut host, _) = equipped();
    host.host.pools.as_mut().unwrap()[0].pcpus = vec![0, 2];
    let web = host
        .domains
        .iter_mut()
        .find(|domain| domain.id.0 == 5)
        .unwrap();
    web.vcpus.as_mut().unwrap()[0].state = VcpuState::Runnable;
    let state = |host: &Snapshot| {
        let all = expected(
            &host.domains,
            host.host.pools.as_deref().unwrap_or_default(),
        );
        let web = all.into_iter().find(|one| one.vcpu == WEB).unwrap();
        (web.state, web.may_run_on)
    };
    // Its affinity is 0-1.
    assert_eq!(state(&host), (Some(VcpuState::Runnable), vec![0]));
    let web = host
        .domains
        .iter_mut()
        .find(|domain| domain.id.0 == 5)
        .unwrap();
    web.states.paused = true;
    assert_eq!(state(&host).0, Some(VcpuState::Offline));
}
