//! Tests of recordings.

#![allow(clippy::unwrap_used)]

mod damage;
mod folder;
mod meanwhile;
mod size;
mod versions;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use super::group::Group;
use super::part::Part;
use super::tree::Tree;
use super::*;
use crate::fixtures::{SECOND, at_work, audited, boot, domain, equipped, nic, snapshot, troubled};
use crate::snapshot::{DomId, Snapshot};

/// Limits that delete nothing.
const ALL: Limits = Limits {
    age: Duration::MAX,
    bytes: u64::MAX / 2,
};

/// Writes snapshots to a folder.
fn write(folder: &Path, snapshots: &[Snapshot]) {
    let mut recorder = Recorder::open(folder, ALL, report).unwrap();
    for snapshot in snapshots {
        recorder.push(&Arc::new(snapshot.clone())).unwrap();
    }
    recorder.flush().unwrap();
}

/// What recordings of this process have reported.
static REPORTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn report(text: &str) {
    REPORTED.lock().unwrap().push(text.to_owned());
}

/// Returns all snapshots of a recording that can be read.
fn read(path: &Path) -> Result<Vec<Snapshot>, RecordingError> {
    let mut recording = Recording::open(path, report)?;
    let positions = 0..recording.count();
    Ok(positions
        .filter_map(|position| recording.get(position))
        .map(|snapshot| (*snapshot).clone())
        .collect())
}

/// Returns `count` samples of a host with a domain 5, a second apart.
fn seconds(count: u64) -> Vec<Snapshot> {
    let at = |second: u64| {
        let at_ns = second * SECOND;
        let domains = vec![
            domain(0, "Domain-0", at_ns, at_ns / 4),
            domain(5, "web", at_ns, at_ns / 2),
        ];
        Snapshot {
            time: Timestamp::from_second(1_800_000_000 + second as i64).unwrap(),
            boot: boot(1),
            ..snapshot(at_ns, at_ns / 8, domains)
        }
    };
    (1..=count).map(at).collect()
}

#[test]
fn every_field_is_read_as_written() {
    let mut snapshots = vec![audited(SECOND)];
    for (older, newer) in [equipped(), at_work(5), troubled()] {
        snapshots.extend([older, newer]);
    }
    for length in 1..=snapshots.len() {
        let (mut group, mut whole, mut key) = (Group::new(), Group::new(), Tree::new());
        let mut read = Vec::new();
        let mut last = None;
        for (nth, snapshots) in snapshots.chunks(length).enumerate() {
            for snapshot in snapshots {
                whole.push(snapshot).unwrap();
                match last.replace(snapshot) {
                    Some(last) => group.push_next(last, snapshot).unwrap(),
                    None => group.push(snapshot).unwrap(),
                }
                if nth == 0 && group.samples() == 1 {
                    let bytes = group.take_key();
                    assert_eq!(bytes, whole.take_key());
                    let part = Part::decode(&bytes, &mut key).unwrap();
                    part.apply(0, &mut key).unwrap();
                }
            }
            let mut tree = key.clone();
            let bytes = group.take_part();
            // What differs is the same as what differs of all.
            assert!(bytes == whole.take_part());
            let part = Part::decode(&bytes, &mut tree).unwrap();
            for sample in 0..part.len() {
                part.apply(sample, &mut tree).unwrap();
                read.push(tree.snapshot().unwrap());
            }
        }
        assert_eq!(read, snapshots);
    }
}

#[test]
fn what_stands_still_takes_no_space() {
    let [few, many] = [5, 100].map(|count| {
        let mut group = Group::new();
        let mut snapshot = at_work(count).0;
        group.push(&snapshot).unwrap();
        group.take_key();
        for _ in 0..2 {
            let before = snapshot.clone();
            snapshot.host.memory_free_bytes += 1;
            group.push_next(&before, &snapshot).unwrap();
        }
        group.take_part().len()
    });
    assert_eq!(few, many);
}

/// A change from one sample to the next.
#[derive(Clone, Debug)]
enum Step {
    Pass {
        ns: u64,
        used_ns: Vec<u64>,
    },
    SetClock {
        by_s: i32,
    },
    Create {
        id: u16,
        uuid: u128,
    },
    Destroy {
        nth: prop::sample::Index,
    },
    Rename {
        nth: prop::sample::Index,
        name: Option<String>,
    },
    Count {
        nth: prop::sample::Index,
        figures: Vec<Option<u64>>,
    },
    Lose {
        nth: prop::sample::Index,
    },
    /// Adds a NIC, if `before` where lists that are in order have none.
    Plug {
        nth: prop::sample::Index,
        id: u32,
        before: bool,
    },
    Unplug {
        nth: prop::sample::Index,
    },
    Reboot {
        id: u128,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        6 => (0..20 * SECOND, vec(0..SECOND, 0..8)).prop_map(|(ns, used_ns)| Step::Pass { ns, used_ns }),
        1 => (-100_000..100_000i32).prop_map(|by_s| Step::SetClock { by_s }),
        2 => (1..12u16, any::<u128>()).prop_map(|(id, uuid)| Step::Create { id, uuid }),
        2 => index().prop_map(|nth| Step::Destroy { nth }),
        1 => (index(), any::<Option<String>>()).prop_map(|(nth, name)| Step::Rename { nth, name }),
        2 => (index(), vec(any::<Option<u64>>(), 3)).prop_map(|(nth, figures)| Step::Count { nth, figures }),
        1 => index().prop_map(|nth| Step::Lose { nth }),
        2 => (index(), 0..4u32, any::<bool>()).prop_map(|(nth, id, before)| Step::Plug { nth, id, before }),
        1 => index().prop_map(|nth| Step::Unplug { nth }),
        1 => any::<u128>().prop_map(|id| Step::Reboot { id }),
    ];
    vec(step, 1..60)
}

/// Takes a step.
fn take(step: &Step, host: &mut Snapshot) {
    let domains = &mut host.domains;
    let count = domains.len().max(1);
    let at = |nth: &prop::sample::Index| nth.index(count);
    match step {
        Step::Pass { ns, used_ns } => {
            host.stamp.at_ns += ns;
            host.time += Duration::from_nanos(*ns);
            for (domain, ns) in domains.iter_mut().zip(used_ns) {
                domain.stamp = host.stamp;
                domain.cpu_time_ns += ns;
            }
        }
        Step::SetClock { by_s } => host.time += jiff::SignedDuration::from_secs((*by_s).into()),
        Step::Create { id, uuid } => {
            let equipped = equipped().1.domains.remove(1);
            domains.retain(|domain| domain.id != DomId(*id));
            domains.push(crate::snapshot::Domain {
                id: DomId(*id),
                uuid: uuid::Uuid::from_u128(*uuid),
                ..equipped
            });
            domains.sort_by_key(|domain| domain.id);
        }
        Step::Destroy { nth } => {
            if !domains.is_empty() {
                domains.remove(at(nth));
            }
        }
        Step::Rename { nth, name } => {
            if let Some(domain) = domains.get_mut(at(nth)) {
                domain.name = name.as_deref().map(Into::into);
            }
        }
        Step::Count { nth, figures } => {
            let nics = domains.get_mut(at(nth)).into_iter();
            let nics = nics.flat_map(|domain| domain.nics.iter_mut().flatten());
            let counters = nics.flat_map(|nic| nic.counters.values_mut());
            counters.zip(figures).for_each(|(to, from)| *to = *from);
        }
        Step::Lose { nth } => {
            if let Some(domain) = domains.get_mut(at(nth)) {
                (domain.nics, domain.vcpus, domain.scheduling) = (None, None, None);
            }
        }
        Step::Plug { nth, id, before } => {
            let nics = domains.get_mut(at(nth)).and_then(|one| one.nics.as_mut());
            if let Some(nics) = nics {
                // Perhaps there is one of this ID.
                let place = if *before { 0 } else { nics.len() };
                nics.insert(place, nic(*id, u64::from(*id), 0));
            }
        }
        Step::Unplug { nth } => {
            let nics = domains.get_mut(at(nth)).and_then(|one| one.nics.as_mut());
            if let Some(nics) = nics.filter(|nics| !nics.is_empty()) {
                nics.remove(nth.index(nics.len()));
            }
        }
        Step::Reboot { id } => {
            host.boot = boot(*id);
            host.stamp.at_ns = 0;
            domains.truncate(1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_sequence_is_read_as_written(steps in steps()) {
        let mut host = equipped().0;
        let mut snapshots = vec![host.clone()];
        for step in &steps {
            take(step, &mut host);
            snapshots.push(host.clone());
        }
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &snapshots);
        prop_assert_eq!(&read(folder.path()).unwrap(), &snapshots);
        // In any order, and by any time.
        let mut recording = Recording::open(folder.path(), report).unwrap();
        let mut in_memory: Vec<_> = snapshots.iter().cloned().map(Arc::new).collect();
        for position in (0..snapshots.len()).rev() {
            prop_assert_eq!(&*recording.get(position).unwrap(), &snapshots[position]);
            let time = snapshots[position].time;
            prop_assert_eq!(recording.up_to(time), in_memory.up_to(time));
            let since = time..=snapshots[snapshots.len() / 2].time;
            prop_assert_eq!(recording.first_in(since.clone()), in_memory.first_in(since.clone()));
            prop_assert_eq!(recording.last_in(since.clone()), in_memory.last_in(since));
            prop_assert_eq!(recording.pcpu_times(position), in_memory.pcpu_times(position));
        }
    }
}

#[test]
fn the_index_tells_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = seconds(700);
    // A pause of ten minutes between two samples of a chunk.
    all.drain(40..640);
    write(folder.path(), &all);
    let mut recording = Recording::open(folder.path(), report).unwrap();
    let usual = jiff::SignedDuration::from_secs(61);
    let whole = Timestamp::MIN..=Timestamp::MAX;
    let found = Coverage::of(recording.times(), whole.clone(), usual).unwrap();
    let ends = [found.first, found.last].map(|time| time.as_second() - 1_800_000_000);
    assert_eq!((ends, found.gaps), ([1, 700], 1));
    assert_eq!(found.longest.as_secs(), 601);
    assert_eq!(found.usual, usual);
    let in_memory: Vec<_> = all.into_iter().map(Arc::new).collect();
    assert_eq!(Coverage::of(in_memory.times(), whole, usual), Some(found));
    // What cannot be read does not count.
    let chunks = recording.times().len();
    let connection = rusqlite::Connection::open(folder.path().join("recording.sqlite")).unwrap();
    connection
        .execute("UPDATE data SET bytes = x'00' WHERE id = 1", [])
        .unwrap();
    assert_eq!(recording.get(0), None);
    assert_eq!(recording.times().len(), chunks - 1);
}
