//! Recordings of other versions.

use std::fs;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::recording::store::{FILE, FORMAT};
use crate::snapshot::{
    DiskBackend, DomainType, NicCounter, Note, Scheduling, ShutdownReason, VcpuState,
};

/// Returns the file of a golden recording, or of its snapshots.
fn golden(format: u32, extension: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    PathBuf::from(format!("{folder}/recording-{format}.{extension}"))
}

/// Each format that was ever written is read as it was then.
#[test]
fn golden_recordings_are_read() {
    for format in 1..=FORMAT {
        let expected = fs::read_to_string(golden(format, "jsonl")).unwrap();
        let expected = expected.lines().map(serde_json::from_str);
        let expected: Vec<Snapshot> = expected.collect::<Result<_, _>>().unwrap();
        // A copy, because SQLite writes beside what it reads.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::copy(golden(format, "sqlite"), &path).unwrap();
        assert_eq!(read(&path).unwrap(), expected, "format {format}");
        // Another recorder continues it.
        write(folder.path(), &seconds(3));
        assert_eq!(read(&path).unwrap(), [expected, seconds(3)].concat());
    }
}

/// Writes the golden recording of a new format.
#[test]
#[ignore = "only for a new format"]
fn write_golden_recording() {
    let mut snapshots = vec![audited(SECOND)];
    for (older, newer) in [equipped(), at_work(5), troubled()] {
        snapshots.extend([older, newer]);
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &snapshots);
    let path = folder.path().join(FILE);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let mode = "PRAGMA journal_mode = DELETE";
    connection.query_row(mode, [], |_| Ok(())).unwrap();
    drop(connection);
    assert!(!golden(FORMAT, "sqlite").exists(), "it stays as it is");
    fs::copy(path, golden(FORMAT, "sqlite")).unwrap();
    let lines = snapshots
        .iter()
        .map(|one| serde_json::to_string(one).unwrap() + "\n");
    fs::write(golden(FORMAT, "jsonl"), lines.collect::<String>()).unwrap();
}

/// Returns what serde says of a value that an enumeration does not have: the values that it has.
fn values<T: DeserializeOwned>(unknown: &Value) -> String {
    let error = serde_json::from_value::<T>(unknown.clone()).map(drop);
    error.unwrap_err().to_string()
}

/// A value that a reader does not know makes its sample unreadable, so a new one needs a new format, which older versions
/// refuse. [`Note`] is not among them: an unknown one is read as such.
#[test]
fn values_of_enumerations_are_those_of_the_format() {
    assert_eq!(FORMAT, 1);
    let of = |names: &str| format!("unknown variant `later`, expected {names}");
    let later = json!("later");
    assert_eq!(
        values::<DomainType>(&later),
        of("one of `pv`, `pvh`, `hvm`")
    );
    let states = "one of `running`, `runnable`, `blocked`, `offline`";
    assert_eq!(values::<VcpuState>(&later), of(states));
    assert_eq!(
        values::<DiskBackend>(&later),
        of("one of `blkback`, `tapdisk`, `qdisk`")
    );
    let schedulers = "one of `credit`, `credit2`, `rtds`, `arinc653`, `null`";
    assert_eq!(
        values::<Scheduling>(&json!({ "scheduler": "later" })),
        of(schedulers)
    );
    let reasons = [
        "poweroff",
        "reboot",
        "suspend",
        "crash",
        "watchdog",
        "soft_reset",
    ];
    assert_eq!(ShutdownReason::NAMES, reasons);
}

#[test]
fn other_versions_have_other_fields() {
    let mut written = serde_json::to_value(equipped().1).unwrap();
    let web = &mut written["domains"][1];
    web["later"] = json!({ "unknown": [1, { "id": 2 }, "three"] });
    web.as_object_mut().unwrap().remove("memory_target_bytes");
    let counters = &mut web["nics"][0]["counters"];
    counters["rx_later"] = json!(7);
    counters.as_object_mut().unwrap().remove("tx_missed");
    written["collected"]["disk_counters"]["later"] = json!(true);
    let later = json!({ "later": { "why": "it is new", "more": [1, 2] } });
    written["notes"] = json!(["later", later, { "later": 7 }, "traced_beside"]);

    let (mut group, mut tree) = (Group::new(), Tree::new());
    group.push(&written).unwrap();
    let part = Part::decode(&group.take_part(), &mut tree).unwrap();
    part.apply(0, &mut tree).unwrap();
    let mut expected = equipped().1;
    expected.domains[1].memory_target_bytes = None;
    let nic = &mut expected.domains[1].nics.as_mut().unwrap()[0];
    nic[NicCounter::TxMissed] = None;
    expected.notes = vec![
        Note::Unknown,
        Note::Unknown,
        Note::Unknown,
        Note::TracedBeside,
    ];
    assert_eq!(tree.snapshot().unwrap(), expected);
}
