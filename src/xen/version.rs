//! A version of Xen, and those that the binding is proven on.

/// The oldest and the newest minor version of Xen 4 that the binding is proven on.
pub const PROVEN_MINORS: (u32, u32) = (17, 20);

/// The running hypervisor's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// 4, for every Xen there is.
    pub major: u32,
    /// 17 for Xen 4.17.
    pub minor: u32,
}

impl Version {
    /// Whether the binding is proven to fit this version.
    pub fn is_proven(self) -> bool {
        let (oldest, newest) = PROVEN_MINORS;
        self.major == 4 && (oldest..=newest).contains(&self.minor)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
