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

/// Changes a byte of what a table has for an ID.
fn flip(folder: &Path, table: &str, id: i64) {
    let connection = rusqlite::Connection::open(folder.join(FILE)).unwrap();
    let flip = format!(
        "UPDATE {table} SET bytes = CAST(substr(bytes, 1, 40) || x'00' || substr(bytes, 42) AS BLOB) WHERE id = {id}"
    );
    assert_eq!(connection.execute(&flip, []).unwrap(), 1);
}

#[test]
fn a_broken_chunk_costs_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let mut snapshots = seconds(40);
    // Another group.
    for snapshot in &mut snapshots[30..] {
        snapshot.boot = boot(2);
    }
    write(folder.path(), &snapshots);
    flip(folder.path(), "data", 2);
    let read_all = || read(folder.path()).unwrap();
    let (before, after) = (&snapshots[..11], &snapshots[22..]);
    assert_eq!(read_all(), [before, after].concat());
    // Only the one of the two that is broken is replaced by its copy.
    flip(folder.path(), "key", 1);
    assert_eq!(read_all(), [before, after].concat());
    flip(folder.path(), "key_copy", 1);
    assert_eq!(read_all(), snapshots[30..]);
    let reported = REPORTED.lock().unwrap().join("\n");
    assert!(
        reported.contains("from 2027-01-15T08:00:12Z to 2027-01-15T08:00:22Z"),
        "{reported}"
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
