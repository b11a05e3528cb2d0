//! Tests of recorded feeds, from memory and from disk.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;
use uuid::Uuid;

use jiff::Timestamp;

use super::*;
use crate::fixtures::{SECOND, audited, boot, domain, equipped, snapshot};
use crate::snapshot::{Backend, Boot, DomId, Snapshot};
use crate::xen::Error;

/// Returns a snapshot of Domain-0 and a domain 5 with this UUID, at these seconds of the monotonic
/// clock and the wall clock.
fn at(second: u64, wall: i64, boot: Boot, uuid: u128) -> Snapshot {
    let at_ns = second * SECOND;
    let mut web = domain(5, "web", at_ns, at_ns / 2);
    web.uuid = Uuid::from_u128(uuid);
    Snapshot {
        time: wall_clock(wall),
        boot,
        ..snapshot(at_ns, 0, vec![domain(0, "Domain-0", at_ns, at_ns / 4), web])
    }
}

fn wall_clock(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Writes each snapshot to disk as a line of JSON, and reads them back.
fn read_back(snapshots: &[Snapshot]) -> Vec<Snapshot> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshots.jsonl");
    let mut file = File::create(&path).unwrap();
    for snapshot in snapshots {
        serde_json::to_writer(&mut file, snapshot).unwrap();
        file.write_all(b"\n").unwrap();
    }
    let lines = BufReader::new(File::open(&path).unwrap()).lines();
    lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect()
}

/// Returns feeds of these snapshots: from memory, and from disk.
fn feeds(snapshots: Vec<Snapshot>) -> [Recorded; 2] {
    let read = read_back(&snapshots);
    assert_eq!(read, snapshots);
    [snapshots, read].map(Recorded::new)
}

/// Returns three samples of one boot and two of the next, a second apart. In the third, the ID 5
/// has been reused. In the second boot, the wall clock is 100 seconds behind.
fn two_boots() -> Vec<Snapshot> {
    vec![
        at(11, 1000, boot(1), 7),
        at(12, 1001, boot(1), 7),
        at(13, 1002, boot(1), 8),
        at(1, 902, boot(2), 7),
        at(2, 903, boot(2), 7),
    ]
}

/// Returns the wall-clock seconds of a pair.
fn seconds(pair: Pair) -> (Option<i64>, i64) {
    let second = |snapshot: &Snapshot| snapshot.time.as_second();
    (pair.older.as_deref().map(second), second(&pair.newer))
}

/// Returns the wall-clock seconds of a feed's answer.
fn answered(pair: Result<Option<Pair>, Error>) -> Option<(Option<i64>, i64)> {
    pair.unwrap().map(seconds)
}

const ALL: [(Option<i64>, i64); 5] = [
    (None, 1000),
    (Some(1000), 1001),
    (Some(1001), 1002),
    (None, 902),
    (Some(902), 903),
];

#[test]
fn it_moves_both_ways_and_stops_at_the_ends() {
    for mut feed in feeds(two_boots()) {
        assert_eq!(answered(feed.previous()), None);
        for pair in ALL {
            assert_eq!(answered(feed.next()), Some(pair));
        }
        assert_eq!(answered(feed.next()), None);
        assert_eq!(answered(feed.measure(&mut |_| ())), Some(ALL[4]));
        for pair in ALL.into_iter().rev().skip(1) {
            assert_eq!(answered(feed.previous()), Some(pair));
        }
        assert_eq!(answered(feed.previous()), None);
        assert_eq!(answered(feed.next()), Some(ALL[1]));
        assert!(feed.wait(Instant::now()) && !feed.is_live());
    }
}

#[test]
fn an_empty_feed_returns_none() {
    let mut feed = Recorded::new(Vec::new());
    assert_eq!(answered(feed.next()), None);
    assert_eq!(answered(feed.previous()), None);
    assert_eq!(answered(feed.go_to(Timestamp::MAX)), None);
    assert_eq!(answered(feed.measure(&mut |_| ())), None);
    assert!(feed.look().unwrap().is_none() && feed.recent(9).unwrap().is_empty());
}

#[test]
fn go_to_finds_the_newest_at_or_before_a_time() {
    for mut feed in feeds(two_boots()) {
        for (second, pair) in [
            (i64::MAX, Some(ALL[2])),
            (1001, Some(ALL[1])),
            (1000, Some(ALL[0])),
            // In the boot whose wall clock is behind.
            (999, Some(ALL[4])),
            (902, Some(ALL[3])),
            (901, None),
        ] {
            let time = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
            assert_eq!(answered(feed.go_to(time)), pair, "{second}");
        }
        assert_eq!(
            answered(feed.measure(&mut |_| ())),
            Some(ALL[3]),
            "this is the position"
        );
    }
    // Of two snapshots with the same time, the one that was taken last.
    let mut twice = two_boots();
    twice[4].time = twice[2].time;
    let mut feed = Recorded::new(twice);
    feed.go_to(Timestamp::MAX).unwrap();
    assert_eq!(feed.look().unwrap().unwrap().boot, boot(2));
}

#[test]
fn a_span_begins_before_samples_with_a_wrong_clock() {
    // The clock is wrong after a reboot, and then set.
    let walls = [1000, 1001, 10, 11, 1004, 1005];
    let taken = (10..).zip(walls);
    let taken: Vec<_> = taken
        .map(|(second, wall)| at(second, wall, boot(1), 7))
        .collect();
    for (since, found, left_out) in [
        (990, &[1000, 1001, 1004, 1005][..], 2),
        (1001, &[1001, 1004, 1005], 2),
        (1002, &[1004, 1005], 0),
        (1005, &[1005], 0),
        (1006, &[], 0),
    ] {
        for feed in feeds(taken.clone()) {
            let mut feed = feed.between(Some(wall_clock(since)), None);
            let next = std::iter::from_fn(|| answered(feed.next()));
            let walls: Vec<i64> = next.map(|(_, wall)| wall).collect();
            assert_eq!(
                (&*walls, feed.left_out()),
                (found, left_out),
                "since {since}"
            );
        }
    }
}

#[test]
fn a_clock_that_was_ahead_is_not_the_end() {
    let walls = [1000, 9000, 9001, 1003, 1004];
    let taken = (10..).zip(walls);
    let taken: Vec<_> = taken
        .map(|(second, wall)| at(second, wall, boot(1), 7))
        .collect();
    for (since, until, found) in [
        (1004, None, &walls[4..]),
        (1003, Some(1003), &walls[3..4]),
        (900, Some(1003), &[1000, 1003]),
        (2000, None, &walls[1..3]),
        (2000, Some(3000), &[]),
        (9999, None, &[]),
    ] {
        for feed in feeds(taken.clone()) {
            let mut feed = feed.between(Some(wall_clock(since)), until.map(wall_clock));
            let next = std::iter::from_fn(|| answered(feed.next()));
            let walls: Vec<i64> = next.map(|(_, wall)| wall).collect();
            assert_eq!(walls, found, "since {since}");
            assert_eq!(feed.is_empty(), found.is_empty());
        }
    }
}

#[test]
fn the_snapshot_before_a_span_may_be_of_another_boot() {
    let second = |found: Option<Arc<Snapshot>>| found.map(|found| found.time.as_second());
    for mut feed in feeds(two_boots()) {
        assert_eq!(second(feed.before()), None);
        feed = feed.between(Some(wall_clock(1001)), None);
        assert_eq!(second(feed.before()), Some(1000));
    }
    let mut boots = two_boots();
    (boots[3].time, boots[4].time) = (wall_clock(1100), wall_clock(1101));
    for feed in feeds(boots) {
        let mut feed = feed.between(Some(wall_clock(1050)), None);
        assert_eq!(second(feed.before()), Some(1002));
        assert_eq!(answered(feed.next()), Some((None, 1100)));
    }
}

#[test]
fn look_and_measure_return_the_position() {
    for mut feed in feeds(two_boots()) {
        assert!(feed.look().unwrap().is_none(), "before the first");
        feed.go_to(wall_clock(1001)).unwrap();
        for _ in 0..2 {
            let newest = feed.look().unwrap().unwrap();
            assert_eq!(newest.time, wall_clock(1001));
            assert_eq!(answered(feed.measure(&mut |_| ())), Some(ALL[1]));
        }
    }
}

#[test]
fn recent_returns_the_last_pairs_in_order() {
    for mut feed in feeds(two_boots()) {
        let mut recent = |count| -> Vec<_> {
            let pairs = feed.recent(count).unwrap();
            pairs.into_iter().map(seconds).collect()
        };
        assert_eq!(recent(9), []);
        feed.go_to(wall_clock(903)).unwrap();
        let mut recent = |count| -> Vec<_> {
            let pairs = feed.recent(count).unwrap();
            pairs.into_iter().map(seconds).collect()
        };
        assert_eq!(recent(9), ALL);
        assert_eq!(recent(5), ALL);
        assert_eq!(recent(2), ALL[3..]);
        assert_eq!(recent(0), []);
        assert_eq!(answered(feed.next()), None, "the position is unchanged");
    }
}

#[test]
fn no_rates_across_boots_or_reused_ids() {
    for mut feed in feeds(two_boots()) {
        let mut rates = Vec::new();
        while let Some(pair) = feed.next().unwrap() {
            let rate = |at: usize| pair.rates().domains[at].cpu_percent.map(|rate| rate.value);
            rates.push([rate(0), rate(1)]);
        }
        let both = [Some(25.0), Some(50.0)];
        let reused = [Some(25.0), None];
        assert_eq!(rates, [[None; 2], both, reused, [None; 2], both]);
    }
}

#[test]
fn only_leaves_out_the_other_domains() {
    let mut snapshots = two_boots();
    let backend = |domain| Backend {
        kind: "vif".to_owned(),
        domain: DomId(domain),
        device: 0,
    };
    snapshots[1].orphans = vec![backend(4), backend(5)];
    let web = snapshots[0].domains[1].identity();
    for mut feed in feeds(snapshots) {
        feed.only(&[web]);
        let ids = |snapshot: &Snapshot| -> Vec<u16> {
            let ids = snapshot.domains.iter().map(|domain| domain.id.0);
            ids.collect()
        };
        let pair = feed.go_to(wall_clock(1001)).unwrap().unwrap();
        assert_eq!(ids(&pair.older.clone().unwrap()), [5]);
        assert_eq!(ids(&pair.newer), [5]);
        assert_eq!(pair.newer.orphans, [backend(5)]);
        assert_eq!(pair.rates().domains.len(), 1);
        // The ID has been reused.
        assert!(ids(&feed.next().unwrap().unwrap().newer).is_empty());
    }
}

#[test]
fn every_field_is_read_back_from_disk() {
    let (old, new) = equipped();
    feeds(vec![old, new, audited(3 * SECOND)]);
}

/// A call to a feed.
#[derive(Clone, Copy, Debug)]
enum Step {
    Next,
    Previous,
    GoTo(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Next),
        Just(Step::Previous),
        (-2..12_i64).prop_map(Step::GoTo),
    ]
}

/// Generates snapshots of some boots, with any wall-clock times.
fn recording() -> impl Strategy<Value = Vec<Snapshot>> {
    let one = (0..10_i64, prop::bool::weighted(0.2));
    prop::collection::vec(one, 0..9).prop_map(|samples| {
        let (mut second, mut id) = (0, 0);
        let mut take = |(wall, boots): (i64, bool)| {
            if boots {
                (second, id) = (0, id + 1);
            }
            second += 1;
            at(second, wall, boot(id), 7)
        };
        samples.into_iter().map(&mut take).collect()
    })
}

proptest! {
    /// A feed returns the same pairs as a list and an index into it.
    #[test]
    fn a_feed_works_as_an_index_into_a_list(
        snapshots in recording(),
        steps in prop::collection::vec(step(), 0..20),
    ) {
        let mut feed = Recorded::new(snapshots.clone());
        let mut position: Option<usize> = None;
        for step in steps {
            let (to, pair) = match step {
                Step::Next => (position.map_or(Some(0), |at| Some(at + 1)), feed.next()),
                Step::Previous => (position.and_then(|at| at.checked_sub(1)), feed.previous()),
                Step::GoTo(second) => {
                    let before = |&at: &usize| snapshots[at].time <= wall_clock(second);
                    let indices = (0..snapshots.len()).filter(before);
                    let to = indices.max_by_key(|&at| (snapshots[at].time, at));
                    (to, feed.go_to(wall_clock(second)))
                }
            };
            let to = to.filter(|&at| at < snapshots.len());
            let pair = pair.unwrap();
            prop_assert_eq!(to.is_some(), pair.is_some());
            if let (Some(at), Some(pair)) = (to, pair) {
                position = Some(at);
                prop_assert_eq!(&*pair.newer, &snapshots[at]);
                let older = at.checked_sub(1).map(|at| &snapshots[at]);
                let older = older.filter(|older| older.boot == snapshots[at].boot);
                prop_assert_eq!(pair.older.as_deref(), older);
            }
            let measured = feed.measure(&mut |_| ()).unwrap().map(|pair| pair.newer);
            prop_assert_eq!(measured.as_deref(), position.map(|at| &snapshots[at]));
            let recent = feed.recent(3).unwrap();
            prop_assert_eq!(recent.len(), position.map_or(0, |at| (at + 1).min(3)));
            prop_assert_eq!(recent.last().map(|pair| &*pair.newer), measured.as_deref());
        }
    }
}
