//! Recordings that are written while they are read.

use super::*;

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
            recording.get_or_insert_with(|| Recording::open(folder.path(), report).unwrap());
        recording.read_new();
        assert_eq!(recording.count(), count);
        assert_eq!(*recording.get(count - 1).unwrap(), *snapshot);
        assert_eq!(recording.up_to(Timestamp::MAX), Some(count - 1));
    }
}
