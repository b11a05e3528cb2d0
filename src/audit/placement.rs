//! Placement: pools and affinities against the pCPUs that there are.

use super::check::{Check, Numbers};
use super::{Finding, Interval, Unit, Verdict, label, lasting};
use crate::snapshot::{Domain, Host, Snapshot, VcpuState};

const NO_POOLS: &str = "the pools are not known";

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Finding> {
    [members(interval), pcpus(interval), affinity(interval)].concat()
}

/// Every domain is in a pool that there is, and each pool counts its domains right.
fn members(interval: &Interval<'_>) -> Vec<Finding> {
    let after = interval.after;
    let mut check = Check::exact(
        "placement.domains",
        "domains' pools against the pools' count",
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
        let was_so = before.is_some_and(|was| was.pool == domain.pool);
        check.differs(
            Some(domain.id),
            (format!("pool {}", domain.pool), "no such pool"),
            lasting(was_so),
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
            // Between the two readings a domain may have come, gone or moved.
            let then = interval.before.host.pools.iter().flatten();
            let stands_still =
                then.clone().any(|was| was == pool) && members(interval.before, pool.id) == found;
            let reason = format!("pool {} counts domains that are not in it", pool.id);
            (lasting(stands_still), reason)
        });
    }
    check.finish("")
}

/// Pools have pCPUs that are online, each in no more than one.
fn pcpus(interval: &Interval<'_>) -> Vec<Finding> {
    let host = &interval.after.host;
    let mut check = Check::exact("placement.pcpus", "pools' pCPUs against those online");
    let Some(pools) = &host.pools else {
        return check.finish(NO_POOLS);
    };
    let claimants = |host: &Host, pcpu: u32| {
        let pools = host.pools.iter().flatten();
        pools.filter(|pool| pool.pcpus.contains(&pcpu)).count() as i64
    };
    for pcpu in &host.pcpu {
        let count = claimants(host, pcpu.id);
        // One that is online may be in no pool: it is free to be added to one.
        let most = i64::from(pcpu.is_online());
        check.numbers(None, Numbers::at_most(Unit::Count, most, count, 0), || {
            let was_so = claimants(&interval.before.host, pcpu.id) == count;
            let what = match pcpu.is_online() {
                true => "is in more than one pool",
                false => "is in a pool and offline",
            };
            (lasting(was_so), format!("pCPU {} {what}", pcpu.id))
        });
    }
    for pool in pools {
        let known = |id: &&u32| !host.pcpu.iter().any(|pcpu| pcpu.id == **id);
        let unknown: Vec<u32> = pool.pcpus.iter().filter(known).copied().collect();
        if !unknown.is_empty() {
            let mut then = interval.before.host.pools.iter().flatten();
            let was_so = then.any(|was| was.id == pool.id && was.pcpus == pool.pcpus);
            check.differs(
                None,
                ("pCPUs of Xen's", list(&unknown)),
                lasting(was_so),
                format!("pool {} has pCPUs that Xen does not know", pool.id),
            );
        }
    }
    check.finish("Xen lists no pCPU")
}

/// Affinities name pCPUs that exist, and leave each online vCPU one to run on.
fn affinity(interval: &Interval<'_>) -> Vec<Finding> {
    let host = &interval.after.host;
    let mut check = Check::exact(
        "placement.affinity",
        "the pCPUs that a vCPU may run on against those online in its pool",
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
            let was_so = before.find(domain.identity()).is_some_and(|was| {
                let mut vcpus = was.vcpus.iter().flatten();
                let then = vcpus.find(|then| then.id == vcpu.id);
                let hard = then.and_then(|then| then.hard_affinity.as_deref());
                hard.and_then(|hard| self::fault(&before.host, was, hard)) == fault
            });
            check.differs(
                Some(domain.id),
                ("online pCPUs of its pool", list(hard)),
                verdict.min(lasting(was_so)),
                format!("{}: vCPU {} {what}", label(domain), vcpu.id),
            );
        }
    }
    check.finish("no vCPU's affinity is known")
}

/// What is wrong with a hard affinity, and how bad that is when it lasts.
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
    // All pCPUs, those offline too, is what Xen writes for "anywhere".
    let anywhere = host.pcpu.iter().all(|pcpu| hard.contains(&pcpu.id));
    if !hard.iter().all(|&id| exists(id)) {
        Some((Verdict::Failed, "may run on a pCPU that does not exist"))
    } else if !hard.iter().any(|&id| online(id) && in_pool(id)) {
        Some((
            Verdict::Failed,
            "may run on no pCPU that is online in its pool",
        ))
    } else if !anywhere && !hard.iter().all(|&id| online(id)) {
        Some((Verdict::Warning, "is pinned to a pCPU that is offline too"))
    } else {
        None
    }
}

fn list(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    numbers.join(",")
}
