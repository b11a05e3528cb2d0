//! Texts about a domain that `xenscope status` and the live view share.

use crate::snapshot::Domain;
use crate::text::or_unknown;

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

/// Returns its scheduling parameters and its CPU pool.
pub(super) fn scheduling(domain: &Domain) -> String {
    let scheduling = or_unknown(domain.scheduling, |scheduling| scheduling.to_string());
    format!("{scheduling}, in pool {}", domain.pool)
}

/// Returns two counts of a NIC: what the guest received, and what it sent.
pub(super) fn pair(received: Option<u64>, sent: Option<u64>) -> String {
    let count = |count: Option<u64>| or_unknown(count, |count| count.to_string());
    format!("{}/{}", count(received), count(sent))
}
