//! Snapshots with faults. A correct snapshot has no findings, and each fault is found by its check
//! and by no other.

#![allow(clippy::unwrap_used, clippy::panic)]

mod clocks;
mod conservation;
mod cpu;
mod devices;
mod identity;
mod lifecycle;
mod memory;
mod trace;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::fixtures::{SECOND, audited, boot, disk, domain, nic, stamp};
use crate::snapshot::{
    Backend, DiskBackend, Dom0Vcpu, DomId, Domain, DomainState, Pool, Reservation, Scheduling,
    ShutdownReason, Snapshot, StateFlags, VcpuState,
};

/// Audits two samples, a second apart, with a fault in the newer one or in both.
fn altered(fault: impl Fn(&mut Snapshot, u64)) -> Report {
    let at = |second: u64| {
        let mut snapshot = audited(second * SECOND);
        fault(&mut snapshot, second);
        snapshot
    };
    Auditor::new(at(1)).audit(at(2)).unwrap()
}

/// Audits samples at these seconds, each with a fault; returns the last report.
fn audited_at(seconds: &[u64], fault: impl Fn(&mut Snapshot, u64)) -> Report {
    let mut snapshots = seconds.iter().map(|&second| {
        let mut snapshot = audited(second * SECOND);
        fault(&mut snapshot, second);
        snapshot
    });
    let mut auditor = Auditor::new(snapshots.next().unwrap());
    snapshots
        .map(|snapshot| auditor.audit(snapshot).unwrap())
        .last()
        .unwrap()
}

/// Asserts that this check warns of a fault until it has lasted for 30 s, and then fails.
fn fails_after_30_s(check: &'static str, fault: impl Fn(&mut Snapshot, u64)) {
    let verdict = |seconds: &[u64]| {
        let report = audited_at(seconds, &fault);
        let finding = of(&report, check);
        (finding.verdict, finding.reason.clone().unwrap())
    };
    let (young, reason) = verdict(&[1, 2, 30]);
    assert_eq!(young, Verdict::Warning, "{check}: {reason}");
    assert!(reason.ends_with("for at least 29.0 s"), "{reason}");
    let (old, reason) = verdict(&[1, 2, 30, 31]);
    assert_eq!(old, Verdict::Failed, "{check}: {reason}");
    assert!(reason.ends_with("for at least 30.0 s"), "{reason}");
    // A longer interval is as long.
    assert_eq!(verdict(&[1, 40]).0, Verdict::Failed, "{check}");
    let gone_once = audited_at(&[1, 2, 31], |snapshot, second| {
        if second != 2 {
            fault(snapshot, second);
        }
    });
    assert_eq!(of(&gone_once, check).verdict, Verdict::Warning, "{check}");
}

/// Returns the checks that found something, with their verdicts.
fn found(report: &Report) -> Vec<(&'static str, Verdict)> {
    let bad = |finding: &&Finding| finding.verdict > Verdict::Ok;
    let findings = report.findings.iter().filter(bad);
    findings
        .map(|finding| (finding.check, finding.verdict))
        .collect()
}

fn failed(check: &'static str) -> Vec<(&'static str, Verdict)> {
    vec![(check, Verdict::Failed)]
}

fn warned(check: &'static str) -> Vec<(&'static str, Verdict)> {
    vec![(check, Verdict::Warning)]
}

fn of<'a>(report: &'a Report, check: &str) -> &'a Finding {
    report
        .findings
        .iter()
        .find(|finding| finding.check == check)
        .unwrap()
}

/// Returns the second domain, `web`.
fn web(snapshot: &mut Snapshot) -> &mut Domain {
    &mut snapshot.domains[1]
}

fn backend(kind: &str, domain: u16, device: u32) -> Backend {
    Backend {
        kind: kind.to_owned(),
        domain: DomId(domain),
        device,
    }
}

fn list(snapshot: &mut Snapshot, backend: Backend) {
    let listing = snapshot.listing.as_mut().unwrap();
    listing.backends.push(backend);
}

#[test]
fn correct_snapshots_have_no_findings() {
    let report = altered(|_, _| {});
    assert_eq!(found(&report), []);
    let skipped = |finding: &&Finding| finding.verdict == Verdict::Skipped;
    let skipped: Vec<_> = report.findings.iter().filter(skipped).collect();
    let skipped: Vec<_> = skipped.iter().map(|finding| finding.check).collect();
    assert_eq!(
        skipped,
        [
            "cpu.since_first",
            "cpu.pools",
            "cpu.cap",
            "memory.lifecycle",
            "memory.sharing",
            "memory.pod"
        ]
    );
    assert_eq!(
        of(&report, "cpu.cap").reason.as_deref(),
        Some("no domain has a cap or a budget")
    );
    assert_eq!(report.interval_ns, Some(SECOND));
    for finding in &report.findings {
        assert_eq!(
            finding.figures.is_some(),
            finding.verdict != Verdict::Skipped
        );
        assert_eq!(finding.figures.is_some(), finding.tolerance_from.is_some());
    }
}

#[test]
fn boots_are_not_compared() {
    let at = |second: u64, id: u128| Snapshot {
        boot: boot(id),
        ..audited(second * SECOND)
    };
    let mut auditor = Auditor::new(at(7, 1));
    assert_eq!(auditor.audit(at(2, 2)), None);
    assert_eq!(found(&auditor.audit(at(3, 2)).unwrap()), []);
}

/// Frees this many bytes in all counts.
fn free(snapshot: &mut Snapshot, bytes: i64) {
    let host = &mut snapshot.host;
    host.memory_free_bytes = host.memory_free_bytes.saturating_add_signed(bytes);
    host.memory_free_after_bytes = Some(host.memory_free_bytes);
    host.memory_free_at_nodes_bytes = Some(host.memory_free_bytes);
    host.nodes.as_mut().unwrap()[0].memory_free_bytes = Some(host.memory_free_bytes);
}

/// Makes web a domain that has never run, and its pCPU idle.
fn never_run(snapshot: &mut Snapshot) {
    let domain = web(snapshot);
    let ran = domain.cpu_time_ns;
    domain.cpu_time_ns = 0;
    domain.states = StateFlags {
        paused: true,
        ..StateFlags::default()
    };
    assert_eq!(domain.states.summary(), DomainState::Paused);
    for vcpu in domain.vcpus.as_mut().unwrap() {
        vcpu.cpu_time_ns = 0;
    }
    let idle = snapshot.host.pcpu[0].idle_time_ns.unwrap();
    snapshot.host.pcpu[0].idle_time_ns = Some(idle + ran);
}

#[test]
fn impossible_placements_are_found() {
    let report = altered(|snapshot, _| web(snapshot).pool = 7);
    // The domain count of its old pool differs too.
    let twice = [failed("placement.domains"), failed("placement.domains")].concat();
    assert_eq!(found(&report)[..2], twice);
    let affinity = |pcpus: &'static [u32]| {
        altered(move |snapshot, _| {
            let vcpu = &mut web(snapshot).vcpus.as_mut().unwrap()[0];
            vcpu.hard_affinity = Some(pcpus.to_vec());
        })
    };
    assert_eq!(found(&affinity(&[1])), []);
    assert_eq!(found(&affinity(&[1, 9])), failed("placement.affinity"));
    assert_eq!(found(&affinity(&[])), failed("placement.affinity"));
    // If it is seen once, a pCPU may have moved between two readings.
    let fresh = altered(|snapshot, second| {
        let vcpu = &mut web(snapshot).vcpus.as_mut().unwrap()[0];
        vcpu.hard_affinity = (second == 2).then(Vec::new);
    });
    assert_eq!(found(&fresh), warned("placement.affinity"));
    let unknown = |since: u64| {
        altered(move |snapshot, second| {
            if second >= since {
                snapshot.host.pools.as_mut().unwrap()[0].pcpus.push(9);
            }
        })
    };
    assert_eq!(found(&unknown(0)), failed("placement.pcpus"));
    assert_eq!(found(&unknown(2)), warned("placement.pcpus"));
    let report = altered(|snapshot, _| {
        let pools = snapshot.host.pools.as_mut().unwrap();
        pools.push(crate::snapshot::Pool {
            id: 1,
            domains: 0,
            ..pools[0].clone()
        });
    });
    assert_eq!(
        found(&report),
        [failed("placement.pcpus"), failed("placement.pcpus")].concat()
    );
}

proptest! {
    #[test]
    fn no_numbers_panic(
        times in proptest::array::uniform4(any::<u64>()),
        at in proptest::array::uniform4(any::<u64>()),
        cap: u16,
    ) {
        let snapshot = |time: usize| {
            let mut snapshot = audited(SECOND);
            snapshot.stamp.at_ns = at[time];
            snapshot.host.pcpu_stamp.uncertainty_ns = at[time + 1];
            snapshot.host.pcpu[0].idle_time_ns = Some(times[time]);
            snapshot.host.memory_bytes = times[time];
            snapshot.host.memory_free_after_bytes = Some(times[3]);
            let domain = web(&mut snapshot);
            domain.cpu_time_ns = times[time + 1];
            domain.memory_bytes = times[time + 2];
            domain.memory_target_bytes = Some(times[time]);
            domain.vcpus_max = u32::from(cap) << 16;
            domain.stamp.at_ns = at[time + 2];
            domain.scheduling = Some(Scheduling::Credit2 { weight: 1, cap_percent: Some(cap) });
            snapshot.host.dom0.as_mut().unwrap().steal_time_ns = Some(times[time]);
            snapshot.host.pcpu_clocks.as_mut().unwrap()[0].ns = times[time];
            snapshot.host.dom0_vcpus.as_mut().unwrap()[0].runnable_ns = times[time];
            snapshot
        };
        let report = Auditor::new(snapshot(0)).audit(snapshot(1)).unwrap();
        prop_assert!(!report.findings.is_empty());
    }
}

proptest! {
    /// A fault fails if all samples of at least 30 s have it, whatever was before.
    #[test]
    fn only_a_fault_that_lasts_fails(
        samples in proptest::collection::vec((1..20_u64, any::<bool>()), 1..30),
    ) {
        let mut auditor = Auditor::new(audited(SECOND));
        let (mut second, mut since) = (1, None);
        for (passed, is_orphan) in samples {
            second += passed;
            let mut snapshot = audited(second * SECOND);
            if is_orphan {
                snapshot.listing.as_mut().unwrap().domains.push(DomId(4000));
            }
            since = since.or(Some(second)).filter(|_| is_orphan);
            let report = auditor.audit(snapshot).unwrap();
            let expected = match since {
                None => Verdict::Ok,
                Some(since) if second - since >= 30 => Verdict::Failed,
                Some(_) => Verdict::Warning,
            };
            prop_assert_eq!(of(&report, "identity.orphans").verdict, expected);
        }
    }
}

#[test]
fn the_docs_describe_every_check() {
    let docs = include_str!("../../../docs/audit.md");
    let section = docs.split("## The checks").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    let documented: BTreeSet<&str> = names.collect();
    let report = altered(trace::trace);
    let checks = report.findings.iter().map(|finding| finding.check);
    assert_eq!(documented, checks.collect());
}
