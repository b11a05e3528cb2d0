//! What XenStore lists, whether the hypervisor knows of it or not.

use serde::{Deserialize, Serialize};

use super::domain::DomId;

/// The domains and the backends that XenStore lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The numbers below `/local/domain`, rising; `None` when they are more than XenStore lists at
    /// once (4 KiB, `XENSTORE_PAYLOAD_MAX` of xen/io/xs_wire.h).
    pub domains: Option<Vec<DomId>>,
    /// The devices below `/local/domain/0/backend`, rising; `None` as for `domains`.
    pub backends: Option<Vec<Backend>>,
}

/// A device that dom0 serves to a domain: `backend/KIND/DOMAIN/DEVICE`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Backend {
    /// What it is, such as `vif` or `vbd`.
    pub kind: String,
    /// Whom it is served to.
    pub domain: DomId,
    /// Its number in that domain.
    pub device: u32,
}
