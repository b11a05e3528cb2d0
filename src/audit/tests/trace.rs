//! CPU time by the trace.

use super::*;
use crate::snapshot::{StateTimes, TraceTotals};

/// Adds a trace in which each vCPU ran for its CPU time, and was ready for the rest.
pub(super) fn trace(snapshot: &mut Snapshot, second: u64) {
    let elapsed_ns = second * SECOND;
    snapshot.collected.state_times = true;
    snapshot.host.trace = Some(TraceTotals {
        begin_ns: 7,
        elapsed_ns,
        records: second,
        contradictions: 0,
        lost_ns: 0,
        running_ns: elapsed_ns * u64::from(snapshot.host.pcpus),
        ready_ns: 0,
        most_ready: Some(1),
        stamp: snapshot.stamp,
    });
    for domain in &mut snapshot.domains {
        for vcpu in domain.vcpus.iter_mut().flatten() {
            vcpu.state_times = Some(StateTimes {
                running_ns: vcpu.cpu_time_ns,
                ready_ns: elapsed_ns - vcpu.cpu_time_ns,
                ..StateTimes::default()
            });
        }
    }
    // What Xen counts for dom0's kernel.
    let counted = snapshot.host.dom0_vcpus.as_ref().unwrap()[0];
    times(snapshot, 0).ready_ns = counted.runnable_ns;
}

fn totals(snapshot: &mut Snapshot) -> &mut TraceTotals {
    snapshot.host.trace.as_mut().unwrap()
}

fn times(snapshot: &mut Snapshot, domain: usize) -> &mut StateTimes {
    let vcpu = &mut snapshot.domains[domain].vcpus.as_mut().unwrap()[0];
    vcpu.state_times.as_mut().unwrap()
}

/// Returns the verdict of the check, if it was made.
fn verdict(change: impl Fn(&mut Snapshot, u64)) -> Option<Verdict> {
    let report = altered(|snapshot, second| {
        trace(snapshot, second);
        change(snapshot, second);
    });
    let mut findings = report.findings.iter();
    Some(findings.find(|one| one.check == "cpu.trace")?.verdict)
}

#[test]
fn a_trace_that_agrees_is_fine() {
    assert_eq!(verdict(|_, _| {}), Some(Verdict::Ok));
    let untraced = |snapshot: &mut Snapshot, _| snapshot.collected.state_times = false;
    assert_eq!(verdict(untraced), None);
}

#[test]
fn a_vcpu_that_ran_for_another_time_is_found() {
    let off = |parts| {
        move |snapshot: &mut Snapshot, second| {
            times(snapshot, 1).running_ns += second * SECOND / 1000 * parts;
        }
    };
    // The tolerance is 1 % of the interval and what may pass between two readings.
    assert_eq!(verdict(off(4)), Some(Verdict::Ok));
    assert_eq!(verdict(off(40)), Some(Verdict::Failed));
}

#[test]
fn a_sum_that_is_not_the_time_of_the_pcpus_is_found() {
    let short = |snapshot: &mut Snapshot, second| {
        totals(snapshot).running_ns -= second * SECOND / 50;
    };
    assert_eq!(verdict(short), Some(Verdict::Warning));
    let with_more_pcpus = |snapshot: &mut Snapshot, second| {
        short(snapshot, second);
        snapshot.host.pcpus += second as u32;
    };
    // Nobody knows when the pCPU came.
    assert_eq!(verdict(with_more_pcpus), Some(Verdict::Ok));
}

#[test]
fn dom0_that_was_ready_for_another_time_is_found() {
    let with_dom0 = |ready_ns: u64| {
        move |snapshot: &mut Snapshot, second| {
            let ready = second * ready_ns;
            snapshot.host.dom0_vcpus = Some(vec![Dom0Vcpu {
                id: 0,
                running_ns: snapshot.domains[0].cpu_time_ns,
                runnable_ns: second * SECOND / 10,
                blocked_ns: second * SECOND * 6 / 10,
                offline_ns: 0,
                stamp: snapshot.stamp,
            }]);
            times(snapshot, 0).ready_ns = ready;
        }
    };
    assert_eq!(verdict(with_dom0(SECOND / 10)), Some(Verdict::Ok));
    assert_eq!(verdict(with_dom0(SECOND / 5)), Some(Verdict::Failed));
}

#[test]
fn what_was_lost_is_not_compared() {
    let lost = |snapshot: &mut Snapshot, second| {
        totals(snapshot).lost_ns = second;
        times(snapshot, 1).running_ns = 0;
    };
    assert_eq!(verdict(lost), Some(Verdict::Skipped));
    let anew = |snapshot: &mut Snapshot, second| totals(snapshot).begin_ns = second;
    assert_eq!(verdict(anew), Some(Verdict::Skipped));
    let nothing = |snapshot: &mut Snapshot, _| snapshot.host.trace = None;
    assert_eq!(verdict(nothing), Some(Verdict::Skipped));
}
