//! CPU time: what the pCPUs provide against what domains use and what is idle.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, label, signed};
use crate::snapshot::{Domain, Snapshot};

/// Checks that Σ domains' CPU time + Σ pCPUs' idle time = pCPUs × elapsed time.
pub(super) fn check(interval: &Interval<'_>) -> Vec<Found> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::new(
        "cpu.conservation",
        "domains' CPU time and pCPUs' idle time against pCPUs × time",
        "pCPUs × the uncertainty of both samples, from reading the idle times to reading the \
         domains, of reading Xen's clock (500 ppm if it cannot be read), and four times the skew of the \
         pCPUs' clocks",
    );
    let whole = |snapshot: &Snapshot| snapshot.host.pcpu_stamp.around(snapshot.stamp);
    let Some(span) = interval.span(whole(before), whole(after)) else {
        return check.finish("dom0's clock did not advance");
    };
    let Some(idle) = idle_ns(interval) else {
        return check.finish("a pCPU went online or offline during the interval");
    };
    let skew_ns = interval.clock_skew_ns().unwrap_or_default();
    let decreased = |(was, is): (&Domain, &Domain)| {
        let by = was.cpu_time_ns.saturating_sub(is.cpu_time_ns);
        by > skew_ns.saturating_mul(was.vcpus_online.into())
    };
    if interval.pairs().any(decreased) {
        return check.finish("a domain's CPU time decreased: see cpu.monotonic");
    }
    // A domain that was created during the interval started at 0.
    let ran = |domain: &Domain| {
        let was = before.find(domain.identity());
        signed(domain.cpu_time_ns) - was.map_or(0, |was| signed(was.cpu_time_ns))
    };
    let domains = after.domains.iter().map(ran);
    let observed = domains
        .chain(idle.iter().copied())
        .fold(0, i64::saturating_add);
    let pcpus = idle.len() as u64;
    // Each pCPU's time is read at both samples, and Xen's clock as well.
    let clocks_ns = interval.skew_of_two_readings_ns().saturating_mul(2);
    let tolerance = signed(pcpus.saturating_mul(span.uncertainty_ns.saturating_add(clocks_ns)));
    let expected = signed(pcpus.saturating_mul(span.ns));
    let numbers = Numbers::equal(Unit::Ns, expected, observed, tolerance);

    let gone: Vec<String> = interval.gone().map(label).collect();
    let unseen = interval.gone().map(|domain| unseen_ns(domain, span.ns));
    let unseen = unseen.fold(0, i64::saturating_add);
    let missing = numbers.missing();
    check.numbers(None, numbers, || match &gone[..] {
        [] => Fault::failed(format!("{} is not accounted for", milliseconds(missing))),
        gone if missing > 0 && missing <= unseen.saturating_add(tolerance) => {
            Fault::warning(format!(
                "destroyed during the interval, with its CPU time since the first sample: {}",
                gone.join(", ")
            ))
        }
        gone => Fault::failed(format!(
            "{} is not accounted for, more than {} can have used",
            milliseconds(missing),
            gone.join(", ")
        )),
    });
    if !gone.is_empty() {
        check.remark(format!(
            "destroyed during the interval: {}",
            gone.join(", ")
        ));
    }
    check.finish("")
}

/// Returns how long a domain can have run in these nanoseconds after it was last seen. One that had shut
/// down or was dying does not run any more.
fn unseen_ns(domain: &Domain, passed_ns: u64) -> i64 {
    match domain.states.dying || domain.states.shutdown.is_some() {
        true => 0,
        false => signed(passed_ns.saturating_mul(domain.vcpus_online.into())),
    }
}

/// Returns how long each pCPU was idle in nanoseconds; `None` if a pCPU was online in only one
/// sample.
fn idle_ns(interval: &Interval<'_>) -> Option<Vec<i64>> {
    let (before, after) = (&interval.before.host.pcpu, &interval.after.host.pcpu);
    if before.len() != after.len() {
        return None;
    }
    let pairs = before.iter().zip(after);
    let online = pairs.filter(|(was, is)| was.is_online() || is.is_online());
    online
        .map(|(was, is)| Some(signed(is.idle_time_ns?) - signed(was.idle_time_ns?)))
        .collect()
}

/// Formats nanoseconds as milliseconds.
fn milliseconds(ns: i64) -> String {
    format!("{:.3} ms", ns as f64 / 1e6)
}
