//! What XenStore lists, including domains that the hypervisor does not know.

use serde::{Deserialize, Serialize};

use super::domid::DomId;

/// The domains and the backends that XenStore has.
///
/// If a list is longer than one XenStore reply (4 KiB, `XENSTORE_PAYLOAD_MAX` of xen/io/xs_wire.h),
/// only what belongs to the hypervisor's domains is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The IDs below `/local/domain`, in ascending order.
    pub domains: Vec<DomId>,
    /// The devices below `/local/domain/0/backend`, in ascending order.
    pub backends: Vec<Backend>,
    /// The paths whose lists are longer than one reply.
    pub too_long: Vec<String>,
}

impl Listing {
    /// The folder of domains.
    pub const DOMAINS: &str = "/local/domain";
    /// The folder of the backends in dom0.
    pub const BACKENDS: &str = "/local/domain/0/backend";
}

/// A device that dom0 serves to a domain: `backend/KIND/DOMAIN/DEVICE`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Backend {
    /// Its kind, such as `vif` or `vbd`.
    pub kind: String,
    /// The domain that uses it.
    pub domain: DomId,
    /// Its number in that domain.
    pub device: u32,
}
