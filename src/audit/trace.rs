//! CPU time by Xen's trace buffers, against CPU time by hypercalls.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, signed};
use crate::rates::trace_tolerance_ns;
use crate::snapshot::{Dom0Vcpu, DomId, Domain, Host, Stamp, StateTimes, TraceTotals, Vcpu};

/// How far the sum of all running times may be from the time of all pCPUs, in parts of it: what the rate of the TSC
/// and the clocks of pCPUs are off by.
const SUM_PARTS: i64 = 400;

/// What passes between the two records of a switch, in which Xen runs nobody, in nanoseconds for each record: some 4 us
/// a switch were seen on an emulated CPU.
const NS_PER_RECORD: i64 = 2_500;

/// Compares the running times of all vCPUs and of each one, if both samples are of the same trace. Without a trace
/// there is no such check.
pub(super) fn checks(interval: &Interval<'_>) -> Vec<Found> {
    if !interval.after.collected.state_times {
        return Vec::new();
    }
    let mut check = Check::new(
        "cpu.trace",
        "time that vCPUs ran by the trace, against pCPUs × time and CPU time; dom0's ready time",
        "a quarter per cent of all pCPUs' time and 2.5 us a record; 1 % of a vCPU's, 20 us for each time that it was scheduled, and \
         between reading the trace and the vCPU",
    );
    let traces = (interval.before.host.trace, interval.after.host.trace);
    let (Some(was), Some(is)) = traces else {
        return check.finish("nothing was traced");
    };
    if was.begin_ns != is.begin_ns {
        return check.finish("the trace began anew");
    }
    if was.lost_ns != is.lost_ns {
        return check.finish("records were lost");
    }
    sum(interval, &mut check, (was, is));
    vcpus(interval, &mut check, (was, is));
    dom0(interval, &mut check, (was, is));
    check.finish("")
}

/// Compares the time that all vCPUs ran, the idle ones too, with the time of all pCPUs.
fn sum(interval: &Interval<'_>, check: &mut Check, (was, is): (TraceTotals, TraceTotals)) {
    let pcpus = interval.after.host.pcpus;
    if interval.before.host.pcpus != pcpus {
        return;
    }
    let all = rise(was.elapsed_ns, is.elapsed_ns).saturating_mul(i64::from(pcpus));
    let ran = rise(was.running_ns, is.running_ns);
    let switching = rise(was.records, is.records).saturating_mul(NS_PER_RECORD);
    let tolerance = (all / SUM_PARTS).saturating_add(switching);
    let numbers = Numbers::equal(Unit::Ns, all, ran, tolerance);
    check.numbers(None, numbers, || {
        Fault::warning("the trace's running times do not add up to the time of the pCPUs")
    });
}

/// Compares the time that each vCPU ran with its CPU time.
fn vcpus(interval: &Interval<'_>, check: &mut Check, traces: (TraceTotals, TraceTotals)) {
    for (old, new) in interval.pairs() {
        for (then, vcpu) in matching(old, new) {
            let (Some(first), Some(last)) = (then.state_times, vcpu.state_times) else {
                continue;
            };
            let numbers = Numbers::equal(
                Unit::Ns,
                rise(then.cpu_time_ns, vcpu.cpu_time_ns),
                rise(first.running_ns, last.running_ns),
                tolerance(interval, traces, (first, last), (then.stamp, vcpu.stamp)),
            );
            check.numbers(Some(new.id), numbers, || {
                let text = format!(
                    "vCPU {} ran for another time by the trace than by Xen's count",
                    vcpu.id
                );
                interval.miscount(numbers, 1, text)
            });
        }
    }
}

/// Compares the time that each of dom0's vCPUs was ready with what Xen counts for dom0's kernel.
fn dom0(interval: &Interval<'_>, check: &mut Check, traces: (TraceTotals, TraceTotals)) {
    let counted = |host: &Host| host.dom0_vcpus.clone().unwrap_or_default();
    let (before, after) = (
        counted(&interval.before.host),
        counted(&interval.after.host),
    );
    let Some((old, new)) = interval.pairs().find(|(_, new)| new.id == DomId::DOM0) else {
        return;
    };
    for (then, vcpu) in matching(old, new) {
        let of = |all: &[Dom0Vcpu]| all.iter().find(|one| one.id == vcpu.id).copied();
        let (Some(was), Some(is)) = (of(&before), of(&after)) else {
            continue;
        };
        let (Some(first), Some(last)) = (then.state_times, vcpu.state_times) else {
            continue;
        };
        let numbers = Numbers::equal(
            Unit::Ns,
            rise(was.runnable_ns, is.runnable_ns),
            rise(first.ready_ns, last.ready_ns),
            tolerance(interval, traces, (first, last), (was.stamp, is.stamp)),
        );
        check.numbers(Some(new.id), numbers, || {
            let text = format!(
                "vCPU {} was ready for another time by the trace than by Xen's count",
                vcpu.id
            );
            interval.miscount(numbers, 1, text)
        });
    }
}

/// Returns the vCPUs that are in both states of a domain.
fn matching<'a>(old: &'a Domain, new: &'a Domain) -> impl Iterator<Item = (&'a Vcpu, &'a Vcpu)> {
    new.vcpus.iter().flatten().filter_map(|vcpu| {
        let mut before = old.vcpus.iter().flatten();
        Some((before.find(|then| then.id == vcpu.id)?, vcpu))
    })
}

/// Returns by how much a time of the trace may differ from one that was read at these stamps.
fn tolerance(
    interval: &Interval<'_>,
    traces: (TraceTotals, TraceTotals),
    times: (StateTimes, StateTimes),
    stamps: (Stamp, Stamp),
) -> i64 {
    let tolerance_ns = trace_tolerance_ns(traces, times, stamps);
    signed(tolerance_ns.saturating_add(interval.skew_of_two_readings_ns()))
}

/// Returns by how much a count has risen.
fn rise(old: u64, new: u64) -> i64 {
    signed(new).saturating_sub(signed(old))
}
