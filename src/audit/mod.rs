//! Audits snapshots: checks sums and states that must hold.
//!
//! The audit does no I/O. Each check has a name and a verdict. It says what it compared, what it
//! expected and observed, and the tolerance with its reason. Something that may be temporary (a
//! target that is not reached yet, a domain that is being built) is a warning. Something that is
//! wrong in two samples in a row is a failure.

mod check;
mod cpu;
mod devices;
mod identity;
mod memory;
mod placement;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::rates::Span;
use crate::snapshot::{DomId, Domain, Identity, Snapshot, Stamp};

/// The most that dom0's clock may differ from Xen's in rate if it is another clock, in parts per
/// million: what Linux can correct a clock by (`MAXFREQ`, linux/timex.h).
const CLOCKS_DIFFER_PPM: u64 = 500;

/// The result of an audit.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// When the newer sample was taken.
    pub time: jiff::Timestamp,
    /// Nanoseconds between the two samples; `None` if the clock did not advance.
    pub interval_ns: Option<u64>,
    /// At least one for each check: those that are not OK, or else the one closest to its
    /// tolerance.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns the number of findings with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let same = |finding: &&Finding| finding.verdict == verdict;
        self.findings.iter().filter(same).count()
    }
}

/// A finding of one check.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The check's name, such as `cpu.conservation`.
    pub check: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// What was compared with what.
    pub compared: &'static str,
    /// The number of comparisons that the check made.
    pub comparisons: usize,
    /// The domain that it is about; `None` for the host.
    pub domain: Option<DomId>,
    /// What was expected and observed; `None` if nothing could be compared.
    pub figures: Option<Figures>,
    /// The reason for the tolerance; `None` if nothing could be compared.
    pub tolerance_from: Option<&'static str>,
    /// What is wrong, or why nothing was compared. Names from XenStore in it are not escaped.
    pub reason: Option<String>,
}

/// The verdict of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing could be compared.
    Skipped,
    /// Correct.
    Ok,
    /// Not correct, but maybe temporary.
    Warning,
    /// Not correct.
    Failed,
}

impl Verdict {
    /// All verdicts, the worst first.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Warning, Self::Ok, Self::Skipped];

    /// Returns its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What was expected and observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figures {
    /// Numbers.
    Numbers {
        /// The unit of the numbers.
        unit: Unit,
        /// How the observed number must compare to the expected one.
        relation: Relation,
        /// The expected number.
        expected: i64,
        /// The observed number.
        observed: i64,
        /// The tolerance.
        tolerance: i64,
    },
    /// Texts, which agree or differ.
    Words {
        /// The expected text.
        expected: String,
        /// The observed text.
        observed: String,
    },
}

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
    /// A count.
    Count,
}

/// How an observed number must compare to the expected one, within the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Equal,
    /// At most the expected number.
    AtMost,
    /// At least the expected number.
    AtLeast,
}

/// Audits a series of snapshots, each against the one before.
///
/// ```
/// use xenscope::audit::{Auditor, Verdict};
/// use xenscope::snapshot::Snapshot;
///
/// /// Returns how many checks fail between two snapshots; `None` if they are of different boots.
/// fn failures(older: Snapshot, newer: Snapshot) -> Option<usize> {
///     Some(Auditor::new(older).audit(newer)?.count(Verdict::Failed))
/// }
/// ```
#[derive(Debug)]
pub struct Auditor {
    before: Arc<Snapshot>,
    /// When each domain that is off its memory target was first seen so.
    off_target: BTreeMap<Identity, Stamp>,
    /// Xen's own memory in the first snapshot, in bytes.
    xen_bytes_at_first: i64,
}

impl Auditor {
    /// Starts with a first snapshot, which is compared with nothing yet.
    pub fn new(first: impl Into<Arc<Snapshot>>) -> Self {
        let first = first.into();
        let mut auditor = Self {
            off_target: BTreeMap::new(),
            xen_bytes_at_first: memory::xen_bytes(&first),
            before: first,
        };
        auditor.off_target = auditor.off_target_since(&auditor.before);
        auditor
    }

    /// Audits the next snapshot against the one before; `None` if they are of different boots. The
    /// next snapshot then is the first of its boot.
    pub fn audit(&mut self, after: impl Into<Arc<Snapshot>>) -> Option<Report> {
        let after = after.into();
        if !self.before.boot.is_same(&after.boot) {
            *self = Self::new(after);
            return None;
        }
        let off_target = self.off_target_since(&after);
        let interval = Interval {
            before: &self.before,
            after: &after,
            off_target: &off_target,
            xen_bytes_at_first: self.xen_bytes_at_first,
        };
        let families = [
            cpu::checks(&interval),
            memory::checks(&interval),
            identity::checks(&interval),
            devices::checks(&interval),
            placement::checks(&interval),
        ];
        let report = Report {
            time: after.time,
            interval_ns: Span::between(self.before.stamp, after.stamp).map(|span| span.ns),
            findings: families.into_iter().flatten().collect(),
        };
        self.off_target = off_target;
        self.before = after;
        Some(report)
    }

    /// Returns since when each domain is off its target.
    fn off_target_since(&self, now: &Snapshot) -> BTreeMap<Identity, Stamp> {
        now.domains
            .iter()
            .filter(|domain| memory::is_off_target(domain))
            .map(|domain| {
                let since = self.off_target.get(&domain.identity());
                (domain.identity(), *since.unwrap_or(&domain.stamp))
            })
            .collect()
    }
}

/// Two snapshots, and what is remembered of earlier ones.
struct Interval<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    off_target: &'a BTreeMap<Identity, Stamp>,
    xen_bytes_at_first: i64,
}

impl<'a> Interval<'a> {
    /// Iterates over the domains in both snapshots: the older state and the newer one.
    fn pairs(&self) -> impl Iterator<Item = (&'a Domain, &'a Domain)> {
        let (before, after) = (self.before, self.after);
        let was = |domain: &Domain| before.find(domain.identity());
        after
            .domains
            .iter()
            .filter_map(move |domain| Some((was(domain)?, domain)))
    }

    /// Iterates over the domains that are only in the older snapshot.
    fn gone(&self) -> impl Iterator<Item = &'a Domain> {
        let after = self.after;
        let is_gone = move |domain: &&Domain| after.find(domain.identity()).is_none();
        self.before.domains.iter().filter(is_gone)
    }

    /// Returns whether no domain was created or destroyed or is dying.
    fn same_domains(&self) -> bool {
        let domains = |snapshot: &Snapshot| -> Vec<_> {
            let all = snapshot.domains.iter();
            all.map(|d| (d.identity(), d.states.dying)).collect()
        };
        let before = domains(self.before);
        before == domains(self.after) && !before.iter().any(|&(_, dying)| dying)
    }

    /// Returns the time between two readings of Xen's counters, by Xen's clock. If Xen's clock
    /// could not be read, it is by dom0's clock, with a larger uncertainty.
    fn span(&self, before: Stamp, after: Stamp) -> Option<Span> {
        let span = Span::between(before, after)?;
        match self.clock_rate() {
            Some((rate, uncertainty_ns)) => Some(Span {
                ns: (span.ns as f64 * rate) as u64,
                uncertainty_ns: span.uncertainty_ns.saturating_add(uncertainty_ns),
            }),
            None => Some(Span {
                uncertainty_ns: span.uncertainty_ns.saturating_add(drift(span.ns)),
                ..span
            }),
        }
    }

    /// Converts nanoseconds of dom0's clock to Xen's clock.
    fn by_xens_clock(&self, ns: i64) -> i64 {
        let rate = self.clock_rate().map_or(1.0, |(rate, _)| rate);
        (ns as f64 * rate) as i64
    }

    /// Returns the rate of Xen's clock by dom0's, and the uncertainty that it adds to a time
    /// between the two samples, in nanoseconds.
    fn clock_rate(&self) -> Option<(f64, u64)> {
        let (ns, span) = self.clocks()?;
        Some((ns as f64 / span.ns as f64, span.uncertainty_ns))
    }

    /// Returns how long a hypercall takes in nanoseconds, as measured by reading Xen's clock.
    fn hypercall_ns(&self) -> Option<i64> {
        let clocks = [self.before.xen_clock?, self.after.xen_clock?];
        let took = clocks.map(|clock| clock.stamp.uncertainty_ns.saturating_mul(2));
        took.into_iter().min().map(signed)
    }

    /// Returns the elapsed time by Xen's clock in nanoseconds, and by dom0's.
    fn clocks(&self) -> Option<(u64, Span)> {
        let (before, after) = (self.before.xen_clock?, self.after.xen_clock?);
        let span = Span::between(before.stamp, after.stamp)?;
        Some((after.ns.checked_sub(before.ns)?, span))
    }
}

/// Returns by how many nanoseconds two clocks may differ after `ns` nanoseconds.
fn drift(ns: u64) -> u64 {
    ns / 1_000_000 * CLOCKS_DIFFER_PPM
}

/// Returns `Failed` for a fault that was in the older snapshot as well, else `Warning`.
fn lasting(was_there: bool) -> Verdict {
    match was_there {
        true => Verdict::Failed,
        false => Verdict::Warning,
    }
}

/// Returns whether a domain has never run, so that the toolstack may still be building it.
fn is_being_built(domain: &Domain) -> bool {
    domain.states.paused && domain.cpu_time_ns == 0
}

/// Returns whether a domain shut down or is dying, so that parts of it may be gone.
fn is_being_torn_down(domain: &Domain) -> bool {
    domain.states.dying || domain.states.shutdown.is_some()
}

/// Returns a domain's ID and name for a message.
fn label(domain: &Domain) -> String {
    match &domain.name {
        Some(name) => format!("domain {} ({name})", domain.id),
        None => format!("domain {}", domain.id),
    }
}

/// Converts to a signed number, for differences. No counter here comes near its limit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
