//! The IDs of domains.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A domain's ID (`domid_t`, xen/xen.h).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DomId(pub u16);

impl DomId {
    /// dom0.
    pub const DOM0: Self = Self(0);
}

impl fmt::Display for DomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
