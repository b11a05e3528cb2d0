//! Identity: the hypervisor's domains against XenStore's.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::{Check, Numbers};
use super::{
    Finding, Interval, Unit, Verdict, is_being_built, is_being_torn_down, label, lasting, signed,
};
use crate::snapshot::{DomId, Domain, Snapshot};

/// Why nothing of XenStore could be compared.
const NOT_LISTED: &str = "XenStore did not list its domains: it does not answer, or they take more \
                          than the 4 KiB that it lists at once";

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

/// The domains that XenStore lists; `None` when it did not.
pub(super) fn listed(snapshot: &Snapshot) -> Option<&[DomId]> {
    snapshot.listing.as_ref()?.domains.as_deref()
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

/// What a domain's gap in XenStore is: passing while it is built or torn down, and for as long as
/// it was not seen twice.
fn gap(domain: &Domain, was_so: impl FnOnce(&Domain) -> bool, before: Option<&Domain>) -> Verdict {
    let settled = !is_being_built(domain) && !is_being_torn_down(domain);
    lasting(settled && before.is_some_and(was_so))
}

/// Every domain that Xen knows is in XenStore.
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
            format!("{}: Xen knows it and XenStore does not", label(domain)),
        );
    }
    check.finish("Xen lists no domain")
}

/// Every domain in XenStore is one that Xen knows.
fn orphans(interval: &Interval<'_>) -> Vec<Finding> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::exact("identity.orphans", "XenStore's domains against Xen's");
    let Some(ids) = listed(after) else {
        return check.finish(NOT_LISTED);
    };
    for &id in ids {
        if exists(after, id) {
            check.agrees();
            continue;
        }
        let was_so = is_listed(before, id) && !exists(before, id);
        check.differs(
            Some(id),
            ("a domain", "none"),
            lasting(was_so),
            format!("/local/domain/{id} is there, and Xen has no such domain"),
        );
    }
    check.finish("XenStore lists no domain")
}

/// Every domain has a name.
fn names(interval: &Interval<'_>) -> Vec<Finding> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::exact("identity.names", "each domain in XenStore against its name");
    // One that is not in XenStore at all is another check's.
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
            format!("{}: it has no name that is text", label(domain)),
        );
    }
    check.finish(NOT_LISTED)
}

/// No name is borne twice.
fn unique_names(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::exact("identity.unique_names", "domains against their names");
    let bearers = |snapshot: &Snapshot| -> BTreeMap<Arc<str>, Vec<DomId>> {
        let mut bearers = BTreeMap::<_, Vec<DomId>>::new();
        for domain in &snapshot.domains {
            if let Some(name) = &domain.name {
                bearers.entry(name.clone()).or_default().push(domain.id);
            }
        }
        bearers
    };
    let before = bearers(interval.before);
    for (name, ids) in bearers(interval.after) {
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

/// XenStore's uuid is the handle in Xen.
fn uuids(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::exact(
        "identity.uuids",
        "each domain's handle in Xen against its uuid in XenStore",
    );
    for domain in &interval.after.domains {
        let Some(uuid) = domain.xenstore_uuid else {
            continue;
        };
        if uuid == domain.uuid {
            check.agrees();
            continue;
        }
        let before = interval.before.find(domain.identity());
        check.differs(
            Some(domain.id),
            (domain.uuid.to_string(), uuid.to_string()),
            lasting(before.is_some_and(|was| was.xenstore_uuid == Some(uuid))),
            format!("{}: XenStore has another uuid for it", label(domain)),
        );
    }
    check.finish("XenStore has no domain's uuid")
}

/// No domain is stuck on its way out.
fn dying(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::exact(
        "identity.dying",
        "dead domains against the memory that they still hold",
    );
    for domain in &interval.after.domains {
        if !domain.states.dying {
            check.agrees();
            continue;
        }
        let held = signed(domain.memory_bytes);
        let before = interval.before.find(domain.identity());
        let stuck = before.is_some_and(|was| was.states.dying && signed(was.memory_bytes) <= held);
        let what = match stuck {
            true => "it has given up nothing since the sample before",
            false => "it is being torn down",
        };
        check.differs(
            Some(domain.id),
            ("gone", format!("dead, with {} KiB", held / 1024)),
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
    fn a_gap_is_passing_until_it_was_seen_twice_and_while_a_domain_is_built() {
        let running = domain(5, "web", 1, 7);
        assert_eq!(gap(&running, |_| true, Some(&running)), Verdict::Failed);
        assert_eq!(gap(&running, |_| false, Some(&running)), Verdict::Warning);
        assert_eq!(gap(&running, |_| true, None), Verdict::Warning);
        let mut built = domain(5, "web", 1, 0);
        built.states.paused = true;
        assert_eq!(gap(&built, |_| true, Some(&built)), Verdict::Warning);
        let mut dead = running.clone();
        dead.states.dying = true;
        assert_eq!(gap(&dead, |_| true, Some(&dead)), Verdict::Warning);
    }
}
