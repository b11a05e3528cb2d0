//! Who waits for a pCPU: `waits` on the hypervisor. dom0 has pCPU 0 for itself, the guests share pCPU 1.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::guest::{Burning, Console, Paused};
use crate::command::{Said, say, tool, xenscope};

/// Makes `pv-net` burn until it is dropped.
struct NetBurns;

impl NetBurns {
    fn start() -> Self {
        Console::of("pv-net").run("while :; do :; done & burner=$!");
        Self
    }
}

impl Drop for NetBurns {
    fn drop(&mut self) {
        Console::of("pv-net").run("kill $burner");
    }
}

/// Returns what `waits` finds over this many seconds.
fn waits(seconds: &str) -> Value {
    let words = ["waits", "--seconds", seconds, "--format", "json"];
    serde_json::from_str(&say(&words).fine()).unwrap()
}

/// Returns the first vCPU of a domain.
fn vcpu<'a>(waits: &'a Value, name: &str) -> &'a Value {
    let domains = waits["domains"].as_array().unwrap();
    let domain = domains.iter().find(|domain| domain["name"] == name);
    &domain.unwrap_or_else(|| panic!("no {name} in {waits}"))["vcpus"][0]
}

fn percent(vcpu: &Value, field: &str) -> f64 {
    let value = vcpu[field].as_f64();
    value.unwrap_or_else(|| panic!("no {field} in {vcpu}"))
}

/// Returns for how much of its ready time a vCPU waited for a domain, in per cent.
fn waited_for(vcpu: &Value, name: &str) -> f64 {
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
    let found = waits("4");
    for (one, other) in [("pv-burn", "pv-net"), ("pv-net", "pv-burn")] {
        let vcpu = vcpu(&found, one);
        let (running, ready) = (
            percent(vcpu, "running_percent"),
            percent(vcpu, "ready_percent"),
        );
        assert!((98.0..=100.1).contains(&(running + ready)), "{vcpu}");
        assert!((40.0..=60.0).contains(&ready), "{vcpu}");
        assert!(waited_for(vcpu, other) > 95.0, "{vcpu}");
        assert_eq!(vcpu["pcpus"], serde_json::json!([1]), "{vcpu}");
        assert!(vcpu["longest_wait_ns"].as_u64() >= vcpu["p99_wait_ns"].as_u64().map(|ns| ns / 2));
    }
    // Nobody else may run where dom0 does.
    let dom0 = vcpu(&found, "Domain-0");
    assert_eq!(
        dom0["waited_for"].as_array().map(Vec::len),
        Some(0),
        "{dom0}"
    );
    let ready = found["ready_vcpus"].as_f64().unwrap();
    assert!((0.9..=1.3).contains(&ready), "{found}");
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
        tool(
            "xl",
            &["sched-credit2", "-d", "pv-burn", "-w", "256", "-c", "0"],
        );
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_cap_throttles() {
    let _others = Paused::all(&["pv-disk", "pv-net"]);
    let _burning = Burning::start();
    let _cap = Scheduled::set("-c", "25");
    let found = waits("4");
    let burn = vcpu(&found, "pv-burn");
    let throttled = percent(burn, "throttled_percent");
    assert!((70.0..=80.0).contains(&throttled), "{burn}");
    // What is paused is not throttled.
    let net = vcpu(&found, "pv-net");
    assert_eq!(percent(net, "throttled_percent"), 0.0, "{net}");
    assert_eq!(percent(net, "ready_percent"), 0.0, "{net}");
}

/// Starts a long trace, and waits until it has begun.
fn tracing() -> Child {
    let words = ["waits", "--seconds", "600"];
    let child = xenscope(&words).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    // Only once it has the interrupt, so that it does not read along itself.
    while !(has_interrupt(child.id()) && short().stderr.contains("reads along")) {
        assert!(Instant::now() < end, "it never traces");
        sleep(Duration::from_millis(100));
    }
    child
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

fn end(mut child: Child, signal: &str) -> Option<i32> {
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
