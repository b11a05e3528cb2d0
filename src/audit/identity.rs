//! Identity: Xen's domains against XenStore's.

use std::collections::BTreeMap;

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, label};
use crate::snapshot::{DomId, Listing, Snapshot};

/// Why nothing could be compared with XenStore.
const NOT_LISTED: &str = "XenStore did not list its domains";

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Found> {
    [
        in_store(interval),
        orphans(interval),
        names(interval),
        unique_names(interval),
        uuids(interval),
        dying(interval),
    ]
    .concat()
}

/// Returns the domains that XenStore lists; `None` if it did not.
pub(super) fn listed(snapshot: &Snapshot) -> Option<&[DomId]> {
    snapshot.listing.as_ref().map(|listing| &*listing.domains)
}

fn is_listed(snapshot: &Snapshot, id: DomId) -> bool {
    listed(snapshot).is_some_and(|ids| ids.binary_search(&id).is_ok())
}

fn exists(snapshot: &Snapshot, id: DomId) -> bool {
    let found = snapshot
        .domains
        .binary_search_by_key(&id, |domain| domain.id);
    found.is_ok()
}

/// Checks that every domain of Xen is in XenStore.
fn in_store(interval: &Interval<'_>) -> Vec<Found> {
    let after = interval.after;
    let mut check = Check::exact(
        "identity.in_store",
        "Xen's domains against those in XenStore",
    );
    if listed(after).is_none() {
        return check.finish(NOT_LISTED);
    }
    for domain in &after.domains {
        if is_listed(after, domain.id) {
            check.agrees();
            continue;
        }
        let reason = format!("{}: it exists in Xen but not in XenStore", label(domain));
        check.differs(
            Some(domain.id),
            (format!("/local/domain/{}", domain.id), "no such path"),
            interval.lack(domain, reason),
        );
    }
    check.finish("Xen lists no domain")
}

/// Checks that every domain in XenStore exists in Xen.
fn orphans(interval: &Interval<'_>) -> Vec<Found> {
    let after = interval.after;
    let mut check = Check::exact("identity.orphans", "XenStore's domains against Xen's");
    let Some(ids) = listed(after) else {
        return check.finish(NOT_LISTED);
    };
    let mut too_long = after.listing.iter().flat_map(|listing| &listing.too_long);
    if too_long.any(|path| path == Listing::DOMAINS) {
        return check.finish(
            "XenStore's list of domains is longer than the 4 KiB of one reply, so only Xen's domains \
             are known",
        );
    }
    for &id in ids {
        if exists(after, id) {
            check.agrees();
            continue;
        }
        let reason = format!("/local/domain/{id} exists, but Xen has no such domain");
        let fault = Fault::if_it_lasts(reason);
        check.differs(Some(id), ("a domain", "none"), fault);
    }
    check.finish("XenStore lists no domain")
}

/// Checks that every domain has a name.
fn names(interval: &Interval<'_>) -> Vec<Found> {
    let after = interval.after;
    let mut check = Check::exact("identity.names", "each domain in XenStore against its name");
    for domain in &after.domains {
        // Another check finds domains that are not in XenStore at all.
        if !is_listed(after, domain.id) {
            continue;
        }
        if domain.name.is_some() {
            check.agrees();
            continue;
        }
        let reason = format!("{}: it has no readable name", label(domain));
        let fault = interval.lack(domain, reason);
        check.differs(Some(domain.id), ("a name", "none"), fault);
    }
    check.finish(NOT_LISTED)
}

/// Checks that no two domains have the same name. XAPI gives domains the names of their VMs, which need
/// not be unique.
fn unique_names(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::exact("identity.unique_names", "domains against their names");
    let mut by_name = BTreeMap::<&str, Vec<DomId>>::new();
    for domain in &interval.after.domains {
        if let Some(name) = &domain.name {
            by_name.entry(name).or_default().push(domain.id);
        }
    }
    for (name, ids) in by_name {
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let numbers = Numbers::equal(Unit::Count, 1, count, 0);
        check.numbers(ids.first().copied(), numbers, || {
            let list: Vec<String> = ids.iter().map(DomId::to_string).collect();
            let list = list.join(" and ");
            Fault::warning(format!("'{name}' is the name of domains {list}"))
        });
    }
    check.finish("no domain has a name")
}

/// Checks that a domain's UUID in XenStore is its handle in Xen. xenopsd changes the handle of a domain
/// before it destroys it.
fn uuids(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::exact(
        "identity.uuids",
        "each domain's handle in Xen against its UUID in XenStore",
    );
    for domain in &interval.after.domains {
        let Some(uuid) = domain.xenstore_uuid else {
            continue;
        };
        if domain.states.dying || domain.is_marked_by_xenopsd() {
            continue;
        }
        if uuid == domain.uuid {
            check.agrees();
            continue;
        }
        check.differs(
            Some(domain.id),
            (domain.uuid.to_string(), uuid.to_string()),
            Fault::if_seen_twice(format!("{}: XenStore has another UUID", label(domain))),
        );
    }
    check.finish("no domain has a UUID in XenStore")
}

/// Checks that no domain is stuck dying: one that holds the same memory as before.
fn dying(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::exact(
        "identity.dying",
        "dying domains against the memory that they hold",
    );
    for domain in &interval.after.domains {
        if !domain.states.dying {
            check.agrees();
            continue;
        }
        let holds = format!("dying, with {} KiB", domain.memory_bytes / 1024);
        let reason = format!("{}: it is {holds}", label(domain));
        check.differs(Some(domain.id), ("gone", holds), Fault::if_it_lasts(reason));
    }
    check.finish("Xen lists no domain")
}
