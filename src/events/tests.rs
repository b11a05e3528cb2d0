//! The events of made-up snapshots.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::feed::{Feed, Recorded};
use crate::fixtures::{SECOND, boot, disk, domain, nic, snapshot};
use crate::snapshot::{DomId, Domain, Identity, Note, Scheduling, ShutdownReason, Snapshot};

/// A snapshot of these domains at this second.
fn at(second: u64, domains: Vec<Domain>) -> Snapshot {
    snapshot(second * SECOND, 0, domains)
}

/// A running domain with this name.
fn web(id: u16, name: &str) -> Domain {
    domain(id, name, 0, 0)
}

/// A domain under construction, without name and devices.
fn new(id: u16, uuid: u128) -> Domain {
    let mut new = domain(id, "", 0, 0);
    new.uuid = Uuid::from_u128(uuid);
    new.name = None;
    new.states.paused = true;
    new.vcpus_online = 0;
    (new.nics, new.disks) = (Some(Vec::new()), Some(Vec::new()));
    new
}

/// Returns the events of a snapshot, as `id name change`.
fn events(history: &mut History, snapshot: &Snapshot) -> Vec<String> {
    words(history.update(snapshot))
}

fn words(events: Vec<Event>) -> Vec<String> {
    let words = |event: Event| {
        let id = event.domain.map_or(-1, |domain| i32::from(domain.id.0));
        let name = event.name.unwrap_or("-".into());
        let change = serde_json::to_value(&event.change).unwrap();
        let mut change = change.as_object().unwrap().clone();
        let what = change.remove("event").unwrap();
        change.sort_keys();
        let details: Vec<_> = change.values().map(ToString::to_string).collect();
        let line = format!(
            "{id} {name} {} {}",
            what.as_str().unwrap(),
            details.join(" ")
        );
        line.trim_end().to_owned()
    };
    events.into_iter().map(words).collect()
}

/// Returns the events of each of these samples, a second apart, after a first one without domains.
fn all_events(samples: Vec<Vec<Domain>>) -> Vec<Vec<String>> {
    let mut history = History::default();
    history.update(&at(0, Vec::new()));
    let seconds = 1..;
    samples
        .into_iter()
        .zip(seconds)
        .map(|(domains, second)| events(&mut history, &at(second, domains)))
        .collect()
}

#[test]
fn first_snapshot_reports_existing_domains() {
    let mut history = History::default();
    let mut paused = web(5, "web");
    paused.states.paused = true;
    let mut dying = web(6, "old");
    dying.states.dying = true;
    let first = at(0, vec![web(0, "Domain-0"), paused, dying]);
    assert_eq!(
        events(&mut history, &first),
        ["0 Domain-0 existing", "5 web existing"]
    );
    assert!(events(&mut history, &first).is_empty());
    assert!(events(&mut history, &at(1, first.domains[..2].to_vec())).is_empty());
}

#[test]
fn events_do_not_depend_on_when_samples_are_taken() {
    let bare = new(5, 9);
    let mut named = bare.clone();
    named.name = Some("web".into());
    let mut equipped = named.clone();
    (equipped.nics, equipped.disks) = (Some(vec![nic(0, 0, 0)]), Some(vec![disk(51712, 0, 0)]));
    equipped.vcpus_online = 1;
    equipped.memory_max_bytes = Some(1);
    let mut running = equipped.clone();
    running.states.paused = false;
    let samples = [bare, named, equipped, running];

    let all = [
        "created",
        "named",
        "disk_attached \"xvda\" 51712",
        "nic_attached \"vif9.0\" 0",
        "unpaused",
        "destroyed",
    ];
    // Each subset of the samples with the last one gives the same events in the same order.
    for subset in 0_u8..8 {
        let mut part: Vec<Vec<Domain>> = Vec::new();
        for (at, sample) in samples.iter().enumerate() {
            if at == 3 || subset & 1 << at != 0 {
                part.push(vec![sample.clone()]);
            }
        }
        part.push(Vec::new());
        let events = all_events(part).concat();
        let without_names: Vec<&str> = events
            .iter()
            .map(|line| line.splitn(3, ' ').nth(2).unwrap())
            .collect();
        assert_eq!(without_names, all, "{subset}");
    }
}

#[test]
fn changes_of_states_sizes_and_names_are_reported() {
    let first = web(5, "web");
    let mut second = web(5, "db");
    second.states.paused = true;
    second.vcpus_online = 2;
    second.memory_target_bytes = Some(64 << 20);
    second.memory_max_bytes = None;
    let mut third = second.clone();
    (third.name, third.memory_target_bytes) = (None, None);
    third.states.paused = false;
    third.states.shutdown = Some(ShutdownReason::Suspend);
    let mut fourth = third.clone();
    fourth.states.shutdown = None;
    let mut fifth = fourth.clone();
    fifth.states.shutdown = Some(ShutdownReason::Crash);
    let mut sixth = fifth.clone();
    sixth.states.dying = true;
    let samples = [first, second, third, fourth, fifth, sixth.clone(), sixth];
    let events = all_events(samples.into_iter().map(|domain| vec![domain]).collect());
    assert_eq!(
        events[0],
        ["5 web created", "5 web named", "5 web unpaused"]
    );
    assert_eq!(
        events[1],
        [
            "5 db renamed \"web\"",
            "5 db paused",
            "5 db vcpus 1 2",
            "5 db memory_target 67108864 134217728",
            "5 db memory_max null 135266304",
        ]
    );
    assert_eq!(events[2], ["5 db unpaused", "5 db shutdown \"suspend\""]);
    assert_eq!(events[3], ["5 db resumed"]);
    assert_eq!(events[4], ["5 db crashed"]);
    assert_eq!(events[5], ["5 db destroyed"]);
    assert!(events[6].is_empty());
}

#[test]
fn another_weight_or_cap_is_reported_if_both_are_known() {
    let credit = |weight, cap_percent| {
        Some(Scheduling::Credit {
            weight,
            cap_percent,
        })
    };
    let credit2 = Scheduling::Credit2 {
        weight: 256,
        cap_percent: Some(50),
    };
    let rtds = Scheduling::Rtds { reservation: None };
    let steps = [
        (None, ""),
        (credit(256, None), ""),
        (credit(512, None), "weight 256 512"),
        // It was not collected, and then not changed.
        (None, ""),
        (credit(512, None), ""),
        (None, ""),
        (credit(512, Some(50)), "cap 50 null"),
        // It moved to a pool of another scheduler.
        (Some(credit2), "weight 512 256"),
        (Some(rtds), ""),
        (credit(9, None), "weight 256 9, cap null 50"),
    ];
    let samples = steps.map(|(scheduling, _)| {
        let mut web = web(5, "web");
        web.scheduling = scheduling;
        vec![web]
    });
    let events = all_events(samples.into());
    for ((events, (_, wanted)), step) in events.iter().zip(steps).zip(0..).skip(1) {
        let wanted = wanted.split(", ").filter(|event| !event.is_empty());
        let wanted: Vec<String> = wanted.map(|event| format!("5 web {event}")).collect();
        assert_eq!(events, &wanted, "step {step}");
    }
}

#[test]
fn reused_id_is_another_domain() {
    let mut other = web(5, "db");
    other.uuid = Uuid::from_u128(99);
    let events = all_events(vec![vec![web(5, "web")], vec![other]]);
    assert_eq!(
        events[1],
        [
            "5 web destroyed",
            "5 db created",
            "5 db named",
            "5 db unpaused"
        ]
    );
}

/// A domain with a NIC, running and shut down to reboot.
fn rebooting() -> (Domain, Domain) {
    let mut web = web(5, "web");
    web.nics = Some(vec![nic(0, 0, 0)]);
    let mut down = web.clone();
    down.states.shutdown = Some(ShutdownReason::Reboot);
    (web, down)
}

#[test]
fn reboot_is_one_event() {
    let (up, down) = rebooting();
    let mut stripped = down.clone();
    stripped.nics = Some(Vec::new());
    stripped.states.paused = true;
    let again = new(6, 6);
    let mut named = again.clone();
    named.name = Some("web".into());
    let mut running = up.clone();
    running.id = DomId(6);
    let events = all_events(
        [up, down, stripped]
            .map(|domain| vec![domain])
            .into_iter()
            .chain([
                vec![],
                vec![again],
                vec![named],
                vec![running.clone()],
                vec![running],
            ])
            .collect(),
    );
    assert_eq!(events[0].len(), 4, "{events:?}");
    assert_eq!(events[1..].concat(), ["6 web rebooted 5"]);
}

#[test]
fn shutdown_without_restart_is_reported() {
    let (up, down) = rebooting();
    let mut samples = vec![vec![up.clone()], vec![down], vec![]];
    samples.resize(20, Vec::new());
    let events = all_events(samples);
    assert_eq!(
        events[1..].concat(),
        ["5 web shutdown \"reboot\"", "5 web destroyed"]
    );

    // A domain that runs again with the same ID has not rebooted either.
    let (up, down) = rebooting();
    let events = all_events(vec![vec![up.clone()], vec![down], vec![up]]);
    assert_eq!(
        events[1..].concat(),
        ["5 web shutdown \"reboot\"", "5 web resumed"]
    );
}

#[test]
fn held_events_are_reported_at_their_time_or_at_the_end() {
    let (up, down) = rebooting();
    let mut history = History::default();
    history.update(&at(1, vec![up]));
    assert_eq!(history.held_until_ns(), None);
    assert!(history.update(&at(2, vec![down])).is_empty());
    assert_eq!(history.held_until_ns(), Some(12 * SECOND));
    assert!(history.update(&at(3, vec![])).is_empty());
    let until = history.held_until_ns().unwrap();
    assert_eq!(until, 13 * SECOND, "ten seconds after the last event");

    let held = ["5 web shutdown \"reboot\"", "5 web destroyed"];
    let mut ended = history.clone();
    assert_eq!(words(ended.finish()), held);
    assert!(ended.finish().is_empty() && ended.held_until_ns().is_none());

    let later = |ns| snapshot(ns, 0, Vec::new());
    assert!(history.update(&later(until - 1)).is_empty());
    assert_eq!(events(&mut history, &later(until)), held);
    assert_eq!(history.held_until_ns(), None);
}

#[test]
fn outage_of_xenstore_is_reported_once() {
    let mut history = History::default();
    let sample = |second, note: Option<Note>| {
        let mut sample = at(second, Vec::new());
        sample.notes.extend(note);
        sample
    };
    let stale = || Note::XenstoreStale {
        since: jiff::Timestamp::UNIX_EPOCH,
        why: "stopped".to_owned(),
    };
    history.update(&sample(0, None));
    assert_eq!(
        events(&mut history, &sample(1, Some(stale()))),
        ["-1 - xenstore_lost \"stopped\""]
    );
    assert!(events(&mut history, &sample(2, Some(stale()))).is_empty());
    let back = Note::XenstoreBack { blind_ns: 7 };
    assert_eq!(
        events(&mut history, &sample(3, Some(back))),
        ["-1 - xenstore_back 7"]
    );
}

#[test]
fn new_boot_ends_all_domains_of_the_previous_one() {
    let sample = |second, id, domains| Snapshot {
        boot: boot(id),
        ..at(second, domains)
    };
    let mut history = History::default();
    let (up, down) = rebooting();
    let dom0 = web(0, "Domain-0");
    let mut dying = web(7, "old");
    dying.states.dying = true;
    history.update(&sample(9, 1, vec![dom0.clone(), up.clone()]));
    let last = sample(10, 1, vec![dom0.clone(), down.clone(), dying]);
    assert_eq!(
        events(&mut history, &last),
        [
            "7 old created",
            "7 old named",
            "7 old unpaused",
            "7 old destroyed"
        ]
    );
    // The identities are the same, the domains are not.
    assert_eq!(
        events(&mut history, &sample(2, 2, vec![dom0.clone(), up.clone()])),
        [
            "5 web shutdown \"reboot\"",
            "0 Domain-0 destroyed",
            "5 web destroyed",
            "-1 - host_booted null",
            "0 Domain-0 existing",
            "5 web existing",
        ]
    );
    assert!(events(&mut history, &sample(3, 2, vec![dom0, up])).is_empty());
}

/// Returns the events of two domains that pass a filter.
fn passing(wanted: &str) -> Vec<String> {
    let mut filter = Filter::new(vec![wanted.parse().unwrap()]);
    let mut history = History::default();
    let (up, down) = rebooting();
    let mut again = up.clone();
    again.id = DomId(8);
    let samples = [
        vec![web(0, "Domain-0")],
        vec![web(0, "Domain-0"), new(5, 6)],
        vec![web(0, "Domain-0"), up],
        vec![web(0, "dom0"), down],
        vec![web(0, "dom0"), again],
        vec![web(0, "dom0")],
    ];
    let mut passed = Vec::new();
    for (second, domains) in (0..).zip(samples) {
        for event in filter.pass(history.update(&at(second, domains))) {
            let change = serde_json::to_value(&event.change).unwrap();
            let id = event.domain.unwrap().id;
            passed.push(format!("{id} {}", change["event"].as_str().unwrap()));
        }
    }
    passed
}

#[test]
fn domain_is_followed_through_names_and_ids() {
    let web = [
        "5 created",
        "5 named",
        "5 nic_attached",
        "5 unpaused",
        "8 rebooted",
        "8 destroyed",
    ];
    for wanted in ["web", "5", "uuid:00000000-0000-0000-0000-000000000006"] {
        assert_eq!(passing(wanted), web, "{wanted}");
    }
    assert_eq!(passing("id:8"), ["8 rebooted", "8 destroyed"]);
    assert_eq!(passing("Domain-0"), ["0 existing", "0 renamed"]);
    assert!(passing("Web").is_empty());
}

/// A domain's state, as its events say.
#[derive(Debug, Default, PartialEq)]
struct Replayed {
    name: Option<Arc<str>>,
    paused: bool,
    shutdown: bool,
    nics: BTreeSet<u32>,
}

/// Applies events, and asserts that each one fits the state.
fn replay(domains: &mut BTreeMap<Identity, Replayed>, events: Vec<Event>) {
    for event in events {
        let identity = event.domain.unwrap();
        if event.change == Change::Created {
            let created = Replayed {
                paused: true,
                ..Replayed::default()
            };
            assert!(domains.insert(identity, created).is_none(), "{event:?}");
            continue;
        }
        if let Change::Rebooted { old_id } = event.change {
            let old = Identity {
                id: old_id,
                ..identity
            };
            let mut state = domains.remove(&old).unwrap();
            (state.paused, state.shutdown) = (false, false);
            assert!(domains.insert(identity, state).is_none(), "{event:?}");
            continue;
        }
        assert!(domains.contains_key(&identity), "{event:?}");
        let state = domains.get_mut(&identity).unwrap();
        match event.change {
            Change::Named => assert!(state.name.replace(event.name.unwrap()).is_none()),
            Change::Renamed { old_name } => {
                assert_eq!(state.name.replace(event.name.unwrap()), Some(old_name))
            }
            Change::Paused => assert!(!std::mem::replace(&mut state.paused, true)),
            Change::Unpaused => assert!(std::mem::replace(&mut state.paused, false)),
            Change::Shutdown { .. } | Change::Crashed => {
                assert!(!std::mem::replace(&mut state.shutdown, true));
            }
            Change::Resumed => assert!(std::mem::replace(&mut state.shutdown, false)),
            Change::NicAttached(nic) => assert!(state.nics.insert(nic.id)),
            Change::NicDetached(nic) => assert!(state.nics.remove(&nic.id)),
            Change::Destroyed => drop(domains.remove(&identity)),
            _ => {}
        }
    }
}

prop_compose! {
    /// One of a few domains, so that IDs and UUIDs are reused; `None` for no domain.
    fn any_domain(id: u16)(
        there in prop::bool::weighted(0.6),
        uuid in 1_u128..4,
        name in prop::option::of("[ab]"),
        paused in any::<bool>(),
        dying in prop::bool::weighted(0.1),
        shutdown in prop::option::weighted(0.3, prop_oneof![
            Just(ShutdownReason::Poweroff), Just(ShutdownReason::Reboot), Just(ShutdownReason::Crash)
        ]),
        nics in prop::collection::btree_set(0_u32..3, 0..3),
    ) -> Option<Domain> {
        let mut domain = new(id, uuid);
        domain.name = name.map(Arc::from);
        domain.states.paused = paused;
        domain.states.dying = dying;
        domain.states.shutdown = shutdown;
        domain.nics = Some(nics.into_iter().map(|id| nic(id, 0, 0)).collect());
        there.then_some(domain)
    }
}

fn any_sample() -> impl Strategy<Value = Vec<Domain>> {
    (1_u16..5)
        .map(any_domain)
        .collect::<Vec<_>>()
        .prop_map(|domains| domains.into_iter().flatten().collect())
}

proptest! {
    #[test]
    fn events_replay_to_the_last_sample(
        samples in prop::collection::vec(any_sample(), 1..12),
        reboots in any::<bool>(),
    ) {
        let mut history = History::default();
        let mut replayed = BTreeMap::new();
        replay(&mut replayed, history.update(&at(0, Vec::new())));
        let mut last = Vec::new();
        let mut dying = BTreeSet::new();
        for (second, mut domains) in (1..).zip(samples) {
            for domain in &mut domains {
                if !reboots && domain.states.shutdown == Some(ShutdownReason::Reboot) {
                    domain.states.shutdown = Some(ShutdownReason::Poweroff);
                }
                // A dying domain stays dying.
                domain.states.dying |= dying.contains(&domain.identity());
            }
            dying = domains
                .iter()
                .filter(|domain| domain.states.dying)
                .map(Domain::identity)
                .collect();
            replay(&mut replayed, history.update(&at(second, domains.clone())));
            last = domains;
        }
        // Events that were held back by reboots are reported in the end.
        replay(&mut replayed, history.update(&at(1000, last.clone())));
        replay(&mut replayed, history.update(&at(2000, last.clone())));
        let living: Vec<&Domain> = last.iter().filter(|domain| !domain.states.dying).collect();
        if !reboots {
            let there: Vec<Identity> = living.iter().map(|domain| domain.identity()).collect();
            prop_assert_eq!(replayed.keys().copied().collect::<Vec<_>>(), there);
            for domain in living {
                let state = &replayed[&domain.identity()];
                prop_assert_eq!(state.paused, domain.states.paused);
                prop_assert_eq!(state.shutdown, domain.states.shutdown.is_some());
                let nics = domain.nics.iter().flatten().map(|nic| nic.id).collect();
                prop_assert_eq!(&state.nics, &nics);
                if domain.name.is_some() {
                    prop_assert_eq!(&state.name, &domain.name);
                }
            }
        } else {
            // A domain whose UUID was taken over by a reboot counts as destroyed.
            for domain in replayed.keys() {
                prop_assert!(living.iter().any(|living| living.identity() == *domain));
            }
        }
    }
}

#[test]
fn another_handle_is_the_same_domain() {
    let mut history = History::default();
    history.update(&at(1, vec![web(5, "web")]));
    let mut renamed = web(5, "web");
    // As toolstacks do before they destroy a domain.
    renamed.first_uuid = Some(renamed.uuid);
    renamed.uuid = Uuid::from_u128(0xdead);
    for second in [2, 3] {
        let nothing: [String; 0] = [];
        assert_eq!(
            events(&mut history, &at(second, vec![renamed.clone()])),
            nothing
        );
    }
    assert_eq!(
        events(&mut history, &at(4, Vec::new())),
        ["5 web destroyed"]
    );
}

/// Returns the events of a span of a recording, in the way that commands do.
fn of_span(taken: &[Snapshot], since: i64, until: i64) -> Vec<Event> {
    let time = |second| Some(jiff::Timestamp::from_second(second).unwrap());
    let mut feed = Recorded::new(taken.to_vec()).between(time(since), time(until));
    let mut history = History::default();
    if let Some(before) = feed.before() {
        history.begin(&before);
    }
    let mut found = Vec::new();
    while let Some(pair) = feed.next().unwrap() {
        found.extend(history.update(&pair.newer));
    }
    found.extend(history.finish());
    found
}

proptest! {
    /// Spans that adjoin have all events of the whole, over pauses and boots of the host as well.
    #[test]
    fn adjoining_spans_have_the_events_of_the_whole(
        samples in prop::collection::vec(
            ([0..6_u8, 0..6_u8, 0..6_u8], 1..4_i64, prop::bool::weighted(0.1)),
            1..12,
        ),
        border in 0..40_i64,
        since in 0..20_i64,
    ) {
        let (mut second, mut boots, mut before) = (0, 0, [0; 3]);
        let taken = samples.into_iter().map(|(states, passed, is_boot)| {
            second += passed;
            boots += u128::from(is_boot);
            for (before, state) in before.iter_mut().zip(states) {
                // What dies does nothing else.
                *before = if *before == 5 && state > 0 { 5 } else { state };
            }
            let states = before;
            let domains = (1..).zip(states).filter(|(_, state)| *state > 0);
            let domains = domains.map(|(id, state)| {
                let mut one = web(id, "web");
                let devices = if state == 2 { vec![nic(0, 0, 0)] } else { Vec::new() };
                one.nics = Some(devices);
                one.states.paused = state == 3;
                one.states.shutdown = (state == 4).then_some(ShutdownReason::Crash);
                one.states.dying = state == 5;
                one
            });
            let mut snapshot = at(second as u64, domains.collect());
            snapshot.time = jiff::Timestamp::from_second(second).unwrap();
            snapshot.boot = boot(boots);
            snapshot
        });
        let taken: Vec<Snapshot> = taken.collect();
        let border = border.max(since);
        let parts = [of_span(&taken, since, border), of_span(&taken, border + 1, 100)].concat();
        prop_assert_eq!(parts, of_span(&taken, since, 100));
    }
}
