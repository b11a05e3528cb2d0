//! Memory that comes and goes with domains: what a domain took, Xen gives back.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, is_being_built, label, signed};
use super::memory::{free_change, own_bytes};
use crate::snapshot::{Domain, Identity, Snapshot};

/// A page, the least that a leak per domain takes.
const PAGE: i64 = 4096;

/// A time at which no domain was being built or torn down, and what ended since then.
#[derive(Debug, Default)]
pub(super) struct Settled {
    at: Option<(Vec<Identity>, i64, i64)>,
    /// How many domains were seen that ended since then.
    ended: i64,
}

impl Settled {
    /// Counts the domains that ended within an interval. The first time at which nothing is built or torn down is
    /// kept.
    pub(super) fn go_on(&mut self, interval: &Interval<'_>) {
        self.ended += i64::try_from(interval.gone().count()).unwrap_or(i64::MAX);
        if self.at.is_none() && is_settled(interval) {
            let after = interval.after;
            self.at = Some((domains(after), own_bytes(after), free_change(&after.host)));
            self.ended = 0;
        }
    }
}

fn domains(snapshot: &Snapshot) -> Vec<Identity> {
    snapshot.domains.iter().map(Domain::identity).collect()
}

fn is_settled(interval: &Interval<'_>) -> bool {
    let mut domains = interval.after.domains.iter();
    !domains.any(|domain| is_being_built(domain) || interval.is_being_torn_down(domain))
}

/// Checks that Xen's memory is what it was, once the domains that came are gone.
pub(super) fn memory(interval: &Interval<'_>, settled: &Settled) -> Vec<Found> {
    let mut check = Check::new(
        "memory.lifecycle",
        "Xen's memory, without paging pools, grant tables and shared pages, against that before \
         domains came and went",
        "the change of free memory while both samples were taken",
    );
    let after = interval.after;
    let Some((then, bytes, change)) = &settled.at else {
        return check.finish("there was no time at which no domain was being built or torn down");
    };
    if settled.ended == 0 {
        return check.finish("no domain came and went");
    }
    if *then != domains(after) || !is_settled(interval) {
        return check.finish("the domains are not those of the first sample");
    }
    let now = own_bytes(after);
    let grown = now.saturating_sub(*bytes);
    let tolerance = change.saturating_add(free_change(&after.host));
    let numbers = Numbers::at_most(Unit::Bytes, *bytes, now, tolerance);
    let each = grown / settled.ended;
    let came = settled.ended;
    check.numbers(None, numbers, || {
        let reason = format!("{came} domains came and went, and Xen kept {each} bytes for each");
        match each >= PAGE {
            true => Fault::failed(reason),
            // Xen may have grown for another reason, once.
            false => Fault::warning(reason),
        }
    });
    check.remark(format!("{came} domains came and went"));
    check.finish("")
}

/// Checks that the pages that domains share are those that Xen counts as shared or freed by sharing.
pub(super) fn sharing(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::exact(
        "memory.sharing",
        "the pages that domains share against those shared and freed by sharing",
    );
    let sums = |snapshot: &Snapshot| {
        let shared = snapshot.host.shared?;
        let domains = snapshot.domains.iter();
        let bytes = domains.map(|domain| signed(domain.memory_shared_bytes));
        let host = signed(shared.used_bytes).saturating_add(signed(shared.freed_bytes));
        Some((host, bytes.fold(0, i64::saturating_add)))
    };
    let Some((host, domains)) = sums(interval.after) else {
        return check.finish("Xen is built without memory sharing");
    };
    if (host, domains) == (0, 0) {
        return check.finish("no memory is shared");
    }
    check.numbers(None, Numbers::equal(Unit::Bytes, host, domains, 0), || {
        Fault::if_seen_twice("the pages that domains share are not those that Xen counts")
    });
    check.finish("")
}

/// Checks that Xen has memory for all that populate-on-demand domains may still use.
pub(super) fn pod(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::exact(
        "memory.pod",
        "memory that a domain may use and does not have yet against what Xen holds ready for it",
    );
    for domain in &interval.after.domains {
        let Some(pod) = domain.pod.filter(|pod| pod.entries_bytes > 0) else {
            continue;
        };
        let (cache, entries) = (signed(pod.cache_bytes), signed(pod.entries_bytes));
        let numbers = Numbers::at_most(Unit::Bytes, cache, entries, 0);
        check.numbers(Some(domain.id), numbers, || {
            // Until its balloon driver runs, this is normal: it gives the difference back.
            Fault::warning(format!(
                "{}: it crashes if it uses all its memory before it balloons down",
                label(domain)
            ))
        });
    }
    check.finish("no domain has populate-on-demand memory")
}
