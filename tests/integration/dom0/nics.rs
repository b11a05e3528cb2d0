//! NICs whose interfaces change while their counters come by netlink.

use std::fs;
use std::process::{Child, Command, Stdio};

use super::follow::Followed;
use super::shells::Shells;
use super::wait_until;
use crate::command::{Said, run, tool, xenscope, xenscope_path};
use crate::record::{Nic, Record, all};

/// The ID of an empty domain.
const SHELL: u16 = 7900;

/// How many domains have NICs; their counters take more than one message.
const MANY: u16 = 150;

fn follow() -> Followed {
    Followed::start(&mut xenscope(&[
        "top", "-b", "-d", "0.2", "--format", "json",
    ]))
}

/// Returns the NIC of the empty domain in the newest sample.
fn nic(records: &[Record]) -> Option<&Nic> {
    let domains = &records.last()?.domains;
    let shell = domains.iter().find(|domain| domain.id == SHELL)?;
    shell.nics.as_ref()?.first()
}

/// Returns whether the NIC is called this and has counters.
fn counts(nic: Option<&Nic>, name: &str) -> bool {
    nic.is_some_and(|nic| nic.device == name && nic.rx_bytes.is_some())
}

/// Runs `top -b` under strace with these options; returns what it printed, and the trace.
fn traced(options: &[&str], top: &[&str]) -> (String, String) {
    let trace = "/tmp/nics.strace";
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-o", trace])
        .args(options)
        .args([&*xenscope_path(), "top", "-b"])
        .args(top)
        .stdin(Stdio::null());
    let printed = Said::fine(run(&mut strace));
    (printed, fs::read_to_string(trace).unwrap())
}

/// Waits until dom0 has this interface.
fn wait_for(name: &str) {
    let path = format!("/sys/class/net/{name}");
    wait_until(&path, || fs::exists(&path).unwrap());
}

/// Returns how many system calls a steady sample of `top -b` makes.
fn calls() -> usize {
    let (_, trace) = traced(&[], &["-d", "0.3", "-i", "8"]);
    let lines: Vec<&str> = trace.lines().collect();
    let begins = |line: &str| line.contains("write(1, \"      NAME ");
    let blocks: Vec<usize> = (0..lines.len()).filter(|&at| begins(lines[at])).collect();
    let samples = blocks.windows(2).map(|pair| pair[1] - pair[0]);
    // A sample in which something changed makes more.
    samples.skip(3).min().unwrap()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn many_nics_cost_two_system_calls() {
    let shells = Shells::create(MANY, SHELL, "");
    let few = calls();
    drop(shells);
    let _shells = Shells::create(MANY, SHELL, ":nic");
    wait_for(&format!("vif{}.0", SHELL + MANY - 1));
    let many = calls();
    assert!(many <= few + 2, "{many} calls, {few} without");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn netlink_failures_cost_no_counters() {
    for fault in [
        // A security policy without netlink.
        "bind:error=EACCES",
        // Lost notifications.
        "recvmmsg:error=ENOBUFS:when=3",
        "recvmmsg:error=ENOMEM:when=4+3",
        // An answer that ends early.
        "recvmmsg:error=EAGAIN:when=3..4",
    ] {
        let inject = format!("inject={fault}");
        let top = ["-d", "0.2", "-i", "8", "--format", "json"];
        let (printed, trace) = traced(&["-e", &inject], &top);
        assert!(trace.contains("INJECTED"), "{fault}: {trace}");
        for record in all::<Record>(&printed) {
            let domain = record.domain("pv-net");
            let nic = &domain.nics.as_ref().unwrap()[0];
            assert_eq!(nic.device, format!("vif{}.0", domain.id));
            assert!(nic.tx_packets_per_second.is_some(), "{fault}: {nic:?}");
        }
    }
}

/// A process in a network namespace of its own, until it is dropped.
struct Elsewhere(Child);

impl Elsewhere {
    fn new() -> Self {
        let mut unshare = Command::new("unshare");
        let child = unshare.args(["-n", "sleep", "1000"]).spawn().unwrap();
        let elsewhere = Self(child);
        let namespace = |id: &str| fs::read_link(format!("/proc/{id}/ns/net")).ok();
        wait_until("a namespace", || {
            namespace(&elsewhere.id()) != namespace("self")
        });
        elsewhere
    }

    fn id(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // Its interfaces come back when the namespace ends.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_nic_in_another_namespace_has_no_counters() {
    let _shell = Shells::create(1, SHELL, ":nic");
    let top = follow();
    let name = format!("vif{SHELL}.0");
    let here = |records: &[Record]| counts(nic(records), &name);
    top.until("here", here);
    tool("ip", &["link", "set", &name, "name", "uplink"]);
    top.until("renamed", |records: &[Record]| {
        counts(nic(records), "uplink")
    });
    tool("ip", &["link", "set", "uplink", "name", &name]);
    top.until("renamed back", here);
    let elsewhere = Elsewhere::new();
    tool("ip", &["link", "set", &name, "netns", &elsewhere.id()]);
    top.until("without counters", |records: &[Record]| {
        let nic = nic(records);
        nic.is_some_and(|nic| nic.device == name && nic.rx_bytes.is_none())
    });
    drop(elsewhere);
    top.until("here again", here);
    assert_eq!(top.complaints(), "");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_nic_made_again_between_samples_is_read() {
    let uuid = format!(":nic:uuid={}", "5e".repeat(16));
    let first = Shells::create(1, SHELL, &uuid);
    let top = follow();
    let name = format!("vif{SHELL}.0");
    top.until("there", |records: &[Record]| counts(nic(records), &name));
    let process = top.pid().to_string();
    tool("kill", &["-STOP", &process]);
    drop(first);
    let _second = Shells::create(1, SHELL, &uuid);
    wait_for(&name);
    let seen = top.count();
    tool("kill", &["-CONT", &process]);
    // Its interface may be the former one, as long as the kernel has not removed it.
    top.until("back", |records: &[Record]| {
        records.len() > seen + 3 && counts(nic(records), &name)
    });
    assert_eq!(top.complaints(), "");
}
