//! Devices: XenStore's records against dom0's kernel's and Xen's.

use std::collections::BTreeSet;

use super::check::Check;
use super::faults::{Fault, Found};
use super::interval::{Interval, is_being_built, label};
use crate::snapshot::{Backend, DiskBackend, DomId, Domain, Listing, Snapshot, VcpuState};

/// The kinds of backends in dom0's kernel.
const KERNELS: [&str; 2] = ["vif", "vbd"];

/// Why nothing could be compared with XenStore.
const NOT_LISTED: &str = "XenStore did not list the backends";

pub(super) fn checks(interval: &Interval<'_>) -> Vec<Found> {
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
fn backends(interval: &Interval<'_>) -> Vec<Found> {
    let after = interval.after;
    let mut check = Check::exact(
        "devices.backends",
        "backends in XenStore and in dom0's kernel against Xen's domains",
    );
    let Some(listed) = listed(after) else {
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
    let all: BTreeSet<&Backend> = listed.iter().chain(&after.orphans).collect();
    for backend in all {
        if find(after, backend.domain).is_some() {
            check.agrees();
            continue;
        }
        let place = match (listed.contains(backend), after.orphans.contains(backend)) {
            (true, true) => "XenStore and dom0's kernel",
            (true, false) => "XenStore",
            _ => "dom0's kernel",
        };
        check.differs(
            Some(backend.domain),
            ("a domain", "none"),
            Fault::if_it_lasts(format!(
                "{} is in {place}, but its domain does not exist",
                path(backend)
            )),
        );
    }
    check.finish("no domain has a backend in dom0")
}

/// Checks that XenStore and dom0's kernel have the same vif and vbd backends.
fn kernel(interval: &Interval<'_>) -> Vec<Found> {
    let after = interval.after;
    let mut check = Check::exact(
        "devices.kernel",
        "vif and vbd backends in XenStore against those in dom0's kernel",
    );
    let Some(listed) = listed(after) else {
        return check.finish(NOT_LISTED);
    };
    for domain in &after.domains {
        let Some(in_kernel) = in_kernel(domain) else {
            continue;
        };
        let of_kernel = |backend: &&Backend| {
            backend.domain == domain.id && KERNELS.contains(&backend.kind.as_str())
        };
        let in_store: BTreeSet<Backend> = listed.iter().filter(of_kernel).cloned().collect();
        for backend in in_store.union(&in_kernel) {
            let (has, has_not) = match (in_store.contains(backend), in_kernel.contains(backend)) {
                (true, true) => {
                    check.agrees();
                    continue;
                }
                (true, false) => ("XenStore", "dom0's kernel"),
                _ => ("dom0's kernel", "XenStore"),
            };
            let path = path(backend);
            let reason = format!("{}: {path} is not in {has_not}", label(domain));
            let fault = Fault::if_it_lasts(reason);
            check.differs(Some(domain.id), ("both", has), fault);
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
fn vcpus(interval: &Interval<'_>) -> Vec<Found> {
    let mut check = Check::exact(
        "devices.vcpus",
        "vCPUs available in XenStore against vCPUs online",
    );
    for domain in &interval.after.domains {
        if is_being_built(domain) || interval.is_being_torn_down(domain) {
            continue;
        }
        for (id, available, online) in availability(domain) {
            if available == online {
                check.agrees();
                continue;
            }
            let word = |online: bool| if online { "online" } else { "offline" };
            let reason = format!(
                "{}: vCPU {id} is {}, but {} in XenStore",
                label(domain),
                word(online),
                word(available)
            );
            // A guest may not have done yet what it was asked for, and it may put any vCPU offline.
            let fault = Fault::warning(reason);
            check.differs(Some(domain.id), (word(available), word(online)), fault);
        }
    }
    check.finish("XenStore does not have the availability of any vCPU")
}

/// Iterates over the vCPUs with an availability in XenStore: the ID, whether it is available, and
/// whether it is online.
fn availability(domain: &Domain) -> impl Iterator<Item = (u32, bool, bool)> {
    let vcpus = domain.vcpus.iter().flatten();
    vcpus.filter_map(|vcpu| {
        let all = domain.vcpus_available.as_ref()?;
        let available = (*all.get(usize::try_from(vcpu.id).ok()?)?)?;
        let online = vcpu.state != VcpuState::Offline;
        Some((vcpu.id, available, online))
    })
}
