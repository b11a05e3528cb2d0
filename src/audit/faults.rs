//! What is wrong if a comparison does not fit, and for how long that has been so.

use std::collections::BTreeMap;

use super::finding::{Finding, Verdict};

/// For how long a domain may be incomplete while a toolstack builds it or tears it down, in
/// nanoseconds. It takes seconds to free the memory of a large domain.
const TEARDOWN_NS: u64 = 30_000_000_000;

/// What is wrong.
pub(super) struct Fault {
    /// The verdict when it is first seen.
    verdict: Verdict,
    /// It is a failure after this many nanoseconds; `None` if time does not change its verdict.
    fails_after_ns: Option<u64>,
    /// The same words for as long as it is the same fault.
    reason: String,
}

impl Fault {
    /// A failure whenever it is seen.
    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Failed, None, reason)
    }

    /// A warning, however long it lasts.
    pub(super) fn warning(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, None, reason)
    }

    /// A failure if two samples in a row have it, and a warning before that: the two sides of the
    /// comparison are read one after the other, and may change in between.
    pub(super) fn if_seen_twice(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, Some(1), reason)
    }

    /// A failure after 30 s, and a warning before that: toolstacks do it while they build a domain or
    /// tear one down.
    pub(super) fn if_it_lasts(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, Some(TEARDOWN_NS), reason)
    }

    fn new(verdict: Verdict, fails_after_ns: Option<u64>, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            verdict,
            fails_after_ns,
            reason,
        }
    }

    /// Returns what is found of it, before its time counts.
    pub(super) fn found(self, finding: Finding) -> Found {
        Found {
            finding: Finding {
                verdict: self.verdict,
                reason: Some(self.reason),
                ..finding
            },
            is_fault: true,
            fails_after_ns: self.fails_after_ns,
        }
    }
}

/// A finding of one snapshot, before the time counts for which it has been so.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) finding: Finding,
    is_fault: bool,
    fails_after_ns: Option<u64>,
}

impl Found {
    /// Returns a finding that is no fault.
    pub(super) fn fine(finding: Finding) -> Self {
        Self {
            finding,
            is_fault: false,
            fails_after_ns: None,
        }
    }
}

/// When the faults of the latest snapshot were first seen. Each was in all snapshots since then.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// By the check's name and the reason, in nanoseconds of the snapshots' clock.
    since_ns: BTreeMap<(&'static str, String), u64>,
}

impl Faults {
    /// Returns the findings of a snapshot that was taken at `now_ns`, with their final verdicts.
    /// Remembers its faults.
    pub(super) fn judge(&mut self, found: Vec<Found>, now_ns: u64) -> Vec<Finding> {
        let before = std::mem::take(&mut self.since_ns);
        let judged = found.into_iter().map(|mut one| {
            let Some(reason) = one.finding.reason.clone().filter(|_| one.is_fault) else {
                return one.finding;
            };
            let fault = (one.finding.check, reason);
            let since_ns = before.get(&fault).copied().unwrap_or(now_ns);
            let lasted_ns = now_ns.saturating_sub(since_ns);
            if one.fails_after_ns.is_some_and(|limit| lasted_ns >= limit) {
                one.finding.verdict = Verdict::Failed;
            }
            if lasted_ns > 0 {
                let seconds = lasted_ns as f64 / 1e9;
                one.finding.reason = Some(format!("{}, for at least {seconds:.1} s", fault.1));
            }
            self.since_ns.insert(fault, since_ns);
            one.finding
        });
        judged.collect()
    }
}
