//! Who waits for a pCPU: `waits` on the hypervisor. dom0 has pCPU 0 for itself, the guests share pCPU 1.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::follow::Running;
use super::guest::{Burning, Console, Paused};
use super::{attempts, revert};
use crate::command::{Said, run, say, tool, xenscope};

/// Makes `pv-net` burn until it is dropped.
pub struct NetBurns(());

impl NetBurns {
    pub fn start() -> Self {
        Console::of("pv-net").run("while :; do :; done & burner=$!");
        Self(())
    }
}

impl Drop for NetBurns {
    fn drop(&mut self) {
        revert(|| {
            Console::of("pv-net").run("kill $burner");
        });
    }
}

/// Returns what `waits` finds over this many seconds.
fn waits(seconds: &str) -> Value {
    let words = ["waits", "--seconds", seconds, "--format", "json"];
    serde_json::from_str(&say(&words).fine()).unwrap()
}

/// Returns the first vCPU of a domain.
pub fn vcpu<'a>(waits: &'a Value, name: &str) -> &'a Value {
    let domains = waits["domains"].as_array().unwrap();
    let domain = domains.iter().find(|domain| domain["name"] == name);
    &domain.unwrap_or_else(|| panic!("no {name} in {waits}"))["vcpus"][0]
}

pub fn percent(vcpu: &Value, field: &str) -> f64 {
    let value = vcpu[field].as_f64();
    value.unwrap_or_else(|| panic!("no {field} in {vcpu}"))
}

/// Returns for how much of its ready time a vCPU waited for a domain, in per cent.
pub fn waited_for(vcpu: &Value, name: &str) -> f64 {
    let others = vcpu["waited_for"].as_array().unwrap();
    let other = others.iter().find(|other| other["name"] == name);
    other.map_or(0.0, |other| percent(other, "percent"))
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn two_that_burn_on_one_pcpu_wait_for_each_other() {
    let _other = Paused::all(&["pv-disk"]);
    let _burning = Burning::start();
    let _net = NetBurns::start();
    let pairs = [("pv-burn", "pv-net"), ("pv-net", "pv-burn")];
    let found = attempts(3, || {
        let found = waits("4");
        for (one, other) in pairs {
            let vcpu = vcpu(&found, one);
            let (running, ready) = (
                percent(vcpu, "running_percent"),
                percent(vcpu, "ready_percent"),
            );
            assert!((98.0..=100.1).contains(&(running + ready)), "{vcpu}");
            assert!((40.0..=60.0).contains(&ready), "{vcpu}");
            assert!(waited_for(vcpu, other) > 95.0, "{vcpu}");
        }
        let ready = found["ready_vcpus"].as_f64().unwrap();
        assert!((0.9..=1.3).contains(&ready), "{found}");
        found
    });
    for (one, _) in pairs {
        let vcpu = vcpu(&found, one);
        assert_eq!(vcpu["pcpus"], serde_json::json!([1]), "{vcpu}");
        let [longest, p99] = ["longest_wait_ns", "p99_wait_ns"].map(|field| vcpu[field].as_u64());
        assert!(p99.is_some_and(|ns| ns > 0), "{vcpu}");
        assert!(longest >= p99.map(|ns| ns / 2), "{vcpu}");
    }
    // Nobody else may run where dom0 does.
    let dom0 = vcpu(&found, "Domain-0");
    assert_eq!(
        dom0["waited_for"].as_array().map(Vec::len),
        Some(0),
        "{dom0}"
    );
}

/// Sets the weights of domains until it is dropped.
pub struct Weights(Vec<(String, String)>);

impl Weights {
    pub fn set(weights: &[(&str, &str)]) -> Self {
        let listed = tool("xl", &["sched-credit2"]);
        let weight = |name: &str| {
            let mut lines = listed.lines().map(str::split_whitespace);
            let mut line = lines
                .find(|line| line.clone().next() == Some(name))
                .unwrap();
            line.nth(2).unwrap().to_owned()
        };
        let before = weights
            .iter()
            .map(|(name, _)| ((*name).to_owned(), weight(name)));
        let before = Self(before.collect());
        for (name, weight) in weights {
            tool("xl", &["sched-credit2", "-d", name, "-w", weight]);
        }
        before
    }
}

impl Drop for Weights {
    fn drop(&mut self) {
        revert(|| {
            for (name, weight) in &self.0 {
                tool("xl", &["sched-credit2", "-d", name, "-w", weight]);
            }
        });
    }
}

/// Sets scheduling parameters of `pv-burn` until it is dropped.
struct Scheduled;

impl Scheduled {
    fn set(option: &str, value: &str) -> Self {
        tool("xl", &["sched-credit2", "-d", "pv-burn", option, value]);
        Self
    }
}

impl Drop for Scheduled {
    fn drop(&mut self) {
        revert(|| {
            tool(
                "xl",
                &["sched-credit2", "-d", "pv-burn", "-w", "256", "-c", "0"],
            );
        });
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_cap_throttles() {
    let _others = Paused::all(&["pv-disk", "pv-net"]);
    let _burning = Burning::start();
    let _cap = Scheduled::set("-c", "25");
    let found = attempts(3, || {
        let found = waits("4");
        let burn = vcpu(&found, "pv-burn");
        let throttled = percent(burn, "throttled_percent");
        assert!((70.0..=80.0).contains(&throttled), "{burn}");
        found
    });
    // What is paused is not throttled.
    let net = vcpu(&found, "pv-net");
    assert_eq!(percent(net, "throttled_percent"), 0.0, "{net}");
    assert_eq!(percent(net, "ready_percent"), 0.0, "{net}");
}

/// Starts a long trace, and waits until it has begun.
fn tracing() -> Running {
    let words = ["waits", "--seconds", "600"];
    let child = Running::start(&mut xenscope(&words));
    until_traced(child.id());
    child
}

/// Waits until a process traces.
pub fn until_traced(pid: u32) {
    let end = Instant::now() + Duration::from_secs(60);
    // Only once it has the interrupt, so that it does not read along itself.
    while !(has_interrupt(pid) && short().stderr.contains("reads along")) {
        assert!(Instant::now() < end, "it never traces");
        sleep(Duration::from_millis(100));
    }
}

/// Returns whether a process has an event channel open.
fn has_interrupt(pid: u32) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten();
    let mut links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    links.any(|link| link.ends_with("evtchn"))
}

fn short() -> Said {
    say(&["waits", "pv-net", "--seconds", "0.3"])
}

fn end(mut child: Running, signal: &str) -> Option<i32> {
    tool("kill", &[signal, &child.id().to_string()]);
    child.wait().unwrap().signal()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_signal_switches_the_trace_off() {
    for (signal, number) in [("-TERM", 15), ("-INT", 2), ("-HUP", 1), ("-QUIT", 3)] {
        assert_eq!(end(tracing(), signal), Some(number));
        short().fine();
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_next_trace_cleans_up_after_a_kill() {
    assert_eq!(end(tracing(), "-KILL"), Some(9));
    let said = short();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("left on"), "{said:?}");
    short().fine();
}

/// The shortest time between two decisions of the scheduler, in microseconds, until this is dropped.
struct Ratelimit;

impl Ratelimit {
    fn set(microseconds: &str) -> Self {
        tool("xl", &["sched-credit2", "-s", "-r", microseconds]);
        Self
    }
}

impl Drop for Ratelimit {
    fn drop(&mut self) {
        revert(|| {
            tool("xl", &["sched-credit2", "-s", "-r", "1000"]);
        });
    }
}

/// Two that burn on one pCPU fill its buffer within seconds, while the program that reads it is stopped.
#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_reader_that_sleeps_knows_that_it_knows_nothing() {
    let _other = Paused::all(&["pv-disk"]);
    let _burning = Burning::start();
    let _net = NetBurns::start();
    let _ratelimit = Ratelimit::set("100");
    let words = ["waits", "--seconds", "40", "--format", "json"];
    let mut waits = xenscope(&words);
    let waits = Running::start(waits.stdout(Stdio::piped()).stderr(Stdio::piped()));
    until_traced(waits.id());
    tool("kill", &["-STOP", &waits.id().to_string()]);
    sleep(Duration::from_secs(35));
    tool("kill", &["-CONT", &waits.id().to_string()]);
    let said = Said::from(waits.output());
    assert!(
        said.stderr.contains("pCPU 1 lost records"),
        "{}",
        said.stderr
    );
    let found: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(found["lost_ns"].as_u64() > Some(0));
    for name in ["pv-burn", "pv-net"] {
        let vcpu = vcpu(&found, name);
        assert_eq!(vcpu["ready_percent"], Value::Null, "{vcpu}");
        assert!(percent(vcpu, "unknown_percent") > 10.0, "{vcpu}");
    }
    assert_eq!(found["ready_vcpus"], Value::Null);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn two_at_once_find_the_same() {
    let _other = Paused::all(&["pv-disk"]);
    let _burning = Burning::start();
    let _net = NetBurns::start();
    // Longer than the other two take, on a slow machine too.
    let words = ["waits", "--seconds", "30", "--format", "json"];
    let top = [
        "top", "-b", "--ready", "-i", "2", "-d", "0.3", "--format", "json",
    ];
    attempts(3, || {
        let owner = Running::start(xenscope(&words).stdout(Stdio::piped()));
        until_traced(owner.id());
        let beside = say(&["waits", "--seconds", "4", "--format", "json"]);
        let top = say(&top);
        let owner = owner.output();
        assert!(beside.stderr.contains("reads along"), "{beside:?}");
        assert!(top.stderr.contains("reads along"), "{top:?}");
        let [owner, beside] = [&owner.stdout[..], beside.stdout.as_bytes()]
            .map(|text| serde_json::from_slice::<Value>(text).unwrap());
        for name in ["pv-burn", "pv-net"] {
            let [one, other] =
                [&owner, &beside].map(|found| percent(vcpu(found, name), "ready_percent"));
            // The shorter one is a part of the longer one, and the emulator runs one guest for long at times.
            assert!((one - other).abs() < 12.0, "{one} {other}");
        }
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_timeline_shows_the_last_second() {
    let _other = Paused::all(&["pv-disk"]);
    let _burning = Burning::start();
    let _net = NetBurns::start();
    let words = ["waits", "pv-burn", "--seconds", "2", "--timeline"];
    attempts(3, || {
        let text = say(&[&words[..], &["pv-burn/0"]].concat()).fine();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('-')).collect();
        assert_eq!(lines.len(), 10, "{text}");
        let marks = |mark| -> usize { lines.iter().map(|line| line.matches(mark).count()).sum() };
        assert!(marks('#') > 50 && marks('w') > 50, "{text}");
        assert!(marks('#') + marks('w') > 980, "{text}");
    });
    say(&["waits", "--timeline", "pv-burn/7"]).refused(1, &["pv-burn has no vCPU 7: it has 1"]);
}

/// xentrace, which writes what it reads to a file.
pub struct Xentrace(Child);

const TRACED: &str = "/tmp/xentrace.bin";

impl Xentrace {
    /// Starts it with this mask, and waits until it traces.
    pub fn start(mask: &str) -> Self {
        let mut xentrace = Command::new("xentrace");
        let xentrace = Self(xentrace.args(["-D", "-e", mask, TRACED]).spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(60);
        while fs::metadata(TRACED).map_or(0, |file| file.len()) < 4096 {
            assert!(Instant::now() < end, "xentrace never traces");
            sleep(Duration::from_millis(100));
        }
        xentrace
    }
}

impl Drop for Xentrace {
    fn drop(&mut self) {
        revert(|| {
            tool("kill", &["-INT", &self.0.id().to_string()]);
            let _ = self.0.wait();
            let _ = fs::remove_file(TRACED);
        });
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn beside_xentrace_it_reads_along_or_says_why_it_cannot() {
    let _other = Paused::all(&["pv-disk"]);
    let _burning = Burning::start();
    let _net = NetBurns::start();
    let xentrace = Xentrace::start("0x21000");
    let said = say(&["waits", "--seconds", "3", "--format", "json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("reads along"), "{said:?}");
    let found: Value = serde_json::from_str(&said.stdout).unwrap();
    let burn = vcpu(&found, "pv-burn");
    let sum = percent(burn, "ready_percent") + percent(burn, "running_percent");
    assert!((98.0..=100.1).contains(&sum), "{burn}");
    assert!(waited_for(burn, "pv-net") > 95.0, "{burn}");
    drop(xentrace);
    // What the scheduler itself records, and no states.
    let xentrace = Xentrace::start("0x22000");
    short().refused(3, &["another program", "xentrace -e 0x21000"]);
    drop(xentrace);
    short().fine();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn an_xentrace_that_starts_later_fails() {
    // Longer than all of this takes, on a machine that stalls too.
    let words = ["waits", "--seconds", "30", "--format", "json"];
    let waits = Running::start(xenscope(&words).stdout(Stdio::piped()));
    until_traced(waits.id());
    let late = run(Command::new("xentrace").args(["-D", "-e", "0x22000", "-T", "2", TRACED]));
    assert_ne!(late.code, Some(0), "{late:?}");
    // It has set its mask and switched the trace off before it failed. xenscope has undone that, and says for how long
    // it saw nothing.
    let found = waits.output();
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert!(
        found["interval_ns"].as_u64() > Some(20_000_000_000),
        "{found}"
    );
    assert!(found["lost_ns"].as_u64() > Some(0), "{found}");
    short().fine();
}
