//! Damaged recordings: no panic, nothing false, and only the chunks concerned are lost.

use std::cell::Cell;
use std::fs;

use super::folder::set_ahead;
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

/// The size of a page of SQLite.
const PAGE: usize = 4096;

/// Bytes of a page: its header, its index, and its content. The first page also has the header of the file: 18 and 19 say
/// whether it can be written, and 60 to 63 what format it has.
const BYTES: [usize; 14] = [0, 1, 3, 5, 8, 18, 19, 20, 60, 63, 70, 100, 2_000, 4_090];

/// The page of the index, if that fits into one.
const INDEX: usize = 2;

/// Returns all damages of a file, each with its name, and whether it costs no more than what is in its page.
fn damages(bytes: &[u8]) -> impl Iterator<Item = (String, bool, Vec<u8>)> {
    let pages = 0..bytes.len() / PAGE;
    let flips = pages
        .clone()
        .flat_map(|page| BYTES.map(|byte| (page, byte)));
    let flips = flips.map(move |(page, byte)| {
        let mut damaged = bytes.to_vec();
        damaged[page * PAGE + byte] ^= 0xff;
        let name = format!("byte {byte} of page {page}");
        (name, page != INDEX, damaged)
    });
    let cuts = pages.map(|page| {
        let cut = bytes[..page * PAGE + 7].to_vec();
        (format!("only {page} pages"), false, cut)
    });
    flips.chain(cuts)
}

#[test]
fn a_damaged_file_stops_no_recorder() {
    // Enough that a page leads to those with chunks.
    let all = seconds(420);
    let (first, second) = all.split_at(400);
    for (damage, is_small, bytes) in damages(&file(first)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), bytes).unwrap();
        let mut recorder = Recorder::open(folder.path(), ALL, report).unwrap();
        for snapshot in second {
            recorder.push(&Arc::new(snapshot.clone())).unwrap();
        }
        recorder.close().unwrap();
        let read = read(folder.path()).unwrap();
        assert!(read.ends_with(second), "{damage}");
        assert!(read.iter().all(|one| all.contains(one)), "{damage}");
        let lost = all.len() - read.len();
        // A page has up to 25 chunks of this size, each of up to 11 samples.
        assert!(lost <= 25 * 11 || !is_small, "{damage} costs {lost}");
    }
}

#[test]
fn a_broken_log_of_changes_costs_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = seconds(200);
    let mut recorder = Recorder::open(folder.path(), ALL, report).unwrap();
    for snapshot in &snapshots {
        recorder.push(&Arc::new(snapshot.clone())).unwrap();
    }
    // As a loss of power leaves it.
    let file = fs::read(folder.path().join(FILE)).unwrap();
    let log = fs::read(folder.path().join(format!("{FILE}-wal"))).unwrap();
    // Its header, its first page, and the second one; the log has only the last chunk.
    for byte in [
        Some(0),
        Some(16),
        Some(100),
        Some(32 + 24 + PAGE + 100),
        None,
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), &file).unwrap();
        if let Some(byte) = byte {
            let mut log = log.clone();
            log[byte] ^= 1;
            fs::write(folder.path().join(format!("{FILE}-wal")), log).unwrap();
        }
        let read = read(folder.path()).unwrap();
        assert_eq!(read, snapshots[..read.len()]);
        // A chunk has 11 samples, and the last one is not full.
        assert!(read.len() >= 200 - 2 * 11, "byte {byte:?}: {}", read.len());
    }
}

/// What the index says of the second chunk, the seconds 11 to 21, is wrong, and contradicts nothing.
#[test]
fn wrong_times_of_the_index_hide_nothing_of_a_span() {
    let all = seconds(44);
    let [begin, early, late, end] = [0, 12, 20, 43].map(|second: usize| all[second].time);
    for wrong in [
        "earliest = earliest + 4000000000",
        "latest = latest - 4000000000",
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &all);
        let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
        let flip = format!("UPDATE chunk SET {wrong} WHERE id = 2");
        assert_eq!(connection.execute(&flip, []).unwrap(), 1);
        drop(connection);
        let open = || Recording::open(folder.path(), report).unwrap();
        assert_eq!(open().last_in(begin..=early), Some(12), "{wrong}");
        assert_eq!(open().first_in(late..=end), Some(20), "{wrong}");
    }
}

#[test]
fn a_row_of_another_type_stops_no_recorder() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &seconds(40));
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let flip = "UPDATE chunk SET latest = 1.5 WHERE id = 2";
    assert_eq!(connection.execute(flip, []).unwrap(), 1);
    drop(connection);
    write(folder.path(), &seconds(60)[40..]);
    assert!(read(folder.path()).unwrap().ends_with(&seconds(60)[40..]));
}

#[test]
fn a_file_that_was_set_aside_counts() {
    let folder = tempfile::tempdir().unwrap();
    let aside = || {
        let files = fs::read_dir(folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("damaged")).count()
    };
    let push = |limits, snapshots: &[Snapshot]| {
        let mut recorder = Recorder::open(folder.path(), limits, report).unwrap();
        for snapshot in snapshots {
            recorder.push(&Arc::new(snapshot.clone())).unwrap();
        }
        recorder.close().unwrap();
    };
    let damage = || {
        let path = folder.path().join(FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes[2 * PAGE] ^= 0xff;
        bytes.resize(4 << 20, 0);
        fs::write(path, bytes).unwrap();
    };
    push(ALL, &seconds(10));
    damage();
    push(ALL, &seconds(10));
    damage();
    push(ALL, &seconds(10));
    assert_eq!(aside(), 2);
    // There is no room for both, and then for none.
    for (mebibytes, left) in [(8, 1), (4, 0)] {
        let limits = Limits {
            bytes: mebibytes << 20,
            ..ALL
        };
        push(limits, &seconds(10));
        assert_eq!(aside(), left);
    }
    let deleted = |why: &str| {
        let folder = folder.path().to_str().unwrap();
        let reported = REPORTED.lock().unwrap();
        let of_this = reported.iter().filter(|text| text.contains(folder));
        of_this.filter(|text| text.ends_with(why)).count()
    };
    assert_eq!(deleted(" is deleted: there is no room for it"), 2);
    damage();
    push(ALL, &seconds(10));
    assert_eq!(aside(), 1);
    // It was written before 2027.
    let limits = Limits {
        age: Duration::from_secs(1),
        ..ALL
    };
    push(limits, &seconds(10));
    assert_eq!(aside(), 0);
    assert_eq!(deleted(" is deleted: it is too old"), 1);
}

thread_local! {
    /// How often a recording of this thread has reported something.
    static SAID: Cell<usize> = const { Cell::new(0) };
}

fn said(text: &str) {
    SAID.set(SAID.get() + 1);
    report(text);
}

/// Asks for all times of a recording of these snapshots, and just before: the right one is found, or something is said.
fn check_times(recording: &mut Recording, snapshots: &[Arc<Snapshot>], is_reversed: bool) {
    let mut all = snapshots.to_vec();
    let times = snapshots.iter().map(|snapshot| snapshot.time);
    let mut times: Vec<_> = times
        .flat_map(|time| [time - Duration::from_nanos(1), time])
        .collect();
    if is_reversed {
        times.reverse();
    }
    for time in times {
        let right = all.up_to(time).map(|position| Arc::clone(&all[position]));
        let position = recording.up_to(time);
        let found = position.and_then(|position| recording.get(position));
        assert!(SAID.get() > 0 || found == right, "at {time}");
        assert!(found.is_none_or(|found| all.contains(&found)));
    }
}

/// Changes the index of a recording, and asks for all times.
fn check_index(change: &str) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = seconds(60);
    write(folder.path(), &snapshots);
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let change = format!("UPDATE chunk SET {change} WHERE id = 4");
    assert_eq!(connection.execute(&change, []).unwrap(), 1);
    SAID.set(0);
    let mut recording = Recording::open(folder.path(), said).unwrap();
    let all: Vec<_> = snapshots.into_iter().map(Arc::new).collect();
    check_times(&mut recording, &all, false);
    SAID.get()
}

#[test]
fn wrong_times_of_the_index_hide_nothing() {
    for flip in (0..63).map(|bit| 1u64 << bit) {
        for column in ["earliest", "latest"] {
            // SQLite has no exclusive or. What is not noticed does no harm.
            check_index(&format!(
                "{column} = ({column} | {flip}) - ({column} & {flip})"
            ));
        }
    }
    for later in [1u64, 1 << 33, 1 << 45] {
        assert_eq!(check_index(&format!("earliest = earliest + {later}")), 1);
    }
    for samples in [0, 10, 1 << 20] {
        assert_eq!(check_index(&format!("samples = {samples}")), 1);
    }
}

#[test]
fn rows_that_the_index_lacks_are_not_hidden() {
    let snapshots = seconds(40);
    let bytes = file(&snapshots);
    let all: Vec<_> = snapshots.into_iter().map(Arc::new).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    // The number of rows, and where each of them is.
    for (byte, bit) in (3..16).flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
        let mut bytes = bytes.clone();
        bytes[INDEX * PAGE + byte] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        SAID.set(0);
        if let Ok(mut recording) = Recording::open(&path, said) {
            check_times(&mut recording, &all, false);
        }
    }
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn damaged_files_hide_nothing(
        at in any::<prop::sample::Index>(),
        is_in_index in any::<bool>(),
        bit in 0..8u8,
        back_s in prop_oneof![Just(0), 1..100i64],
        is_reversed in any::<bool>(),
    ) {
        let mut snapshots = seconds(60);
        // The clock is set back once.
        set_ahead(&mut snapshots[25..], -back_s);
        let mut bytes = file(&snapshots);
        let at = match is_in_index {
            true => INDEX * PAGE + at.index(PAGE),
            false => at.index(bytes.len()),
        };
        bytes[at] ^= 1 << bit;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged");
        fs::write(&path, bytes).unwrap();
        SAID.set(0);
        let Ok(mut recording) = Recording::open(&path, said) else {
            return Ok(());
        };
        let all: Vec<_> = snapshots.into_iter().map(Arc::new).collect();
        check_times(&mut recording, &all, is_reversed);
    }
}
