//! Recordings that are written while they are read.

use std::cell::RefCell;

use super::*;

thread_local! {
    static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn say(text: &str) {
    SAID.with_borrow_mut(|said| said.push(text.to_owned()));
}

#[test]
fn what_is_deleted_meanwhile_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = seconds(2_000);
    let (before, after) = snapshots.split_at(1_200);
    write(folder.path(), before);
    let mut recording = Recording::open(folder.path(), say).unwrap();
    let time = before[500].time;
    assert_eq!(recording.up_to(time), Some(500));
    let limits = Limits {
        age: Duration::from_secs(1_000),
        ..ALL
    };
    let mut recorder = Recorder::open(folder.path(), limits, report).unwrap();
    for snapshot in after {
        recorder.push(&Arc::new(snapshot.clone())).unwrap();
    }
    recorder.flush().unwrap();
    let left = read(folder.path()).unwrap().len();
    assert!((1_000..=1_022).contains(&left), "{left}");
    // What was read is not lost at once.
    assert_eq!(*recording.get(501).unwrap(), before[501]);
    recording.read_new();
    let found: Vec<_> = (520..recording.count())
        .filter_map(|position| recording.get(position))
        .map(|snapshot| (*snapshot).clone())
        .collect();
    assert_eq!(found, snapshots[snapshots.len() - left..]);
    assert_eq!(recording.up_to(before[700].time), None);
    SAID.with_borrow(|said| assert_eq!(*said, ["older samples were deleted meanwhile; skipped"]));
}

#[test]
fn what_is_recorded_meanwhile_is_read_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = seconds(60);
    let (mut recorder, mut recording) = (None, None::<Recording>);
    for (count, snapshot) in (1..).zip(&snapshots) {
        let recorder =
            recorder.get_or_insert_with(|| Recorder::open(folder.path(), ALL, report).unwrap());
        if !recorder.push(&Arc::new(snapshot.clone())).unwrap() {
            continue;
        }
        let recording =
            recording.get_or_insert_with(|| Recording::open(folder.path(), say).unwrap());
        recording.read_new();
        assert_eq!(recording.count(), count);
        assert_eq!(*recording.get(count - 1).unwrap(), *snapshot);
        assert_eq!(recording.up_to(Timestamp::MAX), Some(count - 1));
    }
}
