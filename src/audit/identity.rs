//! Identity: Xen's domains against XenStore's.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::{Check, Numbers};
use super::finding::{Finding, Unit, Verdict};
use super::interval::{Interval, is_being_built, is_being_torn_down, label, lasting, signed};
use crate::snapshot::{DomId, Domain, Listing, Snapshot};

/// Why nothing could be compared with XenStore.
const NOT_LISTED: &str = "XenStore did not list its domains";

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Finding> {
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

/// Returns the verdict of something that a domain lacks in XenStore: a warning while the domain is
/// built or destroyed, and if it was not lacking in both samples.
fn gap(
    domain: &Domain,
    was_there: impl FnOnce(&Domain) -> bool,
    before: Option<&Domain>,
) -> Verdict {
    let settled = !is_being_built(domain) && !is_being_torn_down(domain);
    lasting(settled && before.is_some_and(was_there))
}

/// Checks that every domain of Xen is in XenStore.
fn in_store(interval: &Interval<'_>) -> Vec<Finding> {
    let (before, after) = (interval.before, interval.after);
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
        let missed = |was: &Domain| listed(before).is_some() && !is_listed(before, was.id);
        check.differs(
            Some(domain.id),
            (format!("/local/domain/{}", domain.id), "no such path"),
            gap(domain, missed, before.find(domain.identity())),
            format!("{}: it exists in Xen but not in XenStore", label(domain)),
        );
    }
    check.finish("Xen lists no domain")
}

/// Checks that every domain in XenStore exists in Xen.
fn orphans(interval: &Interval<'_>) -> Vec<Finding> {
    let (before, after) = (interval.before, interval.after);
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
        let was_there = is_listed(before, id) && !exists(before, id);
        check.differs(
            Some(id),
            ("a domain", "none"),
            lasting(was_there),
            format!("/local/domain/{id} exists, but Xen has no such domain"),
        );
    }
    check.finish("XenStore lists no domain")
}

/// Checks that every domain has a name.
fn names(interval: &Interval<'_>) -> Vec<Finding> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::exact("identity.names", "each domain in XenStore against its name");
    // Another check finds domains that are not in XenStore at all.
    let nameless = |snapshot: &Snapshot, domain: &Domain| {
        is_listed(snapshot, domain.id) && domain.name.is_none()
    };
    for domain in &after.domains {
        if !is_listed(after, domain.id) {
            continue;
        }
        if domain.name.is_some() {
            check.agrees();
            continue;
        }
        check.differs(
            Some(domain.id),
            ("a name", "none"),
            gap(
                domain,
                |was| nameless(before, was),
                before.find(domain.identity()),
            ),
            format!("{}: it has no readable name", label(domain)),
        );
    }
    check.finish(NOT_LISTED)
}

/// Checks that no two domains have the same name.
fn unique_names(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::exact("identity.unique_names", "domains against their names");
    let by_name = |snapshot: &Snapshot| -> BTreeMap<Arc<str>, Vec<DomId>> {
        let mut domains = BTreeMap::<_, Vec<DomId>>::new();
        for domain in &snapshot.domains {
            if let Some(name) = &domain.name {
                domains.entry(name.clone()).or_default().push(domain.id);
            }
        }
        domains
    };
    let before = by_name(interval.before);
    for (name, ids) in by_name(interval.after) {
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let numbers = Numbers::equal(Unit::Count, 1, count, 0);
        check.numbers(ids.first().copied(), numbers, || {
            let list: Vec<String> = ids.iter().map(DomId::to_string).collect();
            let reason = format!("'{name}' is the name of domains {}", list.join(" and "));
            (lasting(before.get(&name) == Some(&ids)), reason)
        });
    }
    check.finish("no domain has a name")
}

/// Checks that a domain's UUID in XenStore is its handle in Xen. xenopsd changes the handle of a domain
/// before it destroys it.
fn uuids(interval: &Interval<'_>) -> Vec<Finding> {
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
        let before = interval.before.find(domain.identity());
        check.differs(
            Some(domain.id),
            (domain.uuid.to_string(), uuid.to_string()),
            lasting(before.is_some_and(|was| was.xenstore_uuid == Some(uuid))),
            format!("{}: XenStore has another UUID", label(domain)),
        );
    }
    check.finish("no domain has a UUID in XenStore")
}

/// Checks that no domain is stuck dying.
fn dying(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::exact(
        "identity.dying",
        "dying domains against the memory that they hold",
    );
    for domain in &interval.after.domains {
        if !domain.states.dying {
            check.agrees();
            continue;
        }
        let bytes = signed(domain.memory_bytes);
        let before = interval.before.find(domain.identity());
        let stuck = before.is_some_and(|was| was.states.dying && signed(was.memory_bytes) <= bytes);
        let what = match stuck {
            true => "it has released no memory since the previous sample",
            false => "it is being destroyed",
        };
        check.differs(
            Some(domain.id),
            ("gone", format!("dying, with {} KiB", bytes / 1024)),
            lasting(stuck),
            format!("{}: {what}", label(domain)),
        );
    }
    check.finish("Xen lists no domain")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::domain;

    #[test]
    fn gap_fails_if_it_lasts_on_a_running_domain() {
        let running = domain(5, "web", 1, 7);
        assert_eq!(gap(&running, |_| true, Some(&running)), Verdict::Failed);
        assert_eq!(gap(&running, |_| false, Some(&running)), Verdict::Warning);
        assert_eq!(gap(&running, |_| true, None), Verdict::Warning);
        let mut built = domain(5, "web", 1, 0);
        built.states.paused = true;
        assert_eq!(gap(&built, |_| true, Some(&built)), Verdict::Warning);
        let mut dying = running.clone();
        dying.states.dying = true;
        assert_eq!(gap(&dying, |_| true, Some(&dying)), Verdict::Warning);
    }
}
