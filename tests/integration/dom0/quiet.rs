//! Audits of a host on which domains come, go and change all the time: no check fails.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::guest::Plug;
use super::shells::Shells;
use crate::command::{say, tool};
use crate::record::{Audit, Finding, all};

/// How many audits run if XENSCOPE_AUDITS does not say.
const AUDITS: &str = "10";

/// The checks that fail if the clocks of pCPUs differ for a moment, in which nothing reads them.
const SUMS: [&str; 3] = ["cpu.conservation", "cpu.pools", "cpu.since_first"];

/// Which part of the pCPUs' time may be missing, whatever explains it: a check with a large tolerance does not fail.
pub const MISSING: f64 = 0.05;

/// Audits the host for a second at a time while `change` is called with 0, 1, 2 and so on, until each of the `kinds` of
/// changes was made. Asserts that nothing failed, but for the sums of CPU time in one report.
pub fn audits_while(kinds: usize, change: impl Fn(usize) + Send + Sync) {
    let audits = env::var("XENSCOPE_AUDITS").unwrap_or(AUDITS.to_owned());
    let done = AtomicBool::new(false);
    let rounds = AtomicUsize::new(0);
    thread::scope(|scope| {
        let changes = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                change(rounds.load(Ordering::Relaxed));
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        });
        // The changes end, whatever an audit says.
        let checked = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut off = Vec::new();
            // A change that fails ends its thread, and then this test.
            while rounds.load(Ordering::Relaxed) < kinds && !changes.is_finished() {
                off.extend(audited(&audits));
                // A skew that lasts for less than from one reading of the clocks to the next explains one report.
                assert!(off.len() <= 1, "{off:?}");
            }
        }));
        done.store(true, Ordering::Relaxed);
        if let Err(failure) = checked {
            panic::resume_unwind(failure);
        }
    });
}

/// Runs this many audits of a second; returns the reports in which CPU time is missing. Asserts that nothing else
/// fails.
fn audited(audits: &str) -> Vec<Audit> {
    let words = [
        "audit",
        "--interval",
        "1",
        "--samples",
        audits,
        "--format",
        "json",
    ];
    let said = say(&words);
    let mut reports: Vec<Audit> = all(&said.stdout);
    let findings = reports.iter().flat_map(|report| &report.findings);
    let failed: Vec<_> = findings.filter(|one| one.verdict == "failed").collect();
    let of_sums = |one: &&Finding| SUMS.contains(&&*one.check);
    assert!(failed.iter().all(of_sums), "{failed:?} in {reports:?}");
    let code = i32::from(!failed.is_empty());
    assert_eq!((said.code, &*said.stderr), (Some(code), ""));
    assert_eq!(reports.len().to_string(), audits);
    reports.retain(|report| {
        let mut findings = report.findings.iter();
        findings.any(|one| one.verdict == "failed") || report.missing() >= MISSING
    });
    reports
}

/// How many kinds of changes [`changes`] makes.
pub const KINDS: usize = 6;

/// Creates and destroys domains, balloons one, moves one between pCPUs, plugs and unplugs a disk, and makes dom0 busy.
pub fn changes(round: usize) {
    let second = Duration::from_secs(1);
    match round % KINDS {
        0 => {
            let shells = Shells::create(20, 3000, "");
            thread::sleep(second);
            drop(shells);
        }
        1 => {
            tool("xl", &["mem-set", "pv-net", "120"]);
            thread::sleep(second);
            tool("xl", &["mem-set", "pv-net", "128"]);
        }
        2 => {
            tool("xl", &["vcpu-pin", "pv-disk", "all", "0"]);
            thread::sleep(second);
            tool("xl", &["vcpu-pin", "pv-disk", "all", "1"]);
        }
        3 => {
            let disk = Plug::of("/tmp/plugged.img");
            disk.plug();
            thread::sleep(second);
            disk.unplug();
        }
        4 => {
            tool("sh", &["-c", "head -c 30000000 /dev/zero | md5sum"]);
        }
        _ => {
            tool("xl", &["unpause", "pv-burn"]);
            thread::sleep(second);
            tool("xl", &["pause", "pv-burn"]);
        }
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn audits_of_a_changing_host_do_not_fail() {
    audits_while(KINDS, changes);
}
