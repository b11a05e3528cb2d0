//! CPU time by Xen's trace buffers, against CPU time by hypercalls.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, signed};
use crate::rates::Span;
use crate::snapshot::{Snapshot, TraceTotals, Vcpu};

/// How far the sum of all running times may be from the time of all pCPUs, in parts of it: what the rate of the TSC
/// and the clocks of pCPUs are off by.
const SUM_PARTS: i64 = 400;

/// How far the running time of a vCPU may be from its CPU time: a hundredth of the interval.
const VCPU_PARTS: i64 = 100;

/// How far each scheduling may be recorded from when it is counted, in nanoseconds.
const NS_PER_SCHEDULE: i64 = 20_000;

/// Compares the running times of all vCPUs and of each one, if both samples are of the same trace. Without a trace
/// there is no such check.
pub(super) fn checks(interval: &Interval<'_>) -> Vec<Found> {
    if !interval.after.collected.state_times {
        return Vec::new();
    }
    let mut check = Check::new(
        "cpu.trace",
        "time that vCPUs ran by the trace, against pCPUs × time and against CPU time",
        "a quarter per cent of all pCPUs' time; 1 % of a vCPU's, 20 us for each time that it was scheduled, and \
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
    check.finish("")
}

/// Compares the time that all vCPUs ran, the idle ones too, with the time of all pCPUs.
fn sum(interval: &Interval<'_>, check: &mut Check, (was, is): (TraceTotals, TraceTotals)) {
    let elapsed = signed(is.elapsed_ns).saturating_sub(signed(was.elapsed_ns));
    let all = elapsed.saturating_mul(i64::from(interval.after.host.pcpus));
    let ran = signed(is.running_ns).saturating_sub(signed(was.running_ns));
    let same_pcpus = interval.before.host.pcpus == interval.after.host.pcpus;
    if same_pcpus {
        let numbers = Numbers::equal(Unit::Ns, all, ran, all / SUM_PARTS);
        check.numbers(None, numbers, || {
            Fault::warning("the trace's running times do not add up to the time of the pCPUs")
        });
    }
}

/// Compares the time that each vCPU ran with its CPU time.
fn vcpus(interval: &Interval<'_>, check: &mut Check, (was, is): (TraceTotals, TraceTotals)) {
    let off = |snapshot: &Snapshot, trace: &TraceTotals, vcpu: &Vcpu| {
        let between = trace.stamp.around(vcpu.stamp);
        signed(between.uncertainty_ns.saturating_mul(2)).max(signed(snapshot.stamp.uncertainty_ns))
    };
    for (old, new) in interval.pairs() {
        for vcpu in new.vcpus.iter().flatten() {
            let mut before = old.vcpus.iter().flatten();
            let Some(then) = before.find(|then| then.id == vcpu.id) else {
                continue;
            };
            let (Some(first), Some(last)) = (then.state_times, vcpu.state_times) else {
                continue;
            };
            let Some(span) = Span::between(then.stamp, vcpu.stamp) else {
                continue;
            };
            let rise = |old: u64, new: u64| signed(new).saturating_sub(signed(old));
            let schedules = rise(first.schedules, last.schedules);
            let tolerance = [
                signed(span.ns) / VCPU_PARTS,
                schedules.saturating_mul(NS_PER_SCHEDULE),
                off(interval.before, &was, then),
                off(interval.after, &is, vcpu),
                signed(interval.skew_of_two_readings_ns()),
            ];
            let numbers = Numbers::equal(
                Unit::Ns,
                rise(then.cpu_time_ns, vcpu.cpu_time_ns),
                rise(first.running_ns, last.running_ns),
                tolerance.into_iter().fold(0, i64::saturating_add),
            );
            let fault = || {
                let text = format!(
                    "vCPU {} ran for another time by the trace than by Xen's count",
                    vcpu.id
                );
                interval.miscount(numbers, 1, text)
            };
            check.numbers(Some(new.id), numbers, fault);
        }
    }
}
