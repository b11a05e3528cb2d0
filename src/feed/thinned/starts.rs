//! Tests of what begins between two pairs that are passed on.

#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{Feed, Recorded};
use super::*;
use crate::fixtures::{SECOND, boot, domain, nic, snapshot, stamp, troubled};
use crate::rates::{DomainRates, Rate};
use crate::snapshot::{Domain, Nic, NicCounter};

/// Returns the pairs that are passed on if they are this many seconds apart, with their rates, and how many domains
/// were missed.
fn thinned(every: u64, snapshots: Vec<Snapshot>) -> (Vec<(Pair, Rates)>, usize) {
    let mut feed = Recorded::new(snapshots);
    let mut thinned = Thinned::new(Duration::from_secs(every));
    let mut all = Vec::new();
    while let Some(pair) = feed.next().unwrap() {
        all.extend(thinned.pass(pair));
    }
    (all, thinned.missed())
}

fn value(rate: Option<Rate>) -> Option<f64> {
    rate.map(|rate| rate.value)
}

#[test]
fn a_young_domain_has_the_states_of_its_own_time() {
    // It is there from 2 s on, waits until 4 s, and runs until 5 s.
    let (_, all) = troubled();
    let at = |second: u64| {
        let mut snapshot = all.clone();
        snapshot.stamp.at_ns = second * SECOND;
        snapshot.host.trace.as_mut().unwrap().elapsed_ns = second * SECOND;
        let mut web = snapshot.domains[1].clone();
        (web.stamp, web.cpu_time_ns) = (stamp(second * SECOND), second.saturating_sub(4) * SECOND);
        let times = web.state_times.as_mut().unwrap();
        times.running_ns = web.cpu_time_ns;
        times.ready_ns = second.saturating_sub(2).min(2) * SECOND;
        (times.blocked_ns, times.offline_ns) = (0, 0);
        snapshot.domains = (second >= 2).then_some(web).into_iter().collect();
        snapshot
    };
    let (pairs, missed) = thinned(4, (1..=5).map(at).collect());
    let [_, (_, rates)] = &pairs[..] else {
        unreachable!("{pairs:?}")
    };
    let of_web = &rates.domains[0];
    let close = |rate, expected: f64| (value(rate).unwrap() - expected).abs() < 1e-9;
    assert!(close(of_web.cpu_percent, 100.0 / 3.0), "{of_web:?}");
    assert!(
        close(of_web.states.ready_percent, 200.0 / 3.0),
        "{of_web:?}"
    );
    assert_eq!(missed, 0);
}

/// What happens to a domain in a second.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// It runs for this many per cent, and its NIC receives this many bytes.
    Goes(u64, u64),
    /// It is destroyed, if there is one.
    Gone,
    /// It is destroyed, and there is another one.
    Reborn,
    /// The counters of its NIC begin at 0, which it may not have had.
    NicReset,
    NicGone,
    HostReboots,
}

fn event() -> impl Strategy<Value = Event> {
    let goes = (0_u64..=100, 0_u64..5000).prop_map(|(percent, bytes)| Event::Goes(percent, bytes));
    prop_oneof![
        12 => goes,
        1 => Just(Event::Gone),
        1 => Just(Event::Reborn),
        2 => Just(Event::NicReset),
        1 => Just(Event::NicGone),
        1 => Just(Event::HostReboots),
    ]
}

/// A counter at a second: whose it is, and since when that goes on.
#[derive(Clone, Copy, Debug)]
struct Counter {
    since: usize,
    count: u64,
}

/// The host at a second.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    boot: usize,
    uuid: u128,
    cpu: Option<Counter>,
    rx: Option<Counter>,
}

/// Returns the host at each second.
fn lives(events: &[Event]) -> Vec<Second> {
    let mut now = Second::default();
    let mut all = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let begun = Some(Counter {
            since: at,
            count: 0,
        });
        match *event {
            Event::Goes(percent, bytes) => {
                now.cpu = now.cpu.or(begun);
                let run = |counter: &mut Counter, more| {
                    counter.count += if counter.since == at { 0 } else { more };
                };
                now.cpu
                    .iter_mut()
                    .for_each(|cpu| run(cpu, percent * SECOND / 100));
                now.rx.iter_mut().for_each(|rx| run(rx, bytes));
            }
            Event::Gone => (now.cpu, now.rx) = (None, None),
            Event::Reborn => {
                // The UUID of one that has used nothing tells it from the next.
                if now.cpu.is_some_and(|cpu| cpu.count < SECOND / 100) {
                    now.uuid += 1;
                }
                (now.cpu, now.rx) = (begun, None);
            }
            // Counters that are 0 go on.
            Event::NicReset if now.rx.is_some_and(|rx| rx.count == 0) => {}
            Event::NicReset if now.cpu.is_some() => now.rx = begun,
            Event::NicReset => {}
            Event::NicGone => now.rx = None,
            Event::HostReboots => {
                now = Second {
                    boot: now.boot + 1,
                    ..Second::default()
                }
            }
        }
        all.push(now);
    }
    all
}

fn sample(at: usize, second: Second) -> Snapshot {
    let at_ns = (at as u64 + 1) * SECOND;
    let web = second.cpu.map(|cpu| {
        let nic = second.rx.map(|rx| Nic {
            stamp: stamp(at_ns),
            ..nic(0, rx.count, 0)
        });
        Domain {
            uuid: Uuid::from_u128(second.uuid),
            nics: Some(nic.into_iter().collect()),
            ..domain(5, "web", at_ns, cpu.count)
        }
    });
    Snapshot {
        boot: boot(second.boot as u128),
        ..snapshot(at_ns, 0, web.into_iter().collect())
    }
}

proptest! {
    /// A rate is of the time since the pair before or since its counter began, whichever is later, and of no other
    /// domain or device.
    #[test]
    fn rates_are_since_their_counters_began(every in 2_u64..6, events in vec(event(), 1..40)) {
        let lives = lives(&events);
        let samples = lives.iter().enumerate().map(|(at, &second)| sample(at, second));
        let (pairs, missed) = thinned(every, samples.collect());
        let number = |snapshot: &Snapshot| snapshot.stamp.at_ns as usize / SECOND as usize - 1;
        let mut seen = BTreeSet::new();
        for (pair, rates) in pairs {
            let at = number(&pair.newer);
            let before = pair.older.as_deref().map(number);
            let now = lives[at];
            seen.extend(now.cpu.map(|cpu| cpu.since));
            let expected = |counter: fn(&Second) -> Option<Counter>, factor: f64| {
                let is = counter(&now)?;
                let since = before?.max(is.since);
                let rise = is.count - counter(&lives[since])?.count;
                (at > since).then(|| rise as f64 / (at - since) as f64 * factor)
            };
            let of_web = rates.domains.first();
            let of_web: DomainRates = of_web.cloned().unwrap_or_default();
            let rx = of_web.nics.first().and_then(|rates| rates[NicCounter::RxBytes]);
            for (rate, expected) in [
                (of_web.cpu_percent, expected(|second| second.cpu, 1e-7)),
                (rx, expected(|second| second.rx, 1.0)),
            ] {
                let rate = value(rate);
                prop_assert_eq!(rate.is_some(), expected.is_some(), "at {}: {:?}", at, expected);
                let off = rate.unwrap_or_default() - expected.unwrap_or_default();
                prop_assert!(off.abs() < 1e-6, "at {}: {:?} {:?}", at, rate, expected);
            }
        }
        let all: BTreeSet<usize> = lives.iter().filter_map(|now| Some(now.cpu?.since)).collect();
        prop_assert_eq!(missed, all.difference(&seen).count());
    }
}
