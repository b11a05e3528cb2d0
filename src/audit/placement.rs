//! Placement: pools and affinities against the existing pCPUs.

use super::check::{Check, Numbers};
use super::faults::{Fault, Found};
use super::finding::Unit;
use super::interval::{Interval, label};
use crate::snapshot::{Domain, Host, VcpuState};

const NO_POOLS: &str = "the CPU pools are unknown";

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Found> {
    [members(interval), pcpus(interval), affinity(interval)].concat()
}

/// Checks that every domain is in a pool that exists, and that each pool counts its domains
/// correctly.
fn members(interval: &Interval<'_>) -> Vec<Found> {
    let after = interval.after;
    let mut check = Check::exact(
        "placement.domains",
        "domains' pools against the pools' domain counts",
    );
    let Some(pools) = &after.host.pools else {
        return check.finish(NO_POOLS);
    };
    for domain in &after.domains {
        if pools.iter().any(|pool| pool.id == domain.pool) {
            check.agrees();
            continue;
        }
        let pool = domain.pool;
        check.differs(
            Some(domain.id),
            (format!("pool {pool}"), "no such pool"),
            Fault::if_seen_twice(format!("{}: its pool {pool} does not exist", label(domain))),
        );
    }
    for pool in pools {
        let members = after.domains.iter();
        let found = members.filter(|domain| domain.pool == pool.id).count() as i64;
        let counted = i64::from(pool.domains);
        check.numbers(None, Numbers::equal(Unit::Count, counted, found, 0), || {
            // A domain may have been created, destroyed or moved between the two readings.
            Fault::if_seen_twice(format!(
                "pool {} counts {counted} domains, {found} are in it",
                pool.id
            ))
        });
    }
    check.finish("")
}

/// Checks that the pCPUs of pools are online, and each in at most one pool.
fn pcpus(interval: &Interval<'_>) -> Vec<Found> {
    let host = &interval.after.host;
    let mut check = Check::exact("placement.pcpus", "pools' pCPUs against those online");
    let Some(pools) = &host.pools else {
        return check.finish(NO_POOLS);
    };
    for pcpu in &host.pcpu {
        let with = pools.iter().filter(|pool| pool.pcpus.contains(&pcpu.id));
        let count = with.count() as i64;
        // An online pCPU may be in no pool, free to be added to one.
        let most = i64::from(pcpu.is_online());
        check.numbers(None, Numbers::at_most(Unit::Count, most, count, 0), || {
            let what = match pcpu.is_online() {
                true => "is in more than one pool",
                false => "is in a pool and offline",
            };
            Fault::if_seen_twice(format!("pCPU {} {what}", pcpu.id))
        });
    }
    for pool in pools {
        let known = |id: &&u32| !host.pcpu.iter().any(|pcpu| pcpu.id == **id);
        let unknown: Vec<u32> = pool.pcpus.iter().filter(known).copied().collect();
        if !unknown.is_empty() {
            let reason = format!("pool {} has pCPUs that do not exist", pool.id);
            check.differs(
                None,
                ("existing pCPUs", list(&unknown)),
                Fault::if_seen_twice(reason),
            );
        }
    }
    check.finish("Xen lists no pCPU")
}

/// Checks that hard affinities have only existing pCPUs, and an online one of the pool for each
/// online vCPU.
fn affinity(interval: &Interval<'_>) -> Vec<Found> {
    let host = &interval.after.host;
    let mut check = Check::exact(
        "placement.affinity",
        "vCPUs' hard affinity against the online pCPUs of their pool",
    );
    for domain in &interval.after.domains {
        for vcpu in domain.vcpus.iter().flatten() {
            let Some(hard) = &vcpu.hard_affinity else {
                continue;
            };
            match fault(host, domain, hard) {
                Some((what, fails)) if vcpu.state != VcpuState::Offline => {
                    let reason = format!("{}: vCPU {} {what}", label(domain), vcpu.id);
                    let fault = match fails {
                        true => Fault::if_seen_twice(reason),
                        false => Fault::warning(reason),
                    };
                    let expected = "online pCPUs of its pool";
                    check.differs(Some(domain.id), (expected, list(hard)), fault);
                }
                _ => check.agrees(),
            }
        }
    }
    check.finish("no vCPU's affinity is known")
}

/// Returns what is wrong with a hard affinity, and whether that can be a failure.
fn fault(host: &Host, domain: &Domain, hard: &[u32]) -> Option<(&'static str, bool)> {
    let exists = |id: u32| host.pcpu.iter().any(|pcpu| pcpu.id == id);
    let online = |id: u32| {
        let mut pcpus = host.pcpu.iter();
        pcpus.any(|pcpu| pcpu.id == id && pcpu.is_online())
    };
    let in_pool = |id: u32| {
        let pool = host.pool_of(id);
        host.pools.is_none() || pool.is_some_and(|pool| pool.id == domain.pool)
    };
    // Xen writes "anywhere" as all pCPUs, including offline ones.
    let anywhere = host.pcpu.iter().all(|pcpu| hard.contains(&pcpu.id));
    if !hard.iter().all(|&id| exists(id)) {
        Some(("has a pCPU that does not exist in its affinity", true))
    } else if !hard.iter().any(|&id| online(id) && in_pool(id)) {
        Some(("has no online pCPU of its pool in its affinity", true))
    } else if !anywhere && !hard.iter().all(|&id| online(id)) {
        Some(("has an offline pCPU in its affinity", false))
    } else {
        None
    }
}

fn list(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    numbers.join(",")
}
