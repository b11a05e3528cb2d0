//! Placement: pools and affinities against the existing pCPUs.

use super::check::{Check, Numbers};
use super::finding::{Finding, Unit, Verdict};
use super::interval::{Interval, label, lasting};
use crate::snapshot::{Domain, Host, Snapshot, VcpuState};

const NO_POOLS: &str = "the CPU pools are unknown";

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Finding> {
    [members(interval), pcpus(interval), affinity(interval)].concat()
}

/// Checks that every domain is in a pool that exists, and that each pool counts its domains
/// correctly.
fn members(interval: &Interval<'_>) -> Vec<Finding> {
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
        let before = interval.before.find(domain.identity());
        let was_there = before.is_some_and(|was| was.pool == domain.pool);
        check.differs(
            Some(domain.id),
            (format!("pool {}", domain.pool), "no such pool"),
            lasting(was_there),
            format!("{}: its pool does not exist", label(domain)),
        );
    }
    let members = |snapshot: &Snapshot, pool: u32| {
        let domains = snapshot.domains.iter();
        domains.filter(|domain| domain.pool == pool).count() as i64
    };
    for pool in pools {
        let found = members(after, pool.id);
        let counted = i64::from(pool.domains);
        check.numbers(None, Numbers::equal(Unit::Count, counted, found, 0), || {
            // A domain may have been created, destroyed or moved between the two readings.
            let then = interval.before.host.pools.iter().flatten();
            let is_stable =
                then.clone().any(|was| was == pool) && members(interval.before, pool.id) == found;
            let reason = format!("pool {}'s domain count differs from its domains", pool.id);
            (lasting(is_stable), reason)
        });
    }
    check.finish("")
}

/// Checks that the pCPUs of pools are online, and each in at most one pool.
fn pcpus(interval: &Interval<'_>) -> Vec<Finding> {
    let host = &interval.after.host;
    let mut check = Check::exact("placement.pcpus", "pools' pCPUs against those online");
    let Some(pools) = &host.pools else {
        return check.finish(NO_POOLS);
    };
    let pools_with = |host: &Host, pcpu: u32| {
        let pools = host.pools.iter().flatten();
        pools.filter(|pool| pool.pcpus.contains(&pcpu)).count() as i64
    };
    for pcpu in &host.pcpu {
        let count = pools_with(host, pcpu.id);
        // An online pCPU may be in no pool, free to be added to one.
        let most = i64::from(pcpu.is_online());
        check.numbers(None, Numbers::at_most(Unit::Count, most, count, 0), || {
            let was_there = pools_with(&interval.before.host, pcpu.id) == count;
            let what = match pcpu.is_online() {
                true => "is in more than one pool",
                false => "is in a pool and offline",
            };
            (lasting(was_there), format!("pCPU {} {what}", pcpu.id))
        });
    }
    for pool in pools {
        let known = |id: &&u32| !host.pcpu.iter().any(|pcpu| pcpu.id == **id);
        let unknown: Vec<u32> = pool.pcpus.iter().filter(known).copied().collect();
        if !unknown.is_empty() {
            let mut then = interval.before.host.pools.iter().flatten();
            let was_there = then.any(|was| was.id == pool.id && was.pcpus == pool.pcpus);
            check.differs(
                None,
                ("existing pCPUs", list(&unknown)),
                lasting(was_there),
                format!("pool {} has pCPUs that do not exist", pool.id),
            );
        }
    }
    check.finish("Xen lists no pCPU")
}

/// Checks that hard affinities have only existing pCPUs, and an online one of the pool for each
/// online vCPU.
fn affinity(interval: &Interval<'_>) -> Vec<Finding> {
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
            let fault = fault(host, domain, hard);
            let Some((verdict, what)) = fault.filter(|_| vcpu.state != VcpuState::Offline) else {
                check.agrees();
                continue;
            };
            let before = interval.before;
            let was_there = before.find(domain.identity()).is_some_and(|was| {
                let mut vcpus = was.vcpus.iter().flatten();
                let then = vcpus.find(|then| then.id == vcpu.id);
                let hard = then.and_then(|then| then.hard_affinity.as_deref());
                hard.and_then(|hard| self::fault(&before.host, was, hard)) == fault
            });
            check.differs(
                Some(domain.id),
                ("online pCPUs of its pool", list(hard)),
                verdict.min(lasting(was_there)),
                format!("{}: vCPU {} {what}", label(domain), vcpu.id),
            );
        }
    }
    check.finish("no vCPU's affinity is known")
}

/// Returns what is wrong with a hard affinity, and the verdict if it lasts.
fn fault(host: &Host, domain: &Domain, hard: &[u32]) -> Option<(Verdict, &'static str)> {
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
        Some((
            Verdict::Failed,
            "has a pCPU that does not exist in its affinity",
        ))
    } else if !hard.iter().any(|&id| online(id) && in_pool(id)) {
        Some((
            Verdict::Failed,
            "has no online pCPU of its pool in its affinity",
        ))
    } else if !anywhere && !hard.iter().all(|&id| online(id)) {
        Some((Verdict::Warning, "has an offline pCPU in its affinity"))
    } else {
        None
    }
}

fn list(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    numbers.join(",")
}
