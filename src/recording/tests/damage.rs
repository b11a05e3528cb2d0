//! Damaged recordings: no panic, nothing false, and only the chunks concerned are lost.

use std::fs;

use super::*;
use crate::recording::store::FILE;

/// Returns the bytes of a recording of these snapshots.
fn file(snapshots: &[Snapshot]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), snapshots);
    let path = folder.path().join(FILE);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let folded = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    folded.unwrap();
    drop(connection);
    fs::read(path).unwrap()
}

#[test]
fn a_broken_chunk_costs_its_group_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut snapshots = seconds(40);
    // Another group.
    for snapshot in &mut snapshots[30..] {
        snapshot.boot = boot(2);
    }
    write(folder.path(), &snapshots);
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let flip = "UPDATE data SET bytes = CAST(substr(bytes, 1, 40) || x'00' || substr(bytes, 42) AS BLOB) WHERE id = 2";
    assert_eq!(connection.execute(flip, []).unwrap(), 1);
    let read = read(folder.path()).unwrap();
    let (first, second) = (&snapshots[..11], &snapshots[30..]);
    assert_eq!(read, [first, second].concat());
    let reported = REPORTED.lock().unwrap();
    let said = |text: &String| text.contains("from 2027-01-15T08:00:12Z to 2027-01-15T08:00:22Z");
    assert_eq!(
        reported.iter().filter(|text| said(text)).count(),
        1,
        "{reported:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damaged_files_say_nothing_false(
        flips in vec((any::<prop::sample::Index>(), 1..=255u8), 0..4),
        end in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let snapshots = seconds(60);
        let mut bytes = file(&snapshots);
        for (at, flip) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged");
        fs::write(&path, bytes).unwrap();
        for snapshot in read(&path).unwrap_or_default() {
            prop_assert!(snapshots.contains(&snapshot));
        }
    }

    #[test]
    fn damaged_parts_do_not_panic(
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut group = Group::new();
        for snapshot in [equipped().0, equipped().1, audited(SECOND)] {
            group.push(&snapshot).unwrap();
        }
        let mut bytes = group.take_part();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let mut tree = Tree::new();
        if let Ok(part) = Part::decode(&bytes, &mut tree) {
            for sample in 0..part.len() {
                if part.apply(sample, &mut tree).is_ok() {
                    let _ = tree.snapshot();
                }
            }
        }
    }
}
