//! What commands say of a recording, without Xen.

use std::fs;

use crate::command::{run, say, xenscope};

/// The recording of the first format. All its samples are of the begin of 1970.
const GOLDEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/golden/recording-1.sqlite"
);

#[test]
fn what_was_not_recorded_is_said() {
    let commands: [&[&str]; 5] = [
        &["top", "-b"],
        &["audit"],
        &["events"],
        &["waits"],
        &["report"],
    ];
    for command in commands {
        let with = |words: &[&str]| say(&[command, &["--from", GOLDEN], words].concat());
        with(&["--since", "2026-11-28"]).refused(1, &["nothing was recorded "]);
        let reversed = ["--since", "2026-11-28", "--until", "2026-11-27"];
        with(&reversed).refused(2, &["--since is 2026-11-28T", "after --until, 2026-11-27T"]);
    }
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    say(&["list", "--from", empty])
        .refused(1, &[empty, "nothing is recorded here", "xenscope record"]);
}

#[test]
fn a_recording_that_cannot_be_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.sqlite");
    fs::copy(GOLDEN, &path).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute("UPDATE data SET bytes = x'00'", [])
        .unwrap();
    drop(connection);
    for command in [
        &["top", "-b"][..],
        &["events"],
        &["audit"],
        &["waits"],
        &["list"],
    ] {
        let said = say(&[command, &["--from", path.to_str().unwrap()]].concat());
        assert_eq!((said.code, &*said.stdout), (Some(1), ""), "{said:?}");
        let mut lines = said.stderr.lines().rev();
        let last = lines.next().unwrap_or_default();
        assert_eq!(
            last, "xenscope: nothing was recorded at that time",
            "{command:?}"
        );
        assert!(
            lines
                .next()
                .is_some_and(|line| line.contains("cannot be read")),
            "{said:?}"
        );
    }
}

#[test]
fn the_source_of_an_export_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, copy) = (in_folder("recording.sqlite"), in_folder("copy.sqlite"));
    fs::copy(GOLDEN, &file).unwrap();
    let before = fs::read(&file).unwrap();
    let export = |from: &str, to: &str| say(&["record", "--export", to, "--from", from]);
    let source = folder.path().to_str().unwrap();
    export(source, &file).refused(2, &[&file, "is the recording itself"]);
    export(&file, &file).refused(2, &["is the recording itself"]);
    fs::copy(GOLDEN, in_folder("copy.sqlite.new")).unwrap();
    export(&in_folder("copy.sqlite.new"), &copy).refused(2, &["is the recording itself"]);
    let damaged = in_folder("recording.sqlite.damaged-20261128T000000Z");
    fs::copy(GOLDEN, &damaged).unwrap();
    export(source, &damaged).refused(2, &["is the recording itself"]);
    // What SQLite has beside it is a part of it.
    for from in [source, &file] {
        let log = in_folder("recording.sqlite-wal");
        fs::write(&log, "").unwrap();
        export(from, &log).refused(2, &[&log, "is the recording itself"]);
        fs::remove_file(log).unwrap();
    }
    assert_eq!(export(source, &copy).code, Some(0));
    assert_eq!(export(&copy, &file).code, Some(0), "nobody records there");
    fs::write(in_folder("lock"), "").unwrap();
    fs::write(&file, &before).unwrap();
    for to in [&file, &damaged, &in_folder("recording.sqlite-wal")] {
        export(&copy, to).refused(2, &["belongs to a recorder"]);
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn without_xen_nothing_is_created() {
    if fs::read_to_string("/sys/hypervisor/type").is_ok_and(|name| name.trim() == "xen") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    say(&["record", "--dir", new.to_str().unwrap()]).refused(3, &["doctor"]);
    assert!(!new.exists());
}

#[test]
fn a_domain_that_was_not_recorded_is_said() {
    let blocks = ["top", "-b", "--format", "xentop"];
    for command in [&blocks[..], &["events"], &["report", "-o", "-"]] {
        let of = |name| say(&[command, &["--from", GOLDEN, name]].concat());
        of("nobody").refused(1, &["was there in that time"]);
        assert_eq!(of("web").code, Some(0), "{command:?}");
    }
    for command in [&["top", "-b"][..], &["events"], &["waits"]] {
        let said = say(&[command, &["--from", GOLDEN, "web", "nobody"]].concat());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stdout.contains("web"), "{said:?}");
        let words = "no domain 'nobody' was there in that time\n";
        assert!(said.stderr.ends_with(words), "{said:?}");
    }
    // It is in all samples but the last ones.
    let waits = |words: &[&str]| say(&[&["waits", "--from", GOLDEN], words].concat());
    waits(&["nobody"]).refused(1, &["no domain 'nobody' was there in that time"]);
    let span = [
        "--since",
        "1969-12-31T23:00:00Z",
        "--until",
        "1970-01-01T01:00:00Z",
    ];
    let dom0 = waits(&[&["Domain-0"], &span[..]].concat());
    assert_eq!(dom0.code, Some(0), "{dom0:?}");
    for words in [
        "ready time was recorded for 2 s of 2 h 0 min",
        "Domain-0 (0) was measured for 0 s of 2 s",
    ] {
        assert!(dom0.stderr.contains(words), "{dom0:?}");
    }
    for command in ["status", "vcpus"] {
        let said = say(&[command, "nobody", "--from", GOLDEN]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(!said.stderr.contains("xenscope list"), "{said:?}");
    }
    // It was there, and matched no filter; and the recording was not read to its end.
    for words in [&["web", "--filter", "cpu>100000"][..], &["db", "-i", "1"]] {
        let said = say(&[&["top", "-b", "--from", GOLDEN], words].concat());
        assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{said:?}");
    }
}

#[test]
fn the_time_that_was_asked_for_and_recorded_is_said() {
    let (before, after) = ("1969-12-31T23:00:00Z", "1970-01-01T01:00:00Z");
    let said = |words: &[&str]| {
        let mut command = xenscope(&[words, &["--from", GOLDEN]].concat());
        run(command.env("TZ", "UTC"))
    };
    let recorded = "1970-01-01T00:00:00+00:00 to 1970-01-01T00:00:00+00:00";
    for (words, asked) in [
        (
            &["list", "--at", before][..],
            "up to 1969-12-31T23:00:00+00:00",
        ),
        (
            &["status", "web", "--at", before],
            "up to 1969-12-31T23:00:00+00:00",
        ),
        (&["top", "--at", before], "up to 1969-12-31T23:00:00+00:00"),
        (
            &["waits", "--until", before],
            "up to 1969-12-31T23:00:00+00:00",
        ),
        (
            &["events", "--since", after],
            "from 1970-01-01T01:00:00+00:00 on",
        ),
        (
            &["top", "-b", "--since", before, "--until", before],
            "from 1969-12-31T23:00:00+00:00 to 1969-12-31T23:00:00+00:00",
        ),
    ] {
        let text = format!("nothing was recorded {asked}; the recording is from {recorded}");
        said(words).refused(1, &[&text]);
    }
    let text = format!("xenscope: of that time, {recorded} was recorded\n");
    let near = "1970-01-01T00:00:30Z";
    for (words, stderr) in [
        (&["--since", before][..], &*text),
        (&["--until", after], &*text),
        (&["--until", near], ""),
        (&["--since", "1970-01-01T00:00:00Z", "--until", near], ""),
    ] {
        let events = said(&[&["events"], words].concat());
        assert_eq!(
            (events.code, &*events.stderr),
            (Some(0), stderr),
            "{words:?}"
        );
    }
}

/// The clock does not go on in that recording.
#[test]
fn samples_that_openmetrics_leaves_out_are_counted() {
    let said = say(&["top", "-b", "--format", "openmetrics", "--from", GOLDEN]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let samples = include_str!("../golden/recording-1.jsonl").lines().count();
    let printed = said.stdout.matches("\nxen_up ").count();
    let words = format!(
        "{} samples are left out: the clock had been set back",
        samples - printed
    );
    assert!(said.stderr.contains(&words), "{said:?}");
}

#[test]
fn an_old_sample_is_said_to_be_old() {
    let listed = |at: &str| {
        let said = say(&["list", "--from", GOLDEN, "--at", at]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.stdout.contains("web"), "{said:?}");
        said.stderr
    };
    let near = listed("1970-01-01T00:01:00Z");
    assert!(
        near.starts_with("xenscope: as recorded at ") && !near.contains("before that"),
        "{near}"
    );
    let far = listed("1970-01-11T01:02:00Z");
    assert!(
        far.ends_with(", 10 d 1 h 2 min before that: nothing was recorded in between\n"),
        "{far}"
    );
}
