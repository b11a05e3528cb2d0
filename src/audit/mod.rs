//! Audits snapshots: checks sums and states that must hold.
//!
//! The audit does no I/O. Each check has a name and a verdict. It says what it compared, what it
//! expected and observed, and the tolerance with its reason. Something that may be temporary (a
//! target that is not reached yet, a domain that is being built or torn down) is a warning. It is a
//! failure if it lasts longer than such a thing can.

mod check;
mod conservation;
mod cpu;
mod devices;
mod dom0;
mod faults;
mod finding;
mod identity;
mod interval;
mod lifecycle;
mod limits;
mod memory;
mod placement;
mod runs;
#[cfg(test)]
mod tests;
mod trace;

use std::sync::Arc;

use crate::rates::Span;
use crate::snapshot::Snapshot;
use conservation::Start;
use faults::Faults;
use interval::Interval;
use lifecycle::Settled;

pub use finding::{Figures, Finding, Relation, Report, Unit, Verdict};
pub use runs::{Run, Runs, Total, Totals};

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
    /// The latest snapshot.
    before: Arc<Snapshot>,
    /// The faults of that snapshot.
    faults: Faults,
    /// Where the sums of CPU time over the whole audit start.
    start: Start,
    /// When no domain was being built or torn down, and what happened since then.
    settled: Settled,
    /// Xen's own memory in the first snapshot, in bytes.
    xen_bytes_at_first: i64,
}

impl Auditor {
    /// Starts with a first snapshot. It is compared with nothing, but its faults count from then on.
    pub fn new(first: impl Into<Arc<Snapshot>>) -> Self {
        let first = first.into();
        let mut auditor = Self {
            faults: Faults::default(),
            start: Start::new(Arc::clone(&first)),
            settled: Settled::new(&first),
            xen_bytes_at_first: memory::own_bytes(&first),
            before: Arc::clone(&first),
        };
        auditor.findings(&first);
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
        let report = Report {
            time: after.time,
            interval_ns: Span::between(self.before.stamp, after.stamp).map(|span| span.ns),
            findings: self.findings(&after),
        };
        self.before = after;
        Some(report)
    }

    /// Returns what all checks find between the latest snapshot and this one. Remembers the faults.
    fn findings(&mut self, after: &Arc<Snapshot>) -> Vec<Finding> {
        let interval = Interval::new(&self.before, after, self.xen_bytes_at_first);
        self.start.go_on(&interval, after);
        let found = [
            cpu::checks(&interval, &self.start),
            trace::checks(&interval),
            dom0::checks(&interval),
            memory::checks(&interval),
            lifecycle::memory(&interval, &mut self.settled),
            lifecycle::sharing(&interval),
            lifecycle::pod(&interval),
            identity::checks(&interval),
            devices::checks(&interval),
            placement::checks(&interval),
        ];
        self.faults.judge(found.concat(), after.stamp.at_ns)
    }
}

/// Audits samples, each against the one before, over several boots.
#[derive(Debug, Default)]
pub struct Series {
    auditor: Option<Auditor>,
}

impl Series {
    /// Audits a sample against the one before. Returns `None` if there is none; the next sample then begins anew.
    pub fn audit(
        &mut self,
        older: Option<&Arc<Snapshot>>,
        newer: &Arc<Snapshot>,
    ) -> Option<Report> {
        let Some(older) = older else {
            self.auditor = None;
            return None;
        };
        let auditor = self
            .auditor
            .get_or_insert_with(|| Auditor::new(Arc::clone(older)));
        auditor.audit(Arc::clone(newer))
    }
}
