//! The state machine against histories that are known in full.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::snapshot::DomId;
use crate::snapshot::VcpuState::{self, Blocked, Offline, Runnable, Running};

const PCPUS: u32 = 3;
const VCPUS: u16 = 5;

/// vCPU 0 of this domain.
fn vcpu(domain: u16) -> VcpuId {
    VcpuId {
        domain: DomId(domain),
        number: 0,
    }
}

fn idle(pcpu: u32) -> VcpuId {
    VcpuId {
        domain: IDLE,
        number: pcpu,
    }
}

fn change(at_ns: u64, pcpu: u32, vcpu: VcpuId, old: VcpuState, new: VcpuState) -> Record {
    let what = What::Change { vcpu, old, new };
    Record { pcpu, at_ns, what }
}

fn lost(at_ns: u64, pcpu: u32) -> Record {
    let what = What::Lost;
    Record { pcpu, at_ns, what }
}

/// Returns a vCPU that may run on these pCPUs, and of which nothing else is known.
fn unseen(vcpu: VcpuId, may_run_on: &[u32]) -> Expected {
    Expected {
        vcpu,
        state: None,
        pcpu: None,
        may_run_on: may_run_on.to_vec(),
    }
}

/// Returns the figures of these readings. The interval goes from the newest record of the first to that of the last.
fn traced(expected: Vec<Expected>, readings: Vec<Vec<Record>>) -> Traced {
    let mut states = Runstates::new(expected);
    for records in readings {
        states.add(records);
    }
    states.add(Vec::new());
    states.so_far().unwrap()
}

/// Returns the same, with the longest wait and the most vCPUs ready of all readings, each of which was asked for.
fn traced_in_steps(expected: Vec<Expected>, readings: Vec<Vec<Record>>) -> Traced {
    let mut states = Runstates::new(expected);
    let mut longest = BTreeMap::new();
    let mut most = Some(0);
    for records in readings.into_iter().chain([Vec::new()]) {
        states.add(records);
        for (id, times) in states.so_far().iter().flat_map(|traced| {
            most = most.max(traced.most_ready);
            &traced.vcpus
        }) {
            let longest: &mut u64 = longest.entry(*id).or_default();
            *longest = times.states.longest_wait_ns.max(*longest);
        }
    }
    let mut all = states.so_far().unwrap();
    all.most_ready = most;
    for (id, times) in &mut all.vcpus {
        times.states.longest_wait_ns = longest[id];
    }
    all
}

#[test]
fn an_idle_vcpu_without_a_record_runs_only_if_nobody_else_does() {
    let [one, two] = [vcpu(1), vcpu(2)].map(|vcpu| unseen(vcpu, &[0]));
    // Hypercalls saw neither of them run on pCPU 0.
    let mut states = Runstates::new(with_idle(vec![one.clone(), two], 0..3));
    let spin = |at| vec![change(at, 1, vcpu(3), Running, Running)];
    states.add(spin(100));
    let ends = change(500, 0, one.vcpu, Running, Runnable);
    states.add([vec![ends], spin(900)].concat());
    states.add(Vec::new());
    let found = states.so_far().unwrap();
    let running = |pcpu| found.vcpus[&idle(pcpu)].states.running_ns;
    // pCPU 2 never writes: it is idle all the time.
    assert_eq!([0, 1, 2].map(running), [0, 0, 800]);
    assert_eq!(found.running_ns, 400 + 800 + 800);
}

#[test]
fn vcpus_come_and_go_while_others_are_followed() {
    let (old, new) = (vcpu(1), vcpu(2));
    let mut states = Runstates::new(vec![unseen(old, &[0])]);
    let spin = |at| vec![change(at, 1, vcpu(3), Running, Running)];
    states.add(vec![change(100, 0, old, Running, Runnable)]);
    states.add(spin(300));
    states.add(spin(400));
    states.forget(|domain| domain == old.domain);
    states.expect(vec![Expected {
        state: Some(Runnable),
        ..unseen(new, &[1])
    }]);
    states.add(spin(700));
    let first = states.so_far().unwrap();
    assert!(!first.vcpus.contains_key(&old));
    let times = &first.vcpus[&new];
    assert_eq!((times.states.ready_ns, times.states.total_ns()), (100, 100));
    assert_eq!(times.waited_for_ns, BTreeMap::from([(DomId(3), 100)]));
    assert_eq!((first.most_ready, first.ready_ns), (Some(1), 300));
    // A wait that lasts is the longest of each time that it lasts in, and one wait.
    states.add(Vec::new());
    let second = states.so_far().unwrap();
    let states = &second.vcpus[&new].states;
    assert_eq!((states.waits, states.longest_wait_ns), (1, 400));
}

#[test]
fn a_vcpu_may_run_elsewhere_from_a_moment_on() {
    let waits = vcpu(1);
    let on = |pcpus: &[u32]| Expected {
        state: Some(Runnable),
        ..unseen(waits, pcpus)
    };
    let mut states = Runstates::new(vec![on(&[0])]);
    let spin = |at| {
        let spin = |pcpu| change(at, pcpu, vcpu(2 + pcpu as u16), Running, Running);
        vec![spin(0), spin(1)]
    };
    states.add(spin(100));
    states.add(spin(300));
    states.add(spin(400));
    states.expect(vec![on(&[1])]);
    states.add(spin(1000));
    states.add(Vec::new());
    let found = states.so_far().unwrap();
    let waited_for = BTreeMap::from([(DomId(2), 200), (DomId(3), 700)]);
    assert_eq!(found.vcpus[&waits].waited_for_ns, waited_for);
}

#[test]
fn beside_a_pcpu_that_writes_nothing_only_those_that_run_elsewhere_are_known() {
    let (runs, blocks) = (vcpu(2), vcpu(1));
    let blocked = Expected {
        state: Some(Blocked),
        ..unseen(blocks, &[0, 1])
    };
    let mut states = Runstates::new(vec![blocked]);
    let spin = |at| vec![change(at, 0, runs, Running, Running)];
    for at in [100, 300, 400] {
        states.add(spin(at));
    }
    // It is online from 300 on, as far as is known.
    states.blind(BTreeSet::from([1]));
    states.add(spin(700));
    states.add(spin(900));
    states.blind(BTreeSet::new());
    states.add(Vec::new());
    let found = states.so_far().unwrap();
    assert_eq!(found.vcpus[&runs].states.running_ns, 800);
    let times = &found.vcpus[&blocks].states;
    assert_eq!((times.blocked_ns, times.unknown_ns), (200, 600));
    assert_eq!(found.lost_ns, BTreeMap::from([(1, 400)]));
}

#[test]
fn who_waited_for_a_domain_that_is_gone_shows_so_once() {
    let waits = Expected {
        state: Some(Runnable),
        ..unseen(vcpu(1), &[0])
    };
    let mut states = Runstates::new(vec![waits]);
    let spin = |at, domain| vec![change(at, 0, vcpu(domain), Running, Running)];
    for at in [100, 300, 500] {
        states.add(spin(at, 2));
    }
    let mut waited_for = |at, domain| {
        states.add(spin(at, domain));
        states.forget(|domain| domain == DomId(2));
        states.so_far().unwrap().vcpus[&vcpu(1)]
            .waited_for_ns
            .clone()
    };
    assert_eq!(waited_for(700, 3)[&DomId(2)], 400);
    assert_eq!(waited_for(900, 3)[&DomId(2)], 600);
    assert!(!waited_for(1100, 3).contains_key(&DomId(2)));
    // A new domain does not inherit its time.
    waited_for(1300, 4);
    waited_for(1500, 4);
    assert_eq!(waited_for(1700, 4)[&DomId(4)], 200);
}

#[test]
fn long_waits_are_charged_although_the_past_is_forgotten() {
    let waits = Expected {
        state: Some(Runnable),
        ..unseen(vcpu(1), &[0])
    };
    let mut all = Vec::new();
    for switch in 0..100_000 {
        let at = 1000 + switch * 10;
        let [from, to] = [2 + switch % 2, 3 - switch % 2].map(|domain| vcpu(domain as u16));
        all.push(change(at, 0, from, Running, Runnable));
        all.push(change(at, 0, to, Runnable, Running));
    }
    let found = traced(vec![waits], vec![vec![all[0]], all]);
    let waited_for = BTreeMap::from([(DomId(2), 499_990), (DomId(3), 500_000)]);
    assert_eq!(found.vcpus[&vcpu(1)].waited_for_ns, waited_for);
}

#[test]
fn two_vcpus_on_one_pcpu_wait_for_each_other() {
    let (one, two) = (vcpu(1), vcpu(2));
    let switch = |at, from, to| {
        [
            change(at, 0, from, Running, Runnable),
            change(at, 0, to, Runnable, Running),
        ]
    };
    let readings = vec![
        switch(100, two, one).to_vec(),
        [switch(400, one, two), switch(500, two, one)].concat(),
    ];
    let found = traced(vec![unseen(one, &[0]), unseen(two, &[0])], readings);
    assert_eq!(found.interval_ns, 400);
    let times = &found.vcpus[&two];
    assert_eq!((times.states.running_ns, times.states.ready_ns), (100, 300));
    assert_eq!((times.states.waits, times.states.longest_wait_ns), (1, 300));
    assert_eq!(times.waited_for_ns, BTreeMap::from([(DomId(1), 300)]));
    let times = &found.vcpus[&one];
    assert_eq!((times.states.running_ns, times.states.ready_ns), (300, 100));
    assert_eq!(times.states.schedules, 1);
    assert_eq!(times.waited_for_ns, BTreeMap::from([(DomId(2), 100)]));
}

#[test]
fn a_vcpu_without_records_is_what_a_hypercall_says() {
    let (spins, starves) = (vcpu(1), vcpu(2));
    let expected = |vcpu, state, pcpu| Expected {
        state: Some(state),
        pcpu,
        ..unseen(vcpu, &[0])
    };
    let expected = vec![
        expected(spins, Running, Some(0)),
        expected(starves, Runnable, None),
    ];
    // Only pCPU 1 writes.
    let sleeps = |at| vec![change(at, 1, vcpu(3), Running, Blocked)];
    let found = traced(expected, vec![sleeps(100), sleeps(900)]);
    assert_eq!(found.vcpus[&spins].states.running_ns, 800);
    assert_eq!(found.vcpus[&spins].ran_on, BTreeSet::from([0]));
    let starves = &found.vcpus[&starves];
    assert_eq!((starves.states.ready_ns, starves.states.waits), (800, 1));
    assert_eq!(starves.waited_for_ns, BTreeMap::from([(DomId(1), 800)]));
}

#[test]
fn a_pcpu_without_records_is_idle() {
    let waits = Expected {
        state: Some(Runnable),
        ..unseen(vcpu(2), &[0, 1])
    };
    let spin = |at| vec![change(at, 1, vcpu(3), Running, Running)];
    let found = traced(vec![waits], vec![spin(100), spin(900)]);
    let waited_for = &found.vcpus[&vcpu(2)].waited_for_ns;
    assert_eq!(waited_for[&IDLE], 400);
    assert_eq!(waited_for[&DomId(3)], 400);
}

#[test]
fn lost_records_make_the_time_unknown() {
    let (one, two) = (vcpu(1), vcpu(2));
    let readings = vec![
        vec![
            change(100, 0, one, Runnable, Running),
            change(100, 1, two, Runnable, Running),
        ],
        vec![
            change(200, 0, one, Running, Blocked),
            lost(200, 0),
            // It ran on the other pCPU, so it cannot have changed unseen.
            change(300, 1, two, Running, Blocked),
            change(400, 0, one, Running, Blocked),
            change(500, 0, one, Blocked, Runnable),
        ],
    ];
    let found = traced(vec![unseen(one, &[]), unseen(two, &[])], readings);
    assert_eq!(found.lost_ns, BTreeMap::from([(0, 200)]));
    let times = &found.vcpus[&one];
    assert_eq!(
        (times.states.running_ns, times.states.unknown_ns),
        (100, 200)
    );
    assert_eq!(times.states.blocked_ns, 100);
    assert!(!times.states.is_known());
    let times = &found.vcpus[&two];
    assert_eq!(
        (times.states.running_ns, times.states.unknown_ns),
        (200, 200)
    );
}

#[test]
fn records_that_contradict_each_other_are_counted() {
    let (one, other) = (vcpu(1), vcpu(2));
    let readings = vec![
        vec![change(100, 0, one, Runnable, Running)],
        vec![
            change(300, 1, one, Blocked, Runnable),
            change(400, 1, other, Running, Blocked),
        ],
    ];
    let found = traced(vec![], readings);
    assert_eq!(found.contradictions, 1);
    let times = &found.vcpus[&one];
    assert_eq!((times.states.unknown_ns, times.states.ready_ns), (200, 100));
}

#[test]
fn quantiles_are_never_below_the_truth() {
    let mut waits = Times::default();
    assert_eq!(waits.wait_quantile_ns(0.99), None);
    for ns in 1..=1000 {
        waits.add_wait(ns);
    }
    assert_eq!(waits.wait_quantile_ns(0.5), Some(512));
    assert_eq!(waits.wait_quantile_ns(0.99), Some(1000));
    waits.add_wait(u64::MAX);
    assert_eq!(waits.wait_quantile_ns(1.0), Some(u64::MAX));
}

/// What happens next on a made-up host.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A vCPU gets something to do, by this pCPU.
    Wake(u16, u32),
    /// The vCPU on this pCPU stops for this reason, and this vCPU runs next if it waits.
    Switch(u32, VcpuState, u16),
    /// The vCPU on this pCPU goes on.
    Continue(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let (pcpu, domain) = (0..PCPUS, 0..VCPUS);
    let stops = prop::sample::select(vec![Runnable, Blocked, Offline]);
    prop_oneof![
        (domain.clone(), pcpu.clone()).prop_map(|(domain, pcpu)| Step::Wake(domain, pcpu)),
        (pcpu.clone(), stops, domain).prop_map(|(pcpu, stop, next)| Step::Switch(pcpu, stop, next)),
        pcpu.prop_map(Step::Continue),
    ]
}

/// The full history of a made-up host.
#[derive(Debug, Default)]
struct History {
    records: Vec<Record>,
    /// Each vCPU's states at these moments, and who had each pCPU, in force until the next.
    moments: Vec<(u64, Vec<VcpuState>, Vec<DomId>)>,
}

fn history(steps: &[(u64, Step)]) -> History {
    let mut states = vec![Blocked; VCPUS.into()];
    let mut on = vec![IDLE; PCPUS as usize];
    let mut at = 1000;
    let mut history = History::default();
    history.moments.push((0, states.clone(), on.clone()));
    for &(passed, step) in steps {
        at += passed;
        let mut add = |pcpu, vcpu, old, new| {
            history.records.push(change(at, pcpu, vcpu, old, new));
        };
        match step {
            Step::Wake(domain, pcpu) => {
                let state = &mut states[usize::from(domain)];
                if matches!(state, Blocked | Offline) {
                    add(pcpu, vcpu(domain), *state, Runnable);
                    *state = Runnable;
                }
            }
            Step::Switch(pcpu, stop, next) => {
                let before = on[pcpu as usize];
                let waits = states[usize::from(next)] == Runnable;
                let after = if waits { DomId(next) } else { IDLE };
                if before != after {
                    match before {
                        IDLE => add(pcpu, idle(pcpu), Running, Runnable),
                        DomId(domain) => {
                            add(pcpu, vcpu(domain), Running, stop);
                            states[usize::from(domain)] = stop;
                        }
                    }
                    match after {
                        IDLE => add(pcpu, idle(pcpu), Runnable, Running),
                        DomId(domain) => {
                            add(pcpu, vcpu(domain), Runnable, Running);
                            states[usize::from(domain)] = Running;
                        }
                    }
                    on[pcpu as usize] = after;
                }
            }
            Step::Continue(pcpu) => {
                let runs = match on[pcpu as usize] {
                    IDLE => idle(pcpu),
                    domain => vcpu(domain.0),
                };
                add(pcpu, runs, Running, Running);
            }
        }
        history.moments.push((at, states.clone(), on.clone()));
    }
    history
}

impl History {
    /// Returns the true figures of a domain's vCPU within an interval: its times in each state, and for whom it
    /// waited, in nanoseconds of one of its pCPUs.
    fn truth(&self, domain: u16, (begin, end): (u64, u64)) -> (Times, BTreeMap<DomId, u64>) {
        let (mut times, mut waited_for) = (Times::default(), BTreeMap::new());
        let ends = self.moments.iter().skip(1).map(|moment| moment.0);
        for ((from, states, on), to) in self.moments.iter().zip(ends.chain([end])) {
            let passed = to.clamp(begin, end) - (*from).clamp(begin, end);
            let state = states[usize::from(domain)];
            times.add(Some(state), passed);
            for &occupant in on.iter().filter(|_| state == Runnable && passed > 0) {
                *waited_for.entry(occupant).or_default() += passed;
            }
        }
        (times, waited_for)
    }

    /// Returns the records as they are read at these times, pCPU after pCPU with a delay between them.
    fn readings(&self, mut times: Vec<u64>, delay: u64) -> Vec<Vec<Record>> {
        times.sort_unstable();
        times.push(u64::MAX / 2);
        let mut earlier = [0; PCPUS as usize];
        let mut readings = Vec::new();
        let mut start = 0;
        for time in times {
            // A reading begins when the one before has ended.
            let time = time.max(start);
            start = time + u64::from(PCPUS) * delay;
            let mut reading = Vec::new();
            for pcpu in 0..PCPUS {
                let until = time + u64::from(pcpu) * delay;
                let from = std::mem::replace(&mut earlier[pcpu as usize], until);
                let is_new = |at: u64| (from..until).contains(&at);
                let own = self.records.iter().filter(|record| record.pcpu == pcpu);
                reading.extend(own.filter(|record| is_new(record.at_ns)).copied());
            }
            readings.push(reading);
        }
        readings
    }
}

/// Returns the interval that these readings make.
fn interval(readings: &[Vec<Record>]) -> Option<(u64, u64)> {
    let newest = |records: &Vec<Record>| records.iter().map(|record| record.at_ns).max();
    let mut times = readings.iter().filter_map(newest);
    let begin = times.next()?;
    Some((begin, times.max().unwrap_or(begin).max(begin)))
}

fn everyone() -> Vec<Expected> {
    let all: Vec<u32> = (0..PCPUS).collect();
    let domains = 0..VCPUS;
    domains
        .map(|domain| Expected {
            // All of them are blocked before their first record.
            state: Some(Blocked),
            ..unseen(vcpu(domain), &all)
        })
        .collect()
}

proptest! {
    #[test]
    fn figures_are_the_truth(
        steps in prop::collection::vec((1..100_u64, step()), 1..120),
        times in prop::collection::vec(900..8000_u64, 0..6),
        delay in 0..500_u64,
    ) {
        let history = history(&steps);
        let readings = history.readings(times, delay);
        let Some(interval) = interval(&readings) else { return Ok(()) };
        let found = traced(everyone(), readings.clone());
        prop_assert_eq!(&traced_in_steps(everyone(), readings), &found);
        prop_assert_eq!(found.interval_ns, interval.1 - interval.0);
        let ready = (0..VCPUS).map(|domain| found.vcpus[&vcpu(domain)].states.ready_ns);
        prop_assert_eq!(found.ready_ns, ready.sum::<u64>());
        prop_assert_eq!(found.contradictions, 0);
        for domain in 0..VCPUS {
            let times = &found.vcpus[&vcpu(domain)];
            let (truth, waited_for) = history.truth(domain, interval);
            prop_assert_eq!(times.states.running_ns, truth.states.running_ns);
            prop_assert_eq!(times.states.ready_ns, truth.states.ready_ns);
            prop_assert_eq!(times.states.blocked_ns, truth.states.blocked_ns);
            prop_assert_eq!(times.states.offline_ns, truth.states.offline_ns);
            prop_assert_eq!(times.states.unknown_ns, 0);
            let share = |ns: u64| (ns as f64 / f64::from(PCPUS)).round() as u64;
            let shares = waited_for.into_iter().map(|(domain, ns)| (domain, share(ns)));
            prop_assert_eq!(&times.waited_for_ns, &shares.collect());
        }
    }

    /// A figure is never above the truth, and what is missing to the truth is in the unknown time.
    #[test]
    fn lost_records_never_make_a_figure_smaller(
        steps in prop::collection::vec((1..100_u64, step()), 1..120),
        times in prop::collection::vec(900..8000_u64, 0..6),
        losses in prop::collection::vec((0..PCPUS, 0..120_usize, 1..20_usize), 1..4),
    ) {
        let history = history(&steps);
        let mut readings = history.readings(times, 0);
        for (pcpu, first, count) in losses {
            let own = |record: &&mut Record| record.pcpu == pcpu;
            let mut last = 0;
            for (place, record) in readings.iter_mut().flatten().filter(own).enumerate() {
                // The first is replaced by a mark with the time of the record before it, as the buffer's reader does.
                match place {
                    _ if place == first => *record = lost(last, pcpu),
                    _ if place > first && place < first + count => *record = lost(record.at_ns, pcpu),
                    _ => last = record.at_ns,
                }
            }
        }
        let Some(interval) = interval(&readings) else { return Ok(()) };
        let found = traced(everyone(), readings);
        for domain in 0..VCPUS {
            let times = &found.vcpus[&vcpu(domain)];
            let truth = history.truth(domain, interval).0;
            prop_assert_eq!(times.states.total_ns(), interval.1 - interval.0);
            for (figure, truth) in [
                (times.states.running_ns, truth.states.running_ns),
                (times.states.ready_ns, truth.states.ready_ns),
                (times.states.blocked_ns, truth.states.blocked_ns),
                (times.states.offline_ns, truth.states.offline_ns),
            ] {
                prop_assert!(figure <= truth && truth <= figure + times.states.unknown_ns, "{:?}", times);
            }
        }
    }
}
