//! Audits snapshots: checks sums and states that must hold.
//!
//! The audit does no I/O. Each check has a name and a verdict. It says what it compared, what it
//! expected and observed, and the tolerance with its reason. Something that may be temporary (a
//! target that is not reached yet, a domain that is being built) is a warning. Something that is
//! wrong in two samples in a row is a failure.

mod check;
mod clocks;
mod cpu;
mod devices;
mod dom0;
mod finding;
mod identity;
mod interval;
mod memory;
mod placement;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::rates::Span;
use crate::snapshot::{Identity, Snapshot, Stamp};
use interval::Interval;

pub use finding::{Figures, Finding, Relation, Report, Unit, Verdict};

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
            clocks::checks(&interval),
            cpu::checks(&interval),
            dom0::checks(&interval),
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
