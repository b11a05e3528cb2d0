//! What is told of fixtures.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::fixtures::{SECOND, disk, domain, nic, snapshot};
use crate::snapshot::{Domain, Note, Snapshot};

/// A look at these domains at this second.
fn at(second: u64, domains: Vec<Domain>) -> Snapshot {
    snapshot(second * SECOND, 0, domains)
}

/// A domain that runs, called as `name` says.
fn web(id: u16, name: &str) -> Domain {
    domain(id, name, 0, 0)
}

/// One that is under construction, bare.
fn new(id: u16, uuid: u128) -> Domain {
    let mut new = domain(id, "", 0, 0);
    new.uuid = Uuid::from_u128(uuid);
    new.name = None;
    new.states.paused = true;
    new.vcpus_online = 0;
    (new.nics, new.disks) = (Some(Vec::new()), Some(Vec::new()));
    new
}

/// What each look tells, as `id name: change`.
fn told(history: &mut History, snapshot: &Snapshot) -> Vec<String> {
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
    history.update(snapshot).into_iter().map(words).collect()
}

/// What is told of looks at these domains, a second apart, after a first one at none.
fn story(looks: Vec<Vec<Domain>>) -> Vec<Vec<String>> {
    let mut history = History::default();
    history.update(&at(0, Vec::new()));
    let seconds = 1..;
    looks
        .into_iter()
        .zip(seconds)
        .map(|(domains, second)| told(&mut history, &at(second, domains)))
        .collect()
}

#[test]
fn the_first_look_tells_what_exists_and_no_more() {
    let mut history = History::default();
    let mut paused = web(5, "web");
    paused.states.paused = true;
    let mut dying = web(6, "old");
    dying.states.dying = true;
    let first = at(0, vec![web(0, "Domain-0"), paused, dying]);
    assert_eq!(
        told(&mut history, &first),
        ["0 Domain-0 existing", "5 web existing"]
    );
    assert!(told(&mut history, &first).is_empty());
    assert!(told(&mut history, &at(1, first.domains[..2].to_vec())).is_empty());
}

#[test]
fn a_life_is_told_alike_however_the_looks_fall() {
    let bare = new(5, 9);
    let mut named = bare.clone();
    named.name = Some("web".into());
    let mut equipped = named.clone();
    (equipped.nics, equipped.disks) = (Some(vec![nic(0, 0, 0)]), Some(vec![disk(51712, 0, 0)]));
    equipped.vcpus_online = 1;
    equipped.memory_max_bytes = Some(1);
    let mut running = equipped.clone();
    running.states.paused = false;
    let looks = [bare, named, equipped, running];

    let all = [
        "created",
        "named",
        "disk_attached \"xvda\" 51712",
        "nic_attached \"vif9.0\" 0",
        "unpaused",
        "destroyed",
    ];
    // Each subset of the looks that sees the last: what is told is the same, in the same order.
    for seen in 0_u8..8 {
        let mut part: Vec<Vec<Domain>> = Vec::new();
        for (at, look) in looks.iter().enumerate() {
            if at == 3 || seen & 1 << at != 0 {
                part.push(vec![look.clone()]);
            }
        }
        part.push(Vec::new());
        let told = story(part).concat();
        let without_names: Vec<&str> = told
            .iter()
            .map(|line| line.splitn(3, ' ').nth(2).unwrap())
            .collect();
        assert_eq!(without_names, all, "{seen}");
    }
}

#[test]
fn states_sizes_and_names_are_told_when_they_change() {
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
    let looks = [first, second, third, fourth, fifth, sixth.clone(), sixth];
    let told = story(looks.into_iter().map(|domain| vec![domain]).collect());
    assert_eq!(told[0], ["5 web created", "5 web named", "5 web unpaused"]);
    assert_eq!(
        told[1],
        [
            "5 db renamed \"web\"",
            "5 db paused",
            "5 db vcpus 1 2",
            "5 db memory_target 67108864 134217728",
            "5 db memory_max null 135266304",
        ]
    );
    assert_eq!(told[2], ["5 db unpaused", "5 db shutdown \"suspend\""]);
    assert_eq!(told[3], ["5 db resumed"]);
    assert_eq!(told[4], ["5 db crashed"]);
    assert_eq!(told[5], ["5 db destroyed"]);
    assert!(told[6].is_empty());
}

#[test]
fn an_id_that_another_domain_wears_at_once_is_not_the_same_domain() {
    let mut other = web(5, "db");
    other.uuid = Uuid::from_u128(99);
    let told = story(vec![vec![web(5, "web")], vec![other]]);
    assert_eq!(
        told[1],
        [
            "5 web destroyed",
            "5 db created",
            "5 db named",
            "5 db unpaused"
        ]
    );
}

/// A domain that has a NIC and shut down to reboot.
fn rebooting() -> (Domain, Domain) {
    let mut web = web(5, "web");
    web.nics = Some(vec![nic(0, 0, 0)]);
    let mut down = web.clone();
    down.states.shutdown = Some(ShutdownReason::Reboot);
    (web, down)
}

#[test]
fn a_reboot_is_told_as_one() {
    let (up, down) = rebooting();
    let mut stripped = down.clone();
    stripped.nics = Some(Vec::new());
    stripped.states.paused = true;
    let again = new(6, 6);
    let mut named = again.clone();
    named.name = Some("web".into());
    let mut running = up.clone();
    running.id = DomId(6);
    let told = story(
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
    assert_eq!(told[0].len(), 4, "{told:?}");
    assert_eq!(told[1..].concat(), ["6 web rebooted 5"]);
}

#[test]
fn who_does_not_come_again_was_shut_down() {
    let (up, down) = rebooting();
    let mut looks = vec![vec![up.clone()], vec![down], vec![]];
    looks.resize(20, Vec::new());
    let told = story(looks);
    assert_eq!(
        told[1..].concat(),
        ["5 web shutdown \"reboot\"", "5 web destroyed"]
    );

    // One that goes on under its id has not rebooted either.
    let (up, down) = rebooting();
    let told = story(vec![vec![up.clone()], vec![down], vec![up]]);
    assert_eq!(
        told[1..].concat(),
        ["5 web shutdown \"reboot\"", "5 web resumed"]
    );
}

#[test]
fn blindness_is_told_when_it_begins_and_ends() {
    let mut history = History::default();
    let look = |second, note: Option<Note>| {
        let mut look = at(second, Vec::new());
        look.notes.extend(note);
        look
    };
    let stale = || Note::XenstoreStale {
        since: jiff::Timestamp::UNIX_EPOCH,
        why: "stopped".to_owned(),
    };
    history.update(&look(0, None));
    assert_eq!(
        told(&mut history, &look(1, Some(stale()))),
        ["-1 - xenstore_lost \"stopped\""]
    );
    assert!(told(&mut history, &look(2, Some(stale()))).is_empty());
    let back = Note::XenstoreBack { blind_ns: 7 };
    assert_eq!(
        told(&mut history, &look(3, Some(back))),
        ["-1 - xenstore_back 7"]
    );
}

/// What passes of the story of two domains for who asked for `wanted`.
fn passing(wanted: &str) -> Vec<String> {
    let mut filter = Filter::new(vec![wanted.parse().unwrap()]);
    let mut history = History::default();
    let (up, down) = rebooting();
    let mut again = up.clone();
    again.id = DomId(8);
    let looks = [
        vec![web(0, "Domain-0")],
        vec![web(0, "Domain-0"), new(5, 6)],
        vec![web(0, "Domain-0"), up],
        vec![web(0, "dom0"), down],
        vec![web(0, "dom0"), again],
        vec![web(0, "dom0")],
    ];
    let mut passed = Vec::new();
    for (second, domains) in (0..).zip(looks) {
        for event in filter.pass(history.update(&at(second, domains))) {
            let change = serde_json::to_value(&event.change).unwrap();
            let id = event.domain.unwrap().id;
            passed.push(format!("{id} {}", change["event"].as_str().unwrap()));
        }
    }
    passed
}

#[test]
fn a_domain_is_followed_from_its_creation_through_new_names_and_ids() {
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

/// What one who heard all events believes of the domains.
#[derive(Debug, Default, PartialEq)]
struct Believed {
    name: Option<Arc<str>>,
    paused: bool,
    shutdown: bool,
    nics: BTreeSet<u32>,
}

/// Takes events in, and asserts that they follow from each other.
fn believe(domains: &mut BTreeMap<Identity, Believed>, events: Vec<Event>) {
    for event in events {
        let identity = event.domain.unwrap();
        if event.change == Change::Created {
            let created = Believed {
                paused: true,
                ..Believed::default()
            };
            assert!(domains.insert(identity, created).is_none(), "{event:?}");
            continue;
        }
        if let Change::Rebooted { old_id } = event.change {
            let old = Identity {
                id: old_id,
                ..identity
            };
            let mut life = domains.remove(&old).unwrap();
            (life.paused, life.shutdown) = (false, false);
            assert!(domains.insert(identity, life).is_none(), "{event:?}");
            continue;
        }
        assert!(domains.contains_key(&identity), "{event:?}");
        let life = domains.get_mut(&identity).unwrap();
        match event.change {
            Change::Named => assert!(life.name.replace(event.name.unwrap()).is_none()),
            Change::Renamed { old_name } => {
                assert_eq!(life.name.replace(event.name.unwrap()), Some(old_name))
            }
            Change::Paused => assert!(!std::mem::replace(&mut life.paused, true)),
            Change::Unpaused => assert!(std::mem::replace(&mut life.paused, false)),
            Change::Shutdown { .. } | Change::Crashed => {
                assert!(!std::mem::replace(&mut life.shutdown, true));
            }
            Change::Resumed => assert!(std::mem::replace(&mut life.shutdown, false)),
            Change::NicAttached(nic) => assert!(life.nics.insert(nic.id)),
            Change::NicDetached(nic) => assert!(life.nics.remove(&nic.id)),
            Change::Destroyed => drop(domains.remove(&identity)),
            _ => {}
        }
    }
}

prop_compose! {
    /// One of few domains, so that ids and uuids come again; `None` for none.
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

fn any_look() -> impl Strategy<Value = Vec<Domain>> {
    (1_u16..5)
        .map(any_domain)
        .collect::<Vec<_>>()
        .prop_map(|domains| domains.into_iter().flatten().collect())
}

proptest! {
    #[test]
    fn who_heard_every_event_knows_what_is_there(
        looks in prop::collection::vec(any_look(), 1..12),
        reboots in any::<bool>(),
    ) {
        let mut history = History::default();
        let mut believed = BTreeMap::new();
        believe(&mut believed, history.update(&at(0, Vec::new())));
        let mut last = Vec::new();
        let mut dead = BTreeSet::new();
        for (second, mut domains) in (1..).zip(looks) {
            for domain in &mut domains {
                if !reboots && domain.states.shutdown == Some(ShutdownReason::Reboot) {
                    domain.states.shutdown = Some(ShutdownReason::Poweroff);
                }
                // Who is dead stays so.
                domain.states.dying |= dead.contains(&domain.identity());
            }
            dead = domains
                .iter()
                .filter(|domain| domain.states.dying)
                .map(Domain::identity)
                .collect();
            believe(&mut believed, history.update(&at(second, domains.clone())));
            last = domains;
        }
        // What was kept back because of reboots is told in the end.
        believe(&mut believed, history.update(&at(1000, last.clone())));
        believe(&mut believed, history.update(&at(2000, last.clone())));
        let living: Vec<&Domain> = last.iter().filter(|domain| !domain.states.dying).collect();
        if !reboots {
            let there: Vec<Identity> = living.iter().map(|domain| domain.identity()).collect();
            prop_assert_eq!(believed.keys().copied().collect::<Vec<_>>(), there);
            for domain in living {
                let life = &believed[&domain.identity()];
                prop_assert_eq!(life.paused, domain.states.paused);
                prop_assert_eq!(life.shutdown, domain.states.shutdown.is_some());
                let nics = domain.nics.iter().flatten().map(|nic| nic.id).collect();
                prop_assert_eq!(&life.nics, &nics);
                if domain.name.is_some() {
                    prop_assert_eq!(&life.name, &domain.name);
                }
            }
        } else {
            // A domain whose uuid another one took over by a reboot counts as gone.
            for domain in believed.keys() {
                prop_assert!(living.iter().any(|living| living.identity() == *domain));
            }
        }
    }
}
