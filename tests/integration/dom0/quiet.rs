//! Audits of a host on which domains come, go and change all the time: no check fails.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::guest::Plug;
use super::shells::Shells;
use crate::command::{say, tool};
use crate::record::{Audit, all};

/// How many audits run if XENSCOPE_AUDITS does not say.
const AUDITS: &str = "10";

/// Audits the host for a second at a time while `change` is called with 0, 1, 2 and so on, until each of the `kinds` of
/// changes was made. Asserts that nothing failed.
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
            // A change that fails ends its thread, and then this test.
            while rounds.load(Ordering::Relaxed) < kinds && !changes.is_finished() {
                do_not_fail(&audits);
            }
        }));
        done.store(true, Ordering::Relaxed);
        if let Err(failure) = checked {
            panic::resume_unwind(failure);
        }
    });
}

/// Runs this many audits of a second.
fn do_not_fail(audits: &str) {
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
    let reports: Vec<Audit> = all(&said.stdout);
    let failed: Vec<_> = reports
        .iter()
        .flat_map(|report| &report.findings)
        .filter(|finding| finding.verdict == "failed")
        .collect();
    let clocks: Vec<_> = reports
        .iter()
        .map(|report| {
            let [skew, sum] = ["cpu.clock_skew", "cpu.conservation"].map(|check| report.of(check));
            (&skew.observed, skew.tolerance, &sum.expected, &sum.observed)
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {audits}: {failed:?}; clocks and sums: {clocks:?}",
        failed.len()
    );
    assert_eq!((said.code, &*said.stderr), (Some(0), ""));
    assert_eq!(reports.len().to_string(), audits);
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
