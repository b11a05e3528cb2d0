//! Memory: what domains hold, what is free, what Xen keeps.

use super::check::{Check, Numbers};
use super::{Finding, Interval, Unit, Verdict, label, lasting, signed};
use crate::snapshot::{Domain, Host, Snapshot};

/// Bytes in a page, the unit that Xen gives memory out in.
const PAGE: i64 = 4096;

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Finding> {
    [
        conservation(interval),
        xen_share(interval),
        claims(interval),
        ceiling(interval),
        target(interval),
        nodes(interval),
    ]
    .concat()
}

/// What neither domains hold nor is free: Xen's own memory, in bytes. Below 0 when more is held
/// than there is.
pub(super) fn xen_bytes(snapshot: &Snapshot) -> i64 {
    signed(snapshot.host.memory_bytes)
        .saturating_sub(signed(snapshot.host.memory_free_bytes))
        .saturating_sub(held(snapshot))
}

/// What all domains hold.
fn held(snapshot: &Snapshot) -> i64 {
    let held = snapshot
        .domains
        .iter()
        .map(|domain| signed(domain.memory_bytes));
    held.fold(0, i64::saturating_add)
}

/// By how much the free memory changed while the rest was read.
fn moved(host: &Host) -> i64 {
    let before = signed(host.memory_free_bytes);
    let after = host.memory_free_after_bytes.map_or(before, signed);
    after.saturating_sub(before).saturating_abs()
}

const MOVED: &str = "by how much the free memory changed while the sample was taken";

/// Σ domains + free ≤ total, and pages that domains give up are free.
fn conservation(interval: &Interval<'_>) -> Vec<Finding> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::new(
        "memory.conservation",
        "domains' memory and free memory against the host's",
        MOVED,
    );
    let host = signed(after.host.memory_bytes);
    let used = host.saturating_sub(xen_bytes(after));
    let numbers = Numbers::at_most(Unit::Bytes, host, used, moved(&after.host));
    check.numbers(None, numbers, || {
        let reason = "domains hold more, together with what is free, than there is";
        (Verdict::Failed, reason.to_owned())
    });
    let given_up = held(before).saturating_sub(held(after));
    if interval.same_domains() && given_up > 0 {
        let freed = signed(after.host.memory_free_bytes)
            .saturating_sub(signed(before.host.memory_free_bytes));
        let tolerance = moved(&before.host).saturating_add(moved(&after.host));
        let numbers = Numbers::at_least(Unit::Bytes, given_up, freed, tolerance);
        check.numbers(None, numbers, || {
            let reason = "domains gave up that much, and it is not free";
            (Verdict::Failed, reason.to_owned())
        });
    }
    check.finish("")
}

/// Xen's own share is watched for growth.
fn xen_share(interval: &Interval<'_>) -> Vec<Finding> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::new(
        "memory.xen_share",
        "the memory that Xen keeps for itself against that of the sample before",
        "by how much the free memory changed while each sample was taken",
    );
    let (was, is) = (xen_bytes(before), xen_bytes(after));
    let since_first = is.saturating_sub(interval.xen_bytes_at_first) / 1024;
    let grown = format!("grown by {since_first} KiB since the first sample");
    if !interval.same_domains() {
        return check.finish(
            "domains came, went or are being torn down, and what Xen keeps for them with them",
        );
    }
    let tolerance = moved(&before.host).saturating_add(moved(&after.host));
    let numbers = Numbers::at_most(Unit::Bytes, was, is, tolerance);
    // What domains gave up is the other check's.
    if held(after) < held(before) && numbers.excess() > tolerance {
        return check.finish("what domains gave up is not free: see memory.conservation");
    }
    check.numbers(None, numbers, || {
        let reason = format!("Xen keeps more than before and no domain came; {grown}");
        (Verdict::Warning, reason)
    });
    check.remark(grown);
    check.finish("")
}

/// Σ domains' claims = the host's.
fn claims(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::exact(
        "memory.claims",
        "memory claimed for domains against the host's claims",
    );
    let sums = |snapshot: &Snapshot| {
        let claims = snapshot.domains.iter();
        let claims = claims.map(|domain| signed(domain.memory_claimed_bytes));
        let host = signed(snapshot.host.memory_claimed_bytes);
        (claims.fold(0, i64::saturating_add), host)
    };
    let (domains, host) = sums(interval.after);
    check.numbers(None, Numbers::equal(Unit::Bytes, host, domains, 0), || {
        // A claim that is being turned into memory shrinks from one reading to the next.
        let stands_still = sums(interval.before) == (domains, host);
        let reason = "what domains have claimed is not what the host has promised";
        (lasting(stands_still), reason.to_owned())
    });
    check.finish("")
}

/// Used never above the ceiling.
fn ceiling(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::new(
        "memory.ceiling",
        "what a domain holds against what it may hold",
        "none: Xen grants nothing beyond it",
    );
    for domain in &interval.after.domains {
        let Some(ceiling) = domain.memory_max_bytes else {
            continue;
        };
        let (used, ceiling) = (signed(domain.memory_bytes), signed(ceiling));
        // The toolstack may lower it below what is used, for the domain to come down to; until
        // then nothing may be added.
        let was = interval.before.find(domain.identity());
        let coming_down = used > ceiling
            && is_off_target(domain)
            && was.is_some_and(|was| signed(was.memory_bytes) >= used);
        if coming_down {
            check.remark(format!(
                "{}: above its ceiling while it comes down: see memory.target",
                label(domain)
            ));
            continue;
        }
        let numbers = Numbers::at_most(Unit::Bytes, ceiling, used, 0);
        check.numbers(Some(domain.id), numbers, || {
            let reason = format!("{}: it holds more than it may", label(domain));
            (Verdict::Failed, reason)
        });
    }
    check.finish("no domain has a ceiling")
}

/// Target against used, and for how long they have differed.
fn target(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::new(
        "memory.target",
        "what a domain holds against its target in XenStore",
        "what the toolstack sets the ceiling above the target, or a page",
    );
    for domain in &interval.after.domains {
        let Some(numbers) = target_numbers(domain) else {
            continue;
        };
        check.numbers(Some(domain.id), numbers, || {
            let since = interval.off_target.get(&domain.identity());
            let ns = since.map_or(0, |since| domain.stamp.at_ns.saturating_sub(since.at_ns));
            let reason = format!(
                "{}: not at its target for {:.1} s at least",
                label(domain),
                ns as f64 / 1e9
            );
            (Verdict::Warning, reason)
        });
    }
    check.finish("no domain has a target in XenStore")
}

/// Whether a domain is not at its target.
pub(super) fn is_off_target(domain: &Domain) -> bool {
    target_numbers(domain).is_some_and(Numbers::is_off)
}

/// `None` without a target, and for a domain that cannot follow it any more or has no memory yet.
fn target_numbers(domain: &Domain) -> Option<Numbers> {
    let target = signed(domain.memory_target_bytes?);
    if super::is_being_torn_down(domain) || super::is_being_built(domain) {
        return None;
    }
    // A bit above the target, or above the most it was built for before a target was set.
    let ceiling = domain.memory_max_bytes.map(signed);
    let static_max = domain.memory_static_max_bytes.map(signed);
    let slack = [Some(target), static_max]
        .into_iter()
        .filter_map(|bytes| Some(ceiling? - bytes?))
        .filter(|&slack| slack > 0)
        .min()
        .unwrap_or(PAGE);
    let used = signed(domain.memory_bytes);
    Some(Numbers::equal(Unit::Bytes, target, used, slack))
}

/// Node memory against the host's.
fn nodes(interval: &Interval<'_>) -> Vec<Finding> {
    let host = &interval.after.host;
    let mut check = Check::new(
        "memory.nodes",
        "the nodes' free memory and size against the host's",
        MOVED,
    );
    let Some(nodes) = &host.nodes else {
        return check.finish("the nodes are not known");
    };
    let sum = |bytes: fn(&crate::snapshot::Node) -> Option<u64>| {
        let bytes = nodes.iter().filter_map(bytes).map(signed);
        bytes.fold(0, i64::saturating_add)
    };
    let free = sum(|node| node.memory_free_bytes);
    let expected = signed(host.memory_free_bytes);
    let numbers = Numbers::equal(Unit::Bytes, expected, free, moved(host));
    check.numbers(None, numbers, || {
        let reason = "the nodes' free memory does not add up to the host's";
        (Verdict::Failed, reason.to_owned())
    });
    // A node's size is what it spans, holes included.
    let size = sum(|node| node.memory_bytes);
    let numbers = Numbers::at_least(Unit::Bytes, signed(host.memory_bytes), size, 0);
    check.numbers(None, numbers, || {
        let reason = "the nodes span less memory than the host has";
        (Verdict::Failed, reason.to_owned())
    });
    check.finish("")
}
