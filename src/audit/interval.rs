//! The time between two snapshots, and what the checks need to know of it.

use std::collections::BTreeMap;

use super::finding::Verdict;
use crate::rates::Span;
use crate::snapshot::{Domain, Identity, Snapshot, Stamp};

/// The most that dom0's clock may differ from Xen's in rate if it is another clock, in parts per
/// million: what Linux can correct a clock by (`MAXFREQ`, linux/timex.h).
const CLOCKS_DIFFER_PPM: u64 = 500;

/// Two snapshots, and what is remembered of earlier ones.
pub(super) struct Interval<'a> {
    pub(super) before: &'a Snapshot,
    pub(super) after: &'a Snapshot,
    pub(super) off_target: &'a BTreeMap<Identity, Stamp>,
    pub(super) xen_bytes_at_first: i64,
}

impl<'a> Interval<'a> {
    /// Iterates over the domains in both snapshots: the older state and the newer one.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a Domain, &'a Domain)> {
        let (before, after) = (self.before, self.after);
        let was = |domain: &Domain| before.find(domain.identity());
        after
            .domains
            .iter()
            .filter_map(move |domain| Some((was(domain)?, domain)))
    }

    /// Iterates over the domains that are only in the older snapshot.
    pub(super) fn gone(&self) -> impl Iterator<Item = &'a Domain> {
        let after = self.after;
        let is_gone = move |domain: &&Domain| after.find(domain.identity()).is_none();
        self.before.domains.iter().filter(is_gone)
    }

    /// Returns whether no domain was created or destroyed or is dying.
    pub(super) fn same_domains(&self) -> bool {
        let domains = |snapshot: &Snapshot| -> Vec<_> {
            let all = snapshot.domains.iter();
            all.map(|d| (d.identity(), d.states.dying)).collect()
        };
        let before = domains(self.before);
        before == domains(self.after) && !before.iter().any(|&(_, dying)| dying)
    }

    /// Returns the time between two readings of Xen's counters, by Xen's clock. If Xen's clock
    /// could not be read, it is by dom0's clock, with a larger uncertainty.
    pub(super) fn span(&self, before: Stamp, after: Stamp) -> Option<Span> {
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

    /// Returns the rate of Xen's clock by dom0's, and the uncertainty that it adds to a time
    /// between the two samples, in nanoseconds.
    pub(super) fn clock_rate(&self) -> Option<(f64, u64)> {
        let (ns, span) = self.clocks()?;
        Some((ns as f64 / span.ns as f64, span.uncertainty_ns))
    }

    /// Returns the elapsed time by Xen's clock in nanoseconds, and by dom0's.
    pub(super) fn clocks(&self) -> Option<(u64, Span)> {
        let (before, after) = (self.before.xen_clock?, self.after.xen_clock?);
        let span = Span::between(before.stamp, after.stamp)?;
        Some((after.ns.checked_sub(before.ns)?, span))
    }
}

/// Returns by how many nanoseconds two clocks may differ after `ns` nanoseconds.
pub(super) fn drift(ns: u64) -> u64 {
    ns / 1_000_000 * CLOCKS_DIFFER_PPM
}

/// Returns `Failed` for a fault that was in the older snapshot as well, else `Warning`.
pub(super) fn lasting(was_there: bool) -> Verdict {
    match was_there {
        true => Verdict::Failed,
        false => Verdict::Warning,
    }
}

/// Returns whether a domain has never run, so that the toolstack may still be building it.
pub(super) fn is_being_built(domain: &Domain) -> bool {
    domain.states.paused && domain.cpu_time_ns == 0
}

/// Returns whether a domain shut down or is dying, so that parts of it may be gone.
pub(super) fn is_being_torn_down(domain: &Domain) -> bool {
    domain.states.dying || domain.states.shutdown.is_some()
}

/// Returns a domain's ID and name for a message.
pub(super) fn label(domain: &Domain) -> String {
    match &domain.name {
        Some(name) => format!("domain {} ({name})", domain.id),
        None => format!("domain {}", domain.id),
    }
}

/// Converts to a signed number, for differences. No counter here comes near its limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
