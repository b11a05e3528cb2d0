//! Memory: what domains have, what is free, and what Xen uses itself.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, is_being_built, label, signed};
use crate::snapshot::{Domain, Host, Snapshot};

/// The bytes of a page, the unit of Xen's allocations.
const PAGE: i64 = 4096;

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Found> {
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

/// Returns Xen's own memory in bytes: what is neither free nor a domain's. Negative if domains and
/// free memory exceed the host's memory.
pub(super) fn xen_bytes(snapshot: &Snapshot) -> i64 {
    signed(snapshot.host.memory_bytes)
        .saturating_sub(signed(snapshot.host.memory_free_bytes))
        .saturating_sub(domain_bytes(snapshot))
}

/// Returns the part of Xen's own memory that is not for one domain alone: without paging pools, grant tables and
/// shared pages. What is unknown counts as Xen's own.
pub(super) fn own_bytes(snapshot: &Snapshot) -> i64 {
    let of = |domain: &Domain| {
        let parts = [domain.paging_pool_bytes, domain.grant_table_bytes];
        parts
            .into_iter()
            .flatten()
            .map(signed)
            .fold(0, i64::saturating_add)
    };
    let for_domains = snapshot.domains.iter().map(of).fold(0, i64::saturating_add);
    let shared = snapshot
        .host
        .shared
        .map_or(0, |shared| signed(shared.used_bytes));
    xen_bytes(snapshot)
        .saturating_sub(for_domains)
        .saturating_sub(shared)
}

/// Returns the memory of all domains in bytes.
fn domain_bytes(snapshot: &Snapshot) -> i64 {
    let bytes = snapshot
        .domains
        .iter()
        .map(|domain| signed(domain.memory_bytes));
    bytes.fold(0, i64::saturating_add)
}

/// Returns by how many bytes the free memory changed while the rest was read.
pub(super) fn free_change(host: &Host) -> i64 {
    let before = signed(host.memory_free_bytes);
    let after = host.memory_free_after_bytes.map_or(before, signed);
    after.saturating_sub(before).saturating_abs()
}

/// Checks that Σ domains + free ≤ total.
fn conservation(interval: &Interval<'_>) -> Vec<Found> {
    let after = interval.after;
    let mut check = Check::new(
        "memory.conservation",
        "domains' memory and free memory against the host's memory",
        "the change of free memory while the sample was taken",
    );
    let host = signed(after.host.memory_bytes);
    let used = host.saturating_sub(xen_bytes(after));
    let numbers = Numbers::at_most(Unit::Bytes, host, used, free_change(&after.host));
    check.numbers(None, numbers, || {
        Fault::failed("domains' memory and free memory exceed the host's memory")
    });
    check.finish("")
}

/// Checks that Xen's own memory does not grow. What domains release and what does not become free is
/// part of that.
fn xen_share(interval: &Interval<'_>) -> Vec<Found> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::new(
        "memory.xen_share",
        "Xen's own memory, without paging pools and grant tables, against that of the previous sample",
        "the change of free memory while each sample was taken",
    );
    if !interval.same_domains() {
        return check.finish(
            "domains were created or destroyed or are being destroyed, which changes Xen's own \
             memory",
        );
    }
    let shares = |snapshot: &Snapshot| {
        let mut domains = snapshot.domains.iter();
        domains.any(|domain| domain.memory_shared_bytes > 0)
    };
    if shares(before) || shares(after) {
        return check.finish("pages that domains share belong to a domain that Xen does not list");
    }
    let (was, is) = (own_bytes(before), own_bytes(after));
    let since_first = is.saturating_sub(interval.xen_bytes_at_first) / 1024;
    let grown = format!("grown by {since_first} KiB since the first sample");
    let tolerance = free_change(&before.host).saturating_add(free_change(&after.host));
    let numbers = Numbers::at_most(Unit::Bytes, was, is, tolerance);
    check.numbers(None, numbers, || {
        Fault::warning(format!(
            "Xen's own memory grew without a new domain; {grown}"
        ))
    });
    check.remark(grown);
    check.finish("")
}

/// Checks that Σ domains' claims = the host's claims.
fn claims(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::exact(
        "memory.claims",
        "memory claimed for domains against the host's claims",
    );
    let claims = interval.after.domains.iter();
    let claims = claims.map(|domain| signed(domain.memory_claimed_bytes));
    let domains = claims.fold(0, i64::saturating_add);
    let host = signed(interval.after.host.memory_claimed_bytes);
    check.numbers(None, Numbers::equal(Unit::Bytes, host, domains, 0), || {
        // A claim shrinks from one reading to the next while it becomes memory.
        Fault::if_seen_twice(format!(
            "domains claim {} KiB, the host counts {} KiB of claims",
            domains / 1024,
            host / 1024
        ))
    });
    check.finish("")
}

/// Checks that no domain's memory exceeds its ceiling. The toolstack may lower the ceiling below the
/// memory in use, for the domain to balloon down. Until it has done so, its memory must fall.
fn ceiling(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "memory.ceiling",
        "a domain's memory against its ceiling",
        "none: Xen allocates nothing above it",
    );
    for domain in &interval.after.domains {
        let Some(ceiling) = domain.memory_max_bytes else {
            continue;
        };
        let (used, ceiling) = (signed(domain.memory_bytes), signed(ceiling));
        let numbers = Numbers::at_most(Unit::Bytes, ceiling, used, 0);
        if numbers.is_off() && interval.shrinks(domain) {
            check.remark(format!("{}: falls to its ceiling", label(domain)));
            continue;
        }
        check.numbers(Some(domain.id), numbers, || {
            let was = interval.before.find(domain.identity());
            if was.is_some_and(|was| was.memory_bytes < domain.memory_bytes) {
                let reason = format!("{}: its memory grew above its ceiling", label(domain));
                return Fault::failed(reason);
            }
            let above = numbers.excess() / 1024;
            Fault::if_it_lasts(format!("{}: {above} KiB above its ceiling", label(domain)))
        });
    }
    check.finish("no domain has a ceiling")
}

/// Checks that domains are at their targets, or says for how long they are not.
fn target(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::new(
        "memory.target",
        "a domain's memory against its target and its video memory in XenStore",
        "what the toolstack adds to the target for the ceiling, or one page",
    );
    for domain in &interval.after.domains {
        let Some(numbers) = target_numbers(interval, domain) else {
            continue;
        };
        check.numbers(Some(domain.id), numbers, || {
            Fault::warning(format!("{}: not at its target", label(domain)))
        });
    }
    check.finish("no domain has a target in XenStore")
}

/// Compares memory with the target; `None` without a target, for a domain that is being destroyed, and
/// for a domain that has never run.
fn target_numbers(interval: &Interval<'_>, domain: &Domain) -> Option<Numbers> {
    // libxl subtracts the video memory from what it writes as the target.
    let videoram = domain.memory_videoram_bytes.unwrap_or_default();
    let target = signed(domain.memory_target_bytes?.saturating_add(videoram));
    if interval.is_being_torn_down(domain) || is_being_built(domain) {
        return None;
    }
    // The ceiling is slightly above the target, or above the static maximum that the domain was
    // built with before a target was set.
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

/// Checks that the nodes' memory matches the host's.
fn nodes(interval: &Interval<'_>) -> Vec<Found> {
    let host = &interval.after.host;
    let mut check = Check::exact(
        "memory.nodes",
        "the nodes' free memory and size against the host's",
    );
    let Some(nodes) = &host.nodes else {
        return check.finish("the NUMA nodes are unknown");
    };
    let Some(expected) = host.memory_free_at_nodes_bytes else {
        return check.finish("free memory changed whenever the nodes were read");
    };
    let sum = |bytes: fn(&crate::snapshot::Node) -> Option<u64>| {
        let bytes = nodes.iter().filter_map(bytes).map(signed);
        bytes.fold(0, i64::saturating_add)
    };
    let free = sum(|node| node.memory_free_bytes);
    let numbers = Numbers::equal(Unit::Bytes, signed(expected), free, 0);
    check.numbers(None, numbers, || {
        // Memory may have been allocated and freed between the readings.
        Fault::if_seen_twice("the nodes' free memory does not add up to the host's")
    });
    // A node's size includes holes.
    let size = sum(|node| node.memory_bytes);
    let numbers = Numbers::at_least(Unit::Bytes, signed(host.memory_bytes), size, 0);
    check.numbers(None, numbers, || {
        Fault::failed("the nodes span less memory than the host has")
    });
    check.finish("")
}
