//! Devices: XenStore's records against dom0's kernel's and Xen's.

use std::collections::BTreeSet;

use super::check::Check;
use super::finding::{Finding, Verdict};
use super::interval::{Interval, is_being_built, is_being_torn_down, label, lasting};
use crate::snapshot::{Backend, DiskBackend, DomId, Domain, Listing, Snapshot, VcpuState};

/// The kinds of backends in dom0's kernel.
const KERNELS: [&str; 2] = ["vif", "vbd"];

/// Why nothing could be compared with XenStore.
const NOT_LISTED: &str = "XenStore did not list the backends";

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Finding> {
    [backends(interval), kernel(interval), vcpus(interval)].concat()
}

/// Returns the backends that XenStore lists; `None` if it did not.
fn listed(snapshot: &Snapshot) -> Option<BTreeSet<Backend>> {
    let listing = snapshot.listing.as_ref()?;
    Some(listing.backends.iter().cloned().collect())
}

fn find(snapshot: &Snapshot, id: DomId) -> Option<&Domain> {
    let domains = &snapshot.domains;
    let at = domains.binary_search_by_key(&id, |domain| domain.id).ok()?;
    domains.get(at)
}

/// Checks that no backend outlives its domain.
fn backends(interval: &Interval<'_>) -> Vec<Finding> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::exact(
        "devices.backends",
        "backends in XenStore and in dom0's kernel against Xen's domains",
    );
    let Some(listed_now) = listed(after) else {
        return check.finish(NOT_LISTED);
    };
    let too_long = after.listing.iter().flat_map(|listing| &listing.too_long);
    for kind in too_long.filter_map(|path| path.strip_prefix(Listing::BACKENDS)) {
        let kind = kind.trim_start_matches('/');
        check.remark(format!(
            "XenStore's list of {kind} backends is longer than the 4 KiB of one reply, so only those \
             of Xen's domains are known"
        ));
    }
    let listed_before = listed(before).unwrap_or_default();
    let known = |snapshot: &Snapshot, listed: &BTreeSet<Backend>, backend: &Backend| {
        listed.contains(backend) || snapshot.orphans.contains(backend)
    };
    let all: BTreeSet<&Backend> = listed_now.iter().chain(&after.orphans).collect();
    for backend in all {
        if find(after, backend.domain).is_some() {
            check.agrees();
            continue;
        }
        let was_there =
            known(before, &listed_before, backend) && find(before, backend.domain).is_none();
        let place = match (
            listed_now.contains(backend),
            after.orphans.contains(backend),
        ) {
            (true, true) => "XenStore and dom0's kernel",
            (true, false) => "XenStore",
            _ => "dom0's kernel",
        };
        check.differs(
            Some(backend.domain),
            ("a domain", "none"),
            lasting(was_there),
            format!(
                "{} is in {place}, but its domain does not exist",
                path(backend)
            ),
        );
    }
    check.finish("no domain has a backend in dom0")
}

/// Checks that XenStore and dom0's kernel have the same vif and vbd backends.
fn kernel(interval: &Interval<'_>) -> Vec<Finding> {
    let (before, after) = (interval.before, interval.after);
    let mut check = Check::exact(
        "devices.kernel",
        "vif and vbd backends in XenStore against those in dom0's kernel",
    );
    let Some(listed_now) = listed(after) else {
        return check.finish(NOT_LISTED);
    };
    let listed_before = listed(before).unwrap_or_default();
    for domain in &after.domains {
        let Some(in_kernel) = in_kernel(domain) else {
            continue;
        };
        let in_store = |listed: &BTreeSet<Backend>| -> BTreeSet<Backend> {
            let kernels = |backend: &&Backend| {
                backend.domain == domain.id && KERNELS.contains(&backend.kind.as_str())
            };
            listed.iter().filter(kernels).cloned().collect()
        };
        let (now, then) = (in_store(&listed_now), in_store(&listed_before));
        let was = before.find(domain.identity());
        let in_kernel_before = was.and_then(self::in_kernel);
        for backend in now.union(&in_kernel) {
            let halves = (now.contains(backend), in_kernel.contains(backend));
            if halves == (true, true) {
                check.agrees();
                continue;
            }
            let was_there = in_kernel_before
                .as_ref()
                .is_some_and(|kernel| (then.contains(backend), kernel.contains(backend)) == halves);
            let settled = !is_being_built(domain) && !is_being_torn_down(domain);
            let (has, has_not) = match halves.0 {
                true => ("XenStore", "dom0's kernel"),
                false => ("dom0's kernel", "XenStore"),
            };
            check.differs(
                Some(domain.id),
                ("both", has),
                lasting(settled && was_there),
                format!("{}: {} is not in {has_not}", label(domain), path(backend)),
            );
        }
    }
    check.finish("no domain has a vif or vbd backend in dom0")
}

/// Returns the devices that dom0's kernel serves to a domain; `None` if they are unknown.
fn in_kernel(domain: &Domain) -> Option<BTreeSet<Backend>> {
    let backend = |kind: &str, device: u32| Backend {
        kind: kind.to_owned(),
        domain: domain.id,
        device,
    };
    let nics = domain
        .nics
        .as_ref()?
        .iter()
        .filter(|nic| nic.backend_domain == DomId::DOM0)
        .map(|nic| backend("vif", nic.id));
    let disks = domain.disks.as_ref()?.iter();
    let disks = disks
        .filter(|disk| disk.backend == DiskBackend::Blkback && disk.backend_domain == DomId::DOM0)
        .map(|disk| backend("vbd", disk.id));
    Some(nics.chain(disks).collect())
}

fn path(backend: &Backend) -> String {
    let Backend {
        kind,
        domain,
        device,
    } = backend;
    format!("backend/{kind}/{domain}/{device}")
}

/// Checks that the vCPUs that are available in XenStore are online, and no others.
fn vcpus(interval: &Interval<'_>) -> Vec<Finding> {
    let mut check = Check::exact(
        "devices.vcpus",
        "vCPUs available in XenStore against vCPUs online",
    );
    for domain in &interval.after.domains {
        if is_being_built(domain) || is_being_torn_down(domain) {
            continue;
        }
        let before = interval.before.find(domain.identity());
        for (id, available, online, has_run) in availability(domain) {
            if available == online {
                check.agrees();
                continue;
            }
            let was_there = before.is_some_and(|was| {
                let mut then = availability(was);
                then.any(|then| (then.0, then.1, then.2) == (id, available, online))
            });
            // A guest may not have done yet what it was asked for. But a vCPU that has run and is
            // offline without a request is a fault.
            let verdict = match !available || !has_run {
                true => Verdict::Warning,
                false => lasting(was_there),
            };
            let word = |online: bool| if online { "online" } else { "offline" };
            check.differs(
                Some(domain.id),
                (word(available), word(online)),
                verdict,
                format!(
                    "{}: vCPU {id} is {}, but {} in XenStore",
                    label(domain),
                    word(online),
                    word(available)
                ),
            );
        }
    }
    check.finish("XenStore does not have the availability of any vCPU")
}

/// Iterates over the vCPUs with an availability in XenStore: the ID, whether it is available,
/// whether it is online, and whether it has ever run.
fn availability(domain: &Domain) -> impl Iterator<Item = (u32, bool, bool, bool)> {
    let vcpus = domain.vcpus.iter().flatten();
    vcpus.filter_map(|vcpu| {
        let all = domain.vcpus_available.as_ref()?;
        let available = (*all.get(usize::try_from(vcpu.id).ok()?)?)?;
        let online = vcpu.state != VcpuState::Offline;
        Some((vcpu.id, available, online, vcpu.cpu_time_ns > 0))
    })
}
