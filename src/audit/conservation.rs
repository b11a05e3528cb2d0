//! CPU time: what the pCPUs provide against what domains use and what is idle.

use std::fmt;
use std::sync::Arc;

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, label, signed};
use crate::rates::Span;
use crate::snapshot::{Domain, Host, Snapshot};

const TOLERANCE: &str = "pCPUs × the uncertainty of both samples, from reading the idle times to reading \
                         the domains, of reading Xen's clock (500 ppm if it cannot be read), and four \
                         times the skew of the pCPUs' clocks";

/// How many domains a reason names.
const NAMED: usize = 3;

/// The first of a series of samples, and what happened since then.
#[derive(Debug)]
pub(super) struct Start {
    sample: Arc<Snapshot>,
    ended: Ended,
    /// Nanoseconds of all pCPUs that were missing in the intervals in which clocks differed, or may have.
    lost_ns: u64,
    /// Whether they were seen to differ.
    differed: bool,
}

impl Start {
    /// Starts with this sample.
    pub(super) fn new(sample: Arc<Snapshot>) -> Self {
        Self {
            sample,
            ended: Ended::default(),
            lost_ns: 0,
            differed: false,
        }
    }

    /// Adds what happened within an interval, whose newer sample is `after`. If the interval
    /// has no sums to compare, or if they are off, that sample is the start of the next ones: what one
    /// interval has lost is not reported for ever.
    pub(super) fn go_on(&mut self, interval: &Interval<'_>, after: &Arc<Snapshot>) {
        let known = whole(interval).map(|(span, idle)| {
            let (numbers, ended) = over(interval, span, &idle);
            let is_off = numbers.is_off() && !numbers.is_short_by_at_most(ended.unseen_ns);
            (span, idle.len() as u64, numbers, is_off)
        });
        match known {
            Ok((span, pcpus, numbers, false)) => {
                self.ended.add(&self.sample, interval, span);
                self.differed |= interval.differed;
                let lacked = numbers.missing().max(0).saturating_add(numbers.tolerance());
                let lost_ns = interval.lost_ns.saturating_mul(pcpus);
                self.lost_ns = self
                    .lost_ns
                    .saturating_add(lost_ns.min(lacked.unsigned_abs()));
            }
            _ => *self = Self::new(Arc::clone(after)),
        }
    }
}

/// The domains that ended since a first sample.
#[derive(Debug, Default)]
struct Ended {
    count: usize,
    /// The labels of the first of them.
    named: Vec<String>,
    /// Nanoseconds that they were seen to run since the first sample.
    seen_ns: i64,
    /// Nanoseconds that they can have run after they were last seen.
    unseen_ns: i64,
}

impl Ended {
    fn add(&mut self, first: &Snapshot, interval: &Interval<'_>, span: Span) {
        for domain in interval.gone() {
            self.count += 1;
            if self.named.len() < NAMED {
                self.named.push(label(domain));
            }
            self.seen_ns = self.seen_ns.saturating_add(ran_ns(first, domain));
            self.unseen_ns = self.unseen_ns.saturating_add(unseen_ns(domain, span.ns));
        }
    }

    fn remark(&self, check: &mut Check) {
        if self.count > 0 {
            check.remark(format!("destroyed in this time: {self}"));
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named.join(", "))?;
        match self.count - self.named.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Checks that Σ domains' CPU time + Σ pCPUs' idle time = pCPUs × elapsed time.
pub(super) fn over_interval(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.conservation",
        "domains' CPU time and pCPUs' idle time against pCPUs × time",
        TOLERANCE,
    );
    let (span, idle) = match whole(interval) {
        Ok(known) => known,
        Err(reason) => return check.finish(reason),
    };
    let mut ended = Ended::default();
    ended.add(interval.before, interval, span);
    compare(&mut check, interval, (span, &idle), &ended);
    ended.remark(&mut check);
    check.finish("")
}

/// Checks the same since the first sample. The tolerance does not grow with the time, so a longer audit
/// finds a smaller leak.
pub(super) fn since_first(interval: &Interval<'_>, start: &Start) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.since_first",
        "CPU and idle time since the first sample against pCPUs × time",
        TOLERANCE,
    );
    let first = &*start.sample;
    if [interval.before, interval.after]
        .iter()
        .any(|one| std::ptr::eq(first, *one))
    {
        return check
            .finish("this is the first interval since the sums were off: see cpu.conservation");
    }
    let mut since = Interval {
        before: first,
        differed: start.differed,
        ..*interval
    };
    let (span, idle) = match whole(&since) {
        Ok(known) => known,
        Err(reason) => return check.finish(reason),
    };
    since.lost_ns = start.lost_ns.div_ceil(idle.len().max(1) as u64);
    let numbers = compare(&mut check, &since, (span, &idle), &start.ended);
    let smallest = numbers.tolerance().saturating_add(start.ended.unseen_ns);
    let smallest = smallest.max(signed(start.lost_ns));
    check.remark(format!(
        "over {:.1} s, a leak above {:.4} % of the pCPUs' time fails",
        span.ns as f64 / 1e9,
        smallest as f64 * 100.0 / numbers.expected() as f64
    ));
    start.ended.remark(&mut check);
    check.finish("")
}

/// Checks the same for each CPU pool: its domains run on its pCPUs and nowhere else.
pub(super) fn pools(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "cpu.pools",
        "CPU and idle time of each CPU pool against its pCPUs × time",
        TOLERANCE,
    );
    let (before, after) = (&interval.before.host, &interval.after.host);
    let (Some(was), Some(is)) = (&before.pools, &after.pools) else {
        return check.finish("the CPU pools are unknown");
    };
    if let [_] = is[..] {
        return check.finish("there is one CPU pool: see cpu.conservation");
    }
    let span = match whole(interval) {
        Ok((span, _)) => span,
        Err(reason) => return check.finish(reason),
    };
    for pool in is.iter().filter(|pool| !pool.pcpus.is_empty()) {
        let earlier = was.iter().find(|was| was.id == pool.id);
        if earlier.is_none_or(|was| was.pcpus != pool.pcpus) {
            check.remark(format!("pool {}: a pCPU was added or removed", pool.id));
            continue;
        }
        let mut others = is.iter().filter(|other| other.id != pool.id);
        if others.any(|other| pool.pcpus.iter().any(|pcpu| other.pcpus.contains(pcpu))) {
            check.remark(format!("pool {}: see placement.pcpus", pool.id));
            continue;
        }
        let members = |snapshot: &Snapshot| -> Vec<_> {
            let domains = snapshot
                .domains
                .iter()
                .filter(|domain| domain.pool == pool.id);
            domains.map(Domain::identity).collect()
        };
        if members(interval.before) != members(interval.after) {
            check.remark(format!("pool {}: a domain came or went", pool.id));
            continue;
        }
        let idle = |id: &u32| {
            let of = |host: &Host| host.pcpu.iter().find(|pcpu| pcpu.id == *id)?.idle_time_ns;
            Some(signed(of(after)?) - signed(of(before)?))
        };
        let Some(idle) = pool.pcpus.iter().map(idle).collect::<Option<Vec<i64>>>() else {
            check.remark(format!("pool {}: a pCPU is offline", pool.id));
            continue;
        };
        let domains = interval.after.domains.iter();
        let domains = domains.filter(|domain| domain.pool == pool.id);
        let ran = domains.map(|domain| ran_ns(interval.before, domain));
        let numbers = sum(interval, span, ran, &idle);
        let missing = milliseconds(numbers.missing());
        check.numbers(None, numbers, || {
            interval.miscount(
                numbers,
                idle.len(),
                format!("pool {}: {missing} is not accounted for", pool.id),
            )
        });
    }
    check.finish("")
}

/// Returns the sums of an interval, and the domains that ended in it.
fn over(interval: &Interval<'_>, span: Span, idle: &[i64]) -> (Numbers, Ended) {
    let mut ended = Ended::default();
    ended.add(interval.before, interval, span);
    let ran = interval.after.domains.iter();
    let ran = ran.map(|domain| ran_ns(interval.before, domain));
    let numbers = sum(interval, span, ran.chain([ended.seen_ns]), idle);
    (numbers, ended)
}

/// Compares the sums over an interval, in which these domains ended.
fn compare(
    check: &mut Check,
    interval: &Interval<'_>,
    (span, idle): (Span, &[i64]),
    ended: &Ended,
) -> Numbers {
    let domains = interval.after.domains.iter();
    let ran = domains.map(|domain| ran_ns(interval.before, domain));
    let numbers = sum(interval, span, ran.chain([ended.seen_ns]), idle);
    let missing = milliseconds(numbers.missing());
    check.numbers(None, numbers, || match ended.count {
        0 => interval.miscount(
            numbers,
            idle.len(),
            format!("{missing} is not accounted for"),
        ),
        _ if numbers.is_short_by_at_most(ended.unseen_ns) => Fault::warning(format!(
            "destroyed in this time, with the CPU time since the sample before: {ended}"
        )),
        _ => interval.miscount(
            numbers,
            idle.len(),
            format!("{missing} is not accounted for, more than {ended} can have used"),
        ),
    });
    numbers
}

/// Returns what these times of domains and pCPUs have to add up to.
fn sum(
    interval: &Interval<'_>,
    span: Span,
    ran: impl Iterator<Item = i64>,
    idle: &[i64],
) -> Numbers {
    let observed = ran.chain(idle.iter().copied());
    let observed = observed.fold(0, i64::saturating_add);
    let of_all = |ns: u64| signed(ns.saturating_mul(idle.len() as u64));
    // Each pCPU's time is read at both samples, and Xen's clock as well.
    let clocks_ns = interval.skew_of_two_readings_ns().saturating_mul(2);
    let tolerance = span.uncertainty_ns.saturating_add(clocks_ns);
    Numbers::equal(Unit::Ns, of_all(span.ns), observed, of_all(tolerance))
}

/// Returns the time of an interval and how long each pCPU was idle in it, or why there are no sums to
/// compare.
fn whole(interval: &Interval<'_>) -> Result<(Span, Vec<i64>), &'static str> {
    let whole = |snapshot: &Snapshot| snapshot.host.pcpu_stamp.around(snapshot.stamp);
    let span = interval.span(whole(interval.before), whole(interval.after));
    let skew_ns = interval.clock_skew_ns().unwrap_or_default();
    let decreased = |(was, is): (&Domain, &Domain)| {
        let by = was.cpu_time_ns.saturating_sub(is.cpu_time_ns);
        by > skew_ns.saturating_mul(was.vcpus_online.into())
    };
    if interval.pairs().any(decreased) {
        return Err("a domain's CPU time decreased: see cpu.monotonic");
    }
    let idle = idle_ns(interval).ok_or("a pCPU went online or offline during the interval")?;
    Ok((span.ok_or("dom0's clock did not advance")?, idle))
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

/// Returns how long a domain has run since an earlier sample. One that was created since then started
/// at 0.
fn ran_ns(earlier: &Snapshot, domain: &Domain) -> i64 {
    let was = earlier.find(domain.identity());
    signed(domain.cpu_time_ns) - was.map_or(0, |was| signed(was.cpu_time_ns))
}

/// Returns how long a domain can have run in these nanoseconds after it was last seen. One that had shut
/// down or was dying does not run any more.
fn unseen_ns(domain: &Domain, passed_ns: u64) -> i64 {
    match domain.states.dying || domain.states.shutdown.is_some() {
        true => 0,
        false => signed(passed_ns.saturating_mul(domain.vcpus_online.into())),
    }
}

/// Formats nanoseconds as milliseconds.
fn milliseconds(ns: i64) -> String {
    format!("{:.3} ms", ns as f64 / 1e6)
}
