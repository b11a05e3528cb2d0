//! `xenscope report` on recordings, without Xen.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use xenscope::recording::Recorder;
use xenscope::snapshot::Snapshot;

use crate::command::{Said, say};

const GOLDEN: &str = include_str!("../golden/recording-1.jsonl");

/// Returns a time of 2026-11-28 as people give it.
fn time(text: &str) -> String {
    format!("2026-11-28T{text}Z")
}

/// Formats such a time in the local zone, as the page does.
fn local(text: &str, format: &str) -> String {
    let time: Timestamp = time(text).parse().unwrap();
    time.to_zoned(TimeZone::system())
        .strftime(format)
        .to_string()
}

/// Writes a recording: these seconds after 02:00, each in the boot with that number.
fn record(path: &Path, seconds: &[(i64, u128)], set: fn(&mut Snapshot)) {
    let line = GOLDEN.lines().next().unwrap();
    let mut recorder = Recorder::to_file(path).unwrap();
    for &(second, boot) in seconds {
        let mut snapshot: Snapshot = serde_json::from_str(line).unwrap();
        let start: Timestamp = time("02:00:00").parse().unwrap();
        snapshot.time = start + SignedDuration::from_secs(second);
        snapshot.boot.dom0_boot_id = Some(uuid::Uuid::from_u128(boot));
        let passed_ns = second as u64 * 1_000_000_000;
        snapshot.stamp.at_ns += passed_ns;
        for domain in &mut snapshot.domains {
            domain.stamp.at_ns += passed_ns;
        }
        set(&mut snapshot);
        recorder.push(&Arc::new(snapshot)).unwrap();
    }
    recorder.close().unwrap();
}

/// Returns what `report` with these words says of such a recording.
fn report(seconds: &[(i64, u128)], set: fn(&mut Snapshot), words: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.sqlite");
    record(&path, seconds, set);
    say(&[
        &["report", "--from", path.to_str().unwrap(), "-o", "-"],
        words,
    ]
    .concat())
}

/// A sample each second for ten seconds.
fn ten() -> Vec<(i64, u128)> {
    (0..10).map(|second| (second, 1)).collect()
}

#[test]
fn what_a_report_lacks_is_said() {
    let nothing = |_: &mut Snapshot| {};
    report(&[(0, 1)], nothing, &[]).refused(1, &["only one sample was recorded"]);
    report(&[(0, 1), (9, 2)], nothing, &[]).refused(1, &["no two samples of one boot were"]);
    let page = report(&ten(), |snapshot| snapshot.domains.clear(), &[]).fine();
    assert!(page.contains("10 samples, 0 domains"), "{page}");
}

#[test]
fn each_domain_that_was_not_there_is_said() {
    let said = |names: &[&str]| report(&ten(), |_| {}, names);
    let some = said(&["web", "nobody", "id:77"]);
    assert_eq!(some.code, Some(1), "{some:?}");
    assert!(some.stdout.ends_with("</html>"), "{some:?}");
    let lines = ["nobody", "id:77"]
        .map(|name| format!("xenscope: no domain '{name}' was there in that time\n"));
    assert_eq!(some.stderr, lines.concat());
    said(&["nobody"]).refused(1, &["no domain 'nobody' was there in that time"]);
    assert!(said(&["web"]).fine().contains("Only of: <b>web</b>."));
}

#[test]
fn the_hour_is_the_last_one_that_was_recorded() {
    let page = report(&ten(), |_| {}, &["--until", &time("04:30:00")]).fine();
    assert!(page.contains("10 samples"), "{page}");
    let early = report(&ten(), |_| {}, &["--until", &time("01:00:00")]);
    early.refused(
        1,
        &["nothing was recorded up to ", "; the recording is from "],
    );
}

#[test]
fn the_parts_of_the_span_that_were_not_recorded_are_said() {
    let seconds: Vec<_> = ten()
        .into_iter()
        .chain((600..610).map(|at| (at, 1)))
        .collect();
    let (since, until) = (time("01:00:00"), time("02:30:00"));
    let span = ["--since", &since, "--until", &until];
    let page = report(&seconds, |_| {}, &span).fine();
    let whole = |text| local(text, "%Y-%m-%d %H:%M:%S %:z");
    let words = format!(
        "{} to {}, nothing was recorded from ",
        whole("01:00:00"),
        whole("02:30:00")
    );
    assert!(page.contains(&words), "{page}");
    let times = [
        "01:00:00", "02:00:00", "02:00:09", "02:10:00", "02:10:09", "02:30:00",
    ];
    let [t0, t1, t2, t3, t4, t5] = times.map(|text| local(text, "%b %-d %H:%M:%S"));
    let gaps = format!("from {t0} to {t1}, from {t2} to {t3}, from {t4} to {t5}.");
    assert!(page.contains(&gaps), "{page}");
    let all = ["--since", &time("02:00:00"), "--until", &time("02:00:09")];
    assert!(
        !report(&seconds, |_| {}, &all)
            .fine()
            .contains("nothing was recorded")
    );
}
