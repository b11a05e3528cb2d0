//! dom0: what Xen counted for its vCPUs, against Xen's CPU time and the steal of its kernel.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, signed};
use crate::snapshot::{Dom0Kernel, Dom0Vcpu, DomId, Domain, Host, Snapshot, VcpuState};

/// How far a kernel's steal may be off beside the ticks: it counts steal only when a CPU takes an interrupt.
const STEAL_PER_CENT: i64 = 1;
const STEAL_NS: i64 = 20_000_000;

/// Checks that the states of dom0's vCPUs add up to the time, that the time running is Xen's CPU time, and that the
/// time without a pCPU is the steal of dom0's kernel.
pub(super) fn checks(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "dom0.runstate",
        "dom0's vCPUs: the time in all states against the time that passed, running against Xen's \
         CPU time, waiting and offline against its kernel's steal",
        "the uncertainty of both samples and, for each vCPU, twice the skew of the pCPUs' clocks; for \
         running, the time between reading dom0 and reading the vCPU; for steal, one tick of /proc/stat for each vCPU, 20 ms, and 1 % of the time",
    );
    let (Some(old), Some(new)) = (vcpus(&interval.before.host), vcpus(&interval.after.host)) else {
        return check.finish("Xen does not tell how long dom0's vCPUs were in each state");
    };
    for is in new {
        if let Some(was) = old.iter().find(|was| was.id == is.id) {
            states(interval, &mut check, was, is);
        }
    }
    let Some(dom0) = dom0(interval.after) else {
        return check.finish("dom0 is not in the sample");
    };
    running(interval, &mut check, dom0, new);
    steal(interval, &mut check, (old, new));
    check.finish("")
}

fn vcpus(host: &Host) -> Option<&[Dom0Vcpu]> {
    host.dom0_vcpus.as_deref().filter(|vcpus| !vcpus.is_empty())
}

fn dom0(snapshot: &Snapshot) -> Option<&Domain> {
    snapshot.domains.first().filter(|domain| domain.id.0 == 0)
}

/// Compares the time in all states with the time that passed.
fn states(interval: &Interval<'_>, check: &mut Check, was: &Dom0Vcpu, is: &Dom0Vcpu) {
    let Some(span) = interval.span(was.stamp, is.stamp) else {
        return;
    };
    let sum = |vcpu: &Dom0Vcpu| {
        let states = [
            vcpu.running_ns,
            vcpu.runnable_ns,
            vcpu.blocked_ns,
            vcpu.offline_ns,
        ];
        states.map(signed).into_iter().fold(0, i64::saturating_add)
    };
    let passed = sum(is).saturating_sub(sum(was));
    let numbers = Numbers::equal(
        Unit::Ns,
        signed(span.ns),
        passed,
        signed(
            span.uncertainty_ns
                .saturating_add(interval.skew_of_two_readings_ns()),
        ),
    );
    check.numbers(Some(DomId(0)), numbers, || {
        interval.miscount(
            numbers,
            1,
            format!(
                "vCPU {} of dom0: its states do not add up to the time",
                is.id
            ),
        )
    });
}

/// Compares the time that the vCPUs were running with dom0's CPU time.
fn running(interval: &Interval<'_>, check: &mut Check, dom0: &Domain, vcpus: &[Dom0Vcpu]) {
    if vcpus.len() != usize::try_from(dom0.vcpus_max).unwrap_or(usize::MAX) {
        return;
    }
    let running = vcpus.iter().map(|vcpu| signed(vcpu.running_ns));
    let delay = |vcpu: &Dom0Vcpu| {
        let bracket = dom0.stamp.around(vcpu.stamp);
        let skew_ns = interval.skew_of_two_readings_ns();
        signed(
            bracket
                .uncertainty_ns
                .saturating_mul(2)
                .saturating_add(skew_ns),
        )
    };
    let numbers = Numbers::equal(
        Unit::Ns,
        signed(dom0.cpu_time_ns),
        running.fold(0, i64::saturating_add),
        vcpus.iter().map(delay).fold(0, i64::saturating_add),
    );
    check.numbers(Some(dom0.id), numbers, || {
        interval.miscount(
            numbers,
            vcpus.len(),
            "the time that dom0's vCPUs ran is not dom0's CPU time".to_owned(),
        )
    });
}

/// Compares the time that the vCPUs were ready or offline with the steal of dom0's kernel.
fn steal(interval: &Interval<'_>, check: &mut Check, (old, new): (&[Dom0Vcpu], &[Dom0Vcpu])) {
    let (before, after) = (interval.before, interval.after);
    let steal = |kernel: Option<Dom0Kernel>| Some(signed(kernel?.steal_time_ns?));
    let (Some(was), Some(is), Some(tick)) = (
        steal(before.host.dom0),
        steal(after.host.dom0),
        after.host.dom0.and_then(|kernel| kernel.tick_ns),
    ) else {
        check.remark("dom0's kernel counts no steal".to_owned());
        return;
    };
    // The kernel counts no steal of a CPU that it has offline.
    let is_online = |snapshot: &Snapshot, id: u32| {
        let mut vcpus = dom0(snapshot)
            .into_iter()
            .flat_map(|dom0| dom0.vcpus.iter().flatten());
        vcpus.any(|vcpu| vcpu.id == id && vcpu.state != VcpuState::Offline)
    };
    let without =
        |vcpu: &Dom0Vcpu| signed(vcpu.runnable_ns).saturating_add(signed(vcpu.offline_ns));
    let (mut waited, mut tolerance) = (0_i64, STEAL_NS);
    for vcpu in new {
        let Some(then) = old.iter().find(|then| then.id == vcpu.id) else {
            continue;
        };
        if !is_online(before, vcpu.id) || !is_online(after, vcpu.id) {
            continue;
        }
        let passed = vcpu.stamp.at_ns.saturating_sub(then.stamp.at_ns);
        waited = waited.saturating_add(without(vcpu).saturating_sub(without(then)));
        tolerance = tolerance
            .saturating_add(signed(tick))
            .saturating_add(signed(passed) * STEAL_PER_CENT / 100);
    }
    let numbers = Numbers::equal(Unit::Ns, waited, is.saturating_sub(was), tolerance);
    check.numbers(Some(DomId(0)), numbers, || {
        Fault::warning("dom0's kernel counts another steal than Xen")
    });
}
