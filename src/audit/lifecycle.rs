//! Memory that comes and goes with domains: what a domain took, Xen gives back.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, label, signed};
use super::memory::{free_change, own_bytes};
use crate::snapshot::{Domain, Identity, Snapshot};

/// A page, the least that a leak per domain takes.
const PAGE: i64 = 4096;

/// After how many times in a row growth is a leak. Xen also keeps memory once, for example for the grants that dom0
/// maps, and uses it again.
const LEAK_CYCLES: u32 = 3;

/// The domains and Xen's memory at a time at which no domain was being built or torn down, and what happened since.
#[derive(Debug)]
pub(super) struct Settled {
    domains: Vec<Identity>,
    own_bytes: i64,
    free_change: i64,
    /// How many domains ended since then.
    ended: i64,
    /// How often in a row domains came and went, and Xen kept a page or more for each.
    grown: u32,
}

impl Settled {
    /// Starts with a sample.
    pub(super) fn new(sample: &Snapshot) -> Self {
        Self {
            domains: domains(sample),
            own_bytes: own_bytes(sample),
            free_change: free_change(&sample.host),
            ended: 0,
            grown: 0,
        }
    }
}

fn domains(snapshot: &Snapshot) -> Vec<Identity> {
    snapshot.domains.iter().map(Domain::identity).collect()
}

/// Checks that Xen's memory is what it was, once the domains that came are gone.
pub(super) fn memory(interval: &Interval<'_>, settled: &mut Settled) -> Vec<Found> {
    let mut check = Check::new(
        "memory.lifecycle",
        "Xen's memory, without paging pools, grant tables and shared pages, against that before \
         domains came and went",
        "the change of free memory while both samples were taken",
    );
    let after = interval.after;
    settled.ended += i64::try_from(interval.gone().count()).unwrap_or(i64::MAX);
    let changing = after
        .domains
        .iter()
        .any(|domain| interval.is_changing(domain));
    if settled.domains != domains(after) || changing {
        return check.finish("domains have come or gone, and are not yet as before");
    }
    let now = Settled::new(after);
    if settled.ended == 0 {
        return check.finish("no domain came and went");
    }
    let came = settled.ended;
    let each = now.own_bytes.saturating_sub(settled.own_bytes) / came;
    let grown = match each >= PAGE {
        true => settled.grown + 1,
        false => 0,
    };
    let tolerance = settled.free_change.saturating_add(now.free_change);
    let numbers = Numbers::at_most(Unit::Bytes, settled.own_bytes, now.own_bytes, tolerance);
    check.numbers(None, numbers, || {
        let reason = format!("{came} domains came and went, and Xen kept {each} bytes for each");
        match grown >= LEAK_CYCLES {
            true => Fault::failed(format!("{reason}, for the {grown}. time in a row")),
            false => Fault::warning(reason),
        }
    });
    check.remark(format!("{came} domains came and went"));
    *settled = Settled { grown, ..now };
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
