//! Do the books balance? Snapshots held against what must be true of them.
//!
//! Pure: it reads nothing. Each check has a name, says what it compared, what it expected and
//! observed, how far off that may be and why, and gives a verdict. What may be passing (a target
//! that is not reached yet, a domain under construction) is a warning; what has been wrong from
//! one sample to the next is a failure.

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

/// How far Linux takes a clock to be off that it can still correct, in parts per million
/// (`MAXFREQ` of linux/timex.h): how far dom0's clock may run from Xen's when it is not the same
/// clock.
const CLOCKS_DIFFER_PPM: u64 = 500;

/// What came of an audit.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// When the newer sample was taken.
    pub time: jiff::Timestamp,
    /// Nanoseconds between the two samples; `None` when the clock did not move.
    pub interval_ns: Option<u64>,
    /// At least one for each check: those that found something wrong, or else the one that came
    /// closest to it.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let same = |finding: &&Finding| finding.verdict == verdict;
        self.findings.iter().filter(same).count()
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The check's name, such as `cpu.conservation`.
    pub check: &'static str,
    /// What is to be thought of it.
    pub verdict: Verdict,
    /// What was compared with what.
    pub compared: &'static str,
    /// How many comparisons the check made in all.
    pub comparisons: usize,
    /// The domain that it is about; `None` when it is about the host.
    pub domain: Option<DomId>,
    /// What was expected and observed; `None` when nothing could be compared.
    pub figures: Option<Figures>,
    /// Where the tolerance comes from; `None` when nothing could be compared.
    pub tolerance_from: Option<&'static str>,
    /// What is wrong, or why nothing was compared. It holds names from XenStore as they are.
    pub reason: Option<String>,
}

/// What is to be thought of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing could be compared.
    Skipped,
    /// As it must be.
    Ok,
    /// Not as it must be, and that may pass.
    Warning,
    /// Not as it must be.
    Failed,
}

impl Verdict {
    /// All of them, the worst first.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Warning, Self::Ok, Self::Skipped];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What was expected and what observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figures {
    /// Numbers of one unit.
    Numbers {
        /// What they count.
        unit: Unit,
        /// How the observed number has to stand to the expected one.
        relation: Relation,
        /// What was expected.
        expected: i64,
        /// What was observed.
        observed: i64,
        /// How far off it may be.
        tolerance: i64,
    },
    /// Texts, which agree or do not.
    Words {
        /// What was expected.
        expected: String,
        /// What was observed.
        observed: String,
    },
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
    /// Things.
    Count,
}

/// How an observed number has to stand to the expected one, give or take the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Equal,
    /// Not above.
    AtMost,
    /// Not below.
    AtLeast,
}

/// Takes one snapshot after another, and audits what happened between each and the one before.
#[derive(Debug)]
pub struct Auditor {
    before: Arc<Snapshot>,
    /// When each domain that is not at its memory target was first seen so.
    off_target: BTreeMap<Identity, Stamp>,
    /// Xen's own memory in the first snapshot, in bytes.
    xen_bytes_at_first: i64,
}

impl Auditor {
    /// Begins with a first snapshot, which nothing is held against yet.
    pub fn new(first: impl Into<Arc<Snapshot>>) -> Self {
        let first = first.into();
        let mut auditor = Self {
            off_target: BTreeMap::new(),
            xen_bytes_at_first: memory::xen_bytes(&first),
            before: first,
        };
        auditor.off_target = auditor.still_off_target(&auditor.before);
        auditor
    }

    /// Holds the next snapshot against the one before; `None` if that is of another boot. The next
    /// snapshot is the first of its boot then.
    pub fn audit(&mut self, after: impl Into<Arc<Snapshot>>) -> Option<Report> {
        let after = after.into();
        if !self.before.boot.is_same(&after.boot) {
            *self = Self::new(after);
            return None;
        }
        let off_target = self.still_off_target(&after);
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

    /// Since when each domain has been off its target.
    fn still_off_target(&self, now: &Snapshot) -> BTreeMap<Identity, Stamp> {
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

/// Two snapshots, and what those before them left.
struct Interval<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    off_target: &'a BTreeMap<Identity, Stamp>,
    xen_bytes_at_first: i64,
}

impl<'a> Interval<'a> {
    /// The domains that are in both snapshots, as they were and as they are.
    fn pairs(&self) -> impl Iterator<Item = (&'a Domain, &'a Domain)> {
        let (before, after) = (self.before, self.after);
        let was = |domain: &Domain| before.find(domain.identity());
        after
            .domains
            .iter()
            .filter_map(move |domain| Some((was(domain)?, domain)))
    }

    /// The domains that are in the older snapshot only.
    fn gone(&self) -> impl Iterator<Item = &'a Domain> {
        let after = self.after;
        let is_gone = move |domain: &&Domain| after.find(domain.identity()).is_none();
        self.before.domains.iter().filter(is_gone)
    }

    /// Whether no domain came, went, or is being torn down.
    fn same_domains(&self) -> bool {
        let living = |snapshot: &Snapshot| -> Vec<_> {
            let domains = snapshot.domains.iter();
            domains.map(|d| (d.identity(), d.states.dying)).collect()
        };
        let before = living(self.before);
        before == living(self.after) && !before.iter().any(|&(_, dying)| dying)
    }

    /// The time between two readings of Xen's counters by Xen's clock; where Xen did not tell its
    /// clock, by dom0's, which may run at another rate.
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

    /// Nanoseconds of dom0's clock as Xen's clock counts them.
    fn by_xens_clock(&self, ns: i64) -> i64 {
        let rate = self.clock_rate().map_or(1.0, |(rate, _)| rate);
        (ns as f64 * rate) as i64
    }

    /// How fast Xen's clock ran by dom0's, and for not knowing when it was read, by how many
    /// nanoseconds a time between the two samples may be off.
    fn clock_rate(&self) -> Option<(f64, u64)> {
        let (ns, span) = self.clocks()?;
        Some((ns as f64 / span.ns as f64, span.uncertainty_ns))
    }

    /// Nanoseconds that a way into Xen and back takes, as reading its clock did.
    fn passage_ns(&self) -> Option<i64> {
        let clocks = [self.before.xen_clock?, self.after.xen_clock?];
        let took = clocks.map(|clock| clock.stamp.uncertainty_ns.saturating_mul(2));
        took.into_iter().min().map(signed)
    }

    /// How much time passed by Xen's clock, and by dom0's.
    fn clocks(&self) -> Option<(u64, Span)> {
        let (before, after) = (self.before.xen_clock?, self.after.xen_clock?);
        let span = Span::between(before.stamp, after.stamp)?;
        Some((after.ns.checked_sub(before.ns)?, span))
    }
}

/// How far two clocks may be apart after this many nanoseconds.
fn drift(ns: u64) -> u64 {
    ns / 1_000_000 * CLOCKS_DIFFER_PPM
}

/// Failed for what was so already in the older snapshot, else a warning.
fn lasting(was_so: bool) -> Verdict {
    match was_so {
        true => Verdict::Failed,
        false => Verdict::Warning,
    }
}

/// Whether a domain has not begun to run, so that its books may be unfinished.
fn is_being_built(domain: &Domain) -> bool {
    domain.states.paused && domain.cpu_time_ns == 0
}

/// Whether a domain is on its way out, so that its books may be closed in part.
fn is_being_torn_down(domain: &Domain) -> bool {
    domain.states.dying || domain.states.shutdown.is_some()
}

/// What people call a domain.
fn label(domain: &Domain) -> String {
    match &domain.name {
        Some(name) => format!("domain {} ({name})", domain.id),
        None => format!("domain {}", domain.id),
    }
}

/// A number that may be subtracted from; nothing that is counted here comes near its end.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
