//! Texts about a domain that `xenscope status` and the live view share.

use crate::snapshot::{DomId, Domain, Snapshot};
use crate::text::{or_unknown, safe};

/// Returns its state, and the reason if it has shut down.
pub(super) fn state(domain: &Domain) -> String {
    let state = domain.states.summary();
    match domain.states.shutdown {
        Some(reason) => format!("{state} ({reason})"),
        None => state.to_string(),
    }
}

/// Returns its UUID, and the one in XenStore if it differs.
pub(super) fn uuid(domain: &Domain) -> String {
    match domain.xenstore_uuid {
        Some(other) if other != domain.uuid => format!("{} (XenStore has {other})", domain.uuid),
        _ => domain.uuid.to_string(),
    }
}

/// Returns all figures of its memory. `bytes` formats one.
pub(super) fn memory(domain: &Domain, bytes: impl Fn(u64) -> String) -> String {
    let ceiling = domain.memory_max_bytes.map(&bytes);
    let mut out = format!(
        "{} used, ceiling {}, target {}, maximum {}",
        bytes(domain.memory_bytes),
        ceiling.as_deref().unwrap_or("none"),
        or_unknown(domain.memory_target_bytes, &bytes),
        or_unknown(domain.memory_static_max_bytes, &bytes),
    );
    // These are rarely used, so they are left out if they are 0.
    for (figure, what) in [
        (domain.memory_claimed_bytes, "claimed"),
        (domain.memory_shared_bytes, "shared"),
        (domain.memory_paged_bytes, "paged out"),
    ] {
        if figure > 0 {
            out.push_str(&format!(", {} {what}", bytes(figure)));
        }
    }
    out
}

/// Where a recorded sample has no scheduling parameters.
pub(super) const SCHEDULER_NOT_RECORDED: &str =
    "not recorded ('xenscope record --ready' does that)";

/// Returns its scheduling parameters, or why they are missing, and its CPU pool.
pub(super) fn scheduling(domain: &Domain, missing: Option<&str>) -> String {
    let scheduling = match missing {
        Some(why) => why.to_owned(),
        None => or_unknown(domain.scheduling, |scheduling| scheduling.to_string()),
    };
    format!("{scheduling}, in pool {}", domain.pool)
}

/// Returns what a device is, and which domain serves it if that is not dom0: `vif5.0 in domain 3`,
/// with the domain's name if it is in the snapshot.
pub(super) fn served(device: &str, by: DomId, snapshot: &Snapshot) -> String {
    let device = safe(device);
    let name = snapshot
        .domain(by)
        .and_then(|domain| domain.name.as_deref());
    match (by, name) {
        (DomId::DOM0, _) => device.into_owned(),
        (_, None) => format!("{device} in domain {by}"),
        (_, Some(name)) => format!("{device} in domain {by} ({})", safe(name)),
    }
}

/// Returns whose device model it runs, if it is a stub domain: `domain 5 (web)`.
pub(super) fn target(domain: &Domain, snapshot: &Snapshot) -> Option<String> {
    let target = domain.target_domain?;
    let name = snapshot
        .domain(target)
        .and_then(|domain| domain.name.as_deref());
    let name = name.map_or_else(String::new, |name| format!(" ({})", safe(name)));
    Some(format!("the device model of domain {target}{name}"))
}

/// Returns two counts of a NIC: what the guest received, and what it sent.
pub(super) fn pair(received: Option<u64>, sent: Option<u64>) -> String {
    let count = |count: Option<u64>| or_unknown(count, |count| count.to_string());
    format!("{}/{}", count(received), count(sent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{domain, snapshot};

    #[test]
    fn a_driver_domain_is_named() {
        let mut unknown = domain(4, "", 0, 0);
        unknown.name = None;
        let domains = vec![domain(3, "sys\x1bnet", 0, 0), unknown];
        let snapshot = snapshot(0, 0, domains);
        let served = |by| served("vif5.0", DomId(by), &snapshot);
        assert_eq!(served(0), "vif5.0");
        assert_eq!(served(3), "vif5.0 in domain 3 (sys\\u{1b}net)");
        assert_eq!(served(4), "vif5.0 in domain 4");
        assert_eq!(served(5), "vif5.0 in domain 5", "it is not in the snapshot");
    }

    #[test]
    fn a_stub_domain_names_whom_it_serves() {
        let mut stub = domain(6, "work-dm", 0, 0);
        let of = |stub: &Domain| target(stub, &snapshot(0, 0, vec![domain(5, "wo\x1brk", 0, 0)]));
        assert_eq!(of(&stub), None);
        stub.target_domain = Some(DomId(5));
        let expected = "the device model of domain 5 (wo\\u{1b}rk)";
        assert_eq!(of(&stub).as_deref(), Some(expected));
        stub.target_domain = Some(DomId(7));
        assert_eq!(of(&stub).as_deref(), Some("the device model of domain 7"));
    }
}
