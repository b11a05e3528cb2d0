//! Hypercalls that fail. strace lets system calls of a running xenscope fail, so all else is real.

use std::fs;
use std::process::{Child, Command, Stdio};

use super::follow::Followed;
use super::revert;
use crate::command::{tool, xenscope, xenscope_path};
use crate::record::{Event, Record};
use crate::terminal::OnTerminal;

/// Lets hypercalls of a thread fail, until it is dropped.
struct Faults(Child);

impl Faults {
    /// Lets these ioctls of a thread fail with EAGAIN: `1..3` the next three, `1+` all. xenscope
    /// makes them for hypercalls, and a sample ends at the first that fails.
    fn of(thread: u32, which: &str) -> Self {
        let inject = format!("inject=ioctl:error=EAGAIN:when={which}");
        let strace = Command::new("strace")
            .args(["-qq", "-e", &inject, "-o", "/dev/null", "-p"])
            .arg(thread.to_string())
            .stdin(Stdio::null())
            .spawn();
        Self(strace.unwrap())
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        revert(|| {
            tool("kill", &["-INT", &self.0.id().to_string()]);
            self.0.wait().unwrap();
        });
    }
}

/// Waits until xenscope has reported this many failed samples.
fn until_failed(followed: &Followed, count: usize) {
    followed.until("the failures", |_: &[serde_json::Value]| {
        followed.complaints().matches("trying again").count() >= count
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn top_b_goes_on_after_failed_samples() {
    let words = ["top", "-b", "-d", "0.5", "--format", "json"];
    let top = Followed::start(&mut xenscope(&words));
    top.more(2);
    let faults = Faults::of(top.pid(), "1..3");
    until_failed(&top, 3);
    top.more(3);
    let records: Vec<Record> = top.said();
    let known = |record: &Record| record.domains[0].cpu_percent.is_some();
    assert!(records.iter().all(known), "{records:?}");
    // The first one after the failures covers their time as well.
    let longest = records.iter().filter_map(|record| record.interval_ns).max();
    assert!(longest >= Some(1_500_000_000), "{longest:?}");
    let said = top.complaints();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    // strace may attach in the middle of a sample: then the first one fails at a later hypercall.
    let why = "Resource temporarily unavailable (os error 11); trying again";
    assert!(lines.iter().all(|line| line.ends_with(why)), "{said}");
    assert!(
        lines[2].starts_with("xenscope: xc_physinfo failed: "),
        "{said}"
    );
    drop(faults);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn events_go_on_after_failed_samples() {
    let words = [
        "events",
        "--format",
        "json",
        "--since-start",
        "--poll",
        "0.2",
    ];
    let followed = Followed::start(&mut xenscope(&words));
    followed.until("the guests", |events: &[Event]| events.len() >= 4);
    let _faults = Faults::of(followed.pid(), "1..3");
    until_failed(&followed, 3);
    tool("xl", &["rename", "pv-net", "a-net"]);
    followed.until("an event after them", |events: &[Event]| {
        events.iter().any(|event| event.event == "renamed")
    });
    tool("xl", &["rename", "a-net", "pv-net"]);
}

/// Returns the thread of a process that has this name.
fn thread(process: u32, name: &str) -> u32 {
    let mut threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let found = threads.find_map(|thread| {
        let thread = thread.unwrap().path();
        let is_it = fs::read_to_string(thread.join("comm")).unwrap().trim() == name;
        is_it.then(|| thread.file_name()?.to_str()?.parse().ok())?
    });
    found.unwrap()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_live_view_shows_a_failure_until_the_next_sample() {
    let mut top = OnTerminal::start(&xenscope_path(), &["top", "-d", "1"], (120, 24));
    top.until_last_line_has("? help");
    let faults = Faults::of(thread(top.pid(), "sampler"), "1..3");
    top.until_last_line_has("! xc_physinfo failed: Resource temporarily unavailable");
    top.until_last_line_has("? help");
    drop(faults);

    let _faults = Faults::of(thread(top.pid(), "sampler"), "1+");
    assert_eq!(top.ended().exit_code(), 3);
    top.assert_restored();
    top.until("why", |screen| {
        screen.contents().contains("xenscope: xc_physinfo failed")
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn ten_failed_samples_in_a_row_end_a_command() {
    let words = ["top", "-b", "-d", "0.1", "--format", "json"];
    let mut top = Followed::start(&mut xenscope(&words));
    top.more(2);
    let _faults = Faults::of(top.pid(), "1+");
    assert_eq!(top.ended().code(), Some(3));
    top.until("its last line", |_: &[Record]| {
        top.complaints().lines().count() >= 10
    });
    let said = top.complaints();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 10, "{said}");
    assert_eq!(said.matches("trying again").count(), 9, "{said}");
    assert!(!lines[9].contains("trying again"), "{said}");
}
