//! `xenscope record`, and commands that look back.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::tempdir;

use super::follow::{Followed, Running};
use super::revert;
use crate::command::{Said, say, tool, xenscope, xenscope_path};
use crate::record::{Audit, Event, Record, all};
use crate::terminal::OnTerminal;

/// How long the first chunk may take: ten seconds, under emulation.
const LIMIT: Duration = Duration::from_secs(120);

/// Starts a recorder to this folder.
fn record(folder: &str) -> Running {
    let words = ["record", "--dir", folder, "--interval", "0.5", "--audit"];
    Running::start(xenscope(&words).stderr(Stdio::piped()))
}

/// Ends a recorder by a signal.
pub fn stop(recorder: &mut Running) {
    kill(Pid::from_raw(recorder.id() as i32), Signal::SIGTERM).unwrap();
    let ended = recorder.wait().unwrap();
    assert_eq!(ended.signal(), Some(Signal::SIGTERM as i32), "{ended}");
}

/// Prints the samples of a folder, with more options.
fn print(folder: &str, more: &[&str]) -> Said {
    let words = ["top", "-b", "--format", "json", "--from", folder];
    say(&[&words, more].concat())
}

/// Returns the samples of a folder, with more options.
pub fn samples(folder: &str, more: &[&str]) -> Vec<Record> {
    let said = print(folder, more);
    assert_eq!(said.code, Some(0), "{said:?}");
    all(&said.stdout)
}

/// Waits until a recording has more than this many samples; returns how many.
fn grows(folder: &str, than: usize) -> usize {
    let end = Instant::now() + LIMIT;
    loop {
        // There is no recording before its first samples are written.
        let said = print(folder, &[]);
        let count = all::<Record>(&said.stdout).len();
        if said.code == Some(0) && count > than {
            return count;
        }
        assert!(Instant::now() < end, "{count} samples: {}", said.stderr);
        sleep(Duration::from_secs(1));
    }
}

/// Waits until a recording has this event of a domain that then has this name.
pub fn until_recorded(folder: &str, event: &str, name: &str) {
    let end = Instant::now() + 2 * LIMIT;
    loop {
        let said = say(&["events", "--format", "json", "--from", folder]);
        let events: Vec<Event> = all(&said.stdout);
        let is_it = |one: &Event| one.event == event && one.name.as_deref() == Some(name);
        if events.iter().any(is_it) {
            return;
        }
        assert!(Instant::now() < end, "no {event} of {name}: {said:?}");
        sleep(Duration::from_secs(1));
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn recordings_show_what_was() {
    let folder = tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut recorder = record(path);
    grows(path, 3);
    tool("xl", &["rename", "pv-net", "was-net"]);
    until_recorded(path, "renamed", "was-net");
    tool("xl", &["rename", "was-net", "pv-net"]);
    until_recorded(path, "renamed", "pv-net");
    say(&["record", "--dir", path]).refused(1, &["another xenscope records here", path]);

    stop(&mut recorder);

    // It writes what it has when a signal ends it: half of what a chunk holds. It ends within two seconds even if that
    // takes longer, and if the chunk was seen late, the next one is written before the signal.
    let flushes = (0..3).any(|_| {
        let before = samples(path, &[]).len();
        let mut recorder = record(path);
        let written = grows(path, before);
        sleep(Duration::from_secs(5));
        let unchanged = samples(path, &[]).len() == written;
        stop(&mut recorder);
        unchanged && samples(path, &[]).len() > written
    });
    assert!(flushes);

    let said = say(&["status", "pv-net", "--from", path]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("as recorded at 2"), "{said:?}");
    assert!(said.stdout.contains("pv-net"), "{said:?}");
    for words in [&["list"][..], &["vcpus", "pv-net"], &["host"]] {
        let said = say(&[words, &["--from", path, "--at", "-0s"]].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    // An audit of the recording checks all that one of the host does.
    let checked = |words: &[&str]| -> BTreeSet<String> {
        let said = say(&[&["audit", "--format", "json"], words].concat());
        let audits: Vec<Audit> = all(&said.stdout);
        let findings = audits.into_iter().flat_map(|audit| audit.findings);
        let checked = findings.filter(|finding| finding.verdict != "skipped");
        checked.map(|finding| finding.check).collect()
    };
    let (live, recorded) = (checked(&[]), checked(&["--from", path]));
    assert!(
        !live.is_empty() && live.is_subset(&recorded),
        "{live:?} {recorded:?}"
    );
    let copy = folder.path().join("copy");
    let copy = copy.to_str().unwrap();
    say(&["record", "--export", copy, "--from", path, "--anonymise"]).fine();
    let of_copy = samples(copy, &[]);
    assert_eq!(of_copy.len(), samples(path, &[]).len());
    let names = of_copy.iter().flat_map(|sample| &sample.domains);
    let names: Vec<&str> = names.filter_map(|domain| domain.name.as_deref()).collect();
    assert!(names.contains(&"domain-1") && names.contains(&"Domain-0"));
    let bytes = std::fs::read(copy).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("pv-"));
    let page = folder.path().join("page.html");
    say(&["report", "--from", path, "-o", page.to_str().unwrap()]).fine();
    let page = std::fs::read_to_string(page).unwrap();
    for found in ["pv-burn", "<td>renamed, was pv-net</td>", "checks were OK"] {
        assert!(page.contains(found), "no {found} in {page}");
    }
    // Of one domain, to standard output.
    let page = say(&["report", "pv-disk", "--from", path, "-o", "-"]).fine();
    let has_band = |name: &str| page.contains(&format!("<span class=\"name\">{name}</span></td>"));
    assert!(has_band("pv-disk") && !has_band("pv-burn"), "{page}");
    say(&["report", "nobody", "--from", path]).refused(1, &["no domain 'nobody'"]);
    say(&["list", "--from", path, "--at", "1999-01-01"]).refused(1, &["nothing was recorded"]);
    say(&["list", "--from", "/nonexistent"]).refused(1, &["/nonexistent"]);
    say(&["top", "-b", "--from", path, "--until", "1999-01-01"])
        .refused(1, &["nothing was recorded"]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_killed_recorder_leaves_a_recording() {
    let folder = tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut first = record(path);
    let before = grows(path, 3);
    first.kill().unwrap();
    first.wait().unwrap();
    let mut second = record(path);
    let all = grows(path, before + 3);
    second.kill().unwrap();
    second.wait().unwrap();
    assert!(Path::new(path).join("recording.sqlite").exists());
    let samples = samples(path, &[]);
    assert!(samples.len() >= all);
    // The first sample has none before it, and both recorders saw the same boot.
    let with_rates = |sample: &Record| sample.domains.iter().all(|d| d.cpu_percent.is_some());
    let without = samples.iter().filter(|sample| !with_rates(sample)).count();
    assert_eq!(without, 1);
}

/// A name of pv-net, until it is dropped.
struct Renamed(&'static str);

impl Renamed {
    fn to(name: &'static str) -> Self {
        tool("xl", &["rename", "pv-net", name]);
        Self(name)
    }
}

impl Drop for Renamed {
    fn drop(&mut self) {
        revert(|| {
            tool("xl", &["rename", self.0, "pv-net"]);
        });
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_live_view_steps_into_the_past() {
    let folder = "/var/lib/xenscope";
    let mut recorder = record(folder);
    grows(folder, 3);
    stop(&mut recorder);
    let _renamed = Renamed::to("now-net");
    let mut top = OnTerminal::start(&xenscope_path(), &["top", "-d", "1"], (80, 24));
    top.until("now", |screen| screen.contents().contains("now-net"));
    top.press("[");
    let is_past = |screen: &vt100::Screen| {
        let text = screen.contents();
        text.contains("THE PAST") && text.contains("pv-net") && !text.contains("now-net")
    };
    top.until("the past", is_past);
    // Two samples may be of the same second, so the figures of the first domain count as well. They may be equal too.
    let time = |screen: &vt100::Screen| {
        let figures = screen.rows(0, 30).nth(6);
        (screen.rows(0, 80).next(), figures)
    };
    let last = top.look(time);
    // The hour has no more than some seconds of samples, and the mark is there.
    top.until("the strip", |screen| {
        let strip = screen.rows(0, 80).nth(4).unwrap_or_default();
        strip.starts_with("CPU ") && strip.contains('│') && !strip.contains('?')
    });
    let is_before = |screen: &vt100::Screen| is_past(screen) && time(screen) != last;
    for _ in 0..5 {
        top.press("[");
        sleep(Duration::from_secs(2));
        if top.look(is_before) {
            break;
        }
    }
    top.until("a sample before", is_before);
    top.press(" ");
    top.until("the end", |screen| {
        screen
            .contents()
            .contains("nothing was recorded after this")
            && time(screen) == last
    });
    top.press("\x1b[F");
    top.until("now again", |screen| {
        let text = screen.contents();
        text.contains("now-net") && !text.contains("THE PAST")
    });
    top.press("q");
    assert!(top.ended().success());
    top.assert_restored();
    std::fs::remove_dir_all(folder).unwrap();
}

/// A file system of its own, until it is dropped.
struct Mounted<'a>(&'a str);

impl<'a> Mounted<'a> {
    fn at(folder: &'a str, words: &[&str]) -> Self {
        tool("mount", &[words, &[folder]].concat());
        Self(folder)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        revert(|| {
            tool("umount", &[self.0]);
        });
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_full_disk_costs_the_oldest_samples() {
    let folder = tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let _disk = Mounted::at(path, &["-t", "tmpfs", "-o", "size=2m", "none"]);
    let mut recorder = record(path);
    grows(path, 3);
    let filler = folder.path().join("filler");
    // It writes until there is no room.
    std::fs::write(&filler, vec![1; 4 << 20]).unwrap_err();
    let said = Followed::reading(recorder.stderr.take().unwrap());
    said.until_printed("the disk is full; the oldest samples are deleted for new ones");
    // What was taken since is there. A command may find nothing: it is deleted while it reads.
    let newest = || {
        let samples: Vec<Record> = all(&print(path, &[]).stdout);
        samples.last().map(|last| last.time)
    };
    let before = newest();
    let end = Instant::now() + LIMIT;
    while newest().is_none_or(|time| before.is_some_and(|before| time <= before)) {
        assert!(Instant::now() < end, "{}", said.printed());
        sleep(Duration::from_secs(1));
    }
    std::fs::remove_file(filler).unwrap();
    // Two chunks have 42.
    grows(path, 42);
    stop(&mut recorder);
    // It complains once.
    let said = said.printed();
    assert_eq!(said.lines().count(), 1, "{said}");
    let samples = samples(path, &[]);
    let long = samples
        .iter()
        .filter(|one| one.interval_ns > Some(5_000_000_000));
    assert_eq!(long.count(), 0, "samples between others are missing");
    let percents = samples.iter().filter_map(|one| one.host.cpu_percent);
    assert!(percents.into_iter().all(|percent| percent <= 101.0));
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_folder_that_cannot_be_written_is_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut recorder = record(path);
    let count = grows(path, 3);
    stop(&mut recorder);
    let other = tempdir().unwrap();
    let other = other.path().to_str().unwrap();
    let _mounted = Mounted::at(other, &["-o", "bind", path]);
    tool("mount", &["-o", "remount,bind,ro", other]);
    say(&["record", "--dir", other]).refused(1, &["Read-only file system", other]);
    assert!(samples(other, &[]).len() >= count);
}
