//! A version of Xen, and the versions that xenscope is tested on.

/// The oldest and the newest minor version of Xen 4 that xenscope is tested on: 17 and 20 at every change, 21 and 22
/// by hand. The interface is the same in all of them.
pub(super) const TESTED_MINORS: (u32, u32) = (17, 22);

/// The running hypervisor's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// 4 in every release so far.
    pub major: u32,
    /// 17 for Xen 4.17.
    pub minor: u32,
}

impl Version {
    /// Returns whether xenscope is tested on this version.
    pub(super) fn is_tested(self) -> bool {
        let (oldest, newest) = TESTED_MINORS;
        self.major == 4 && (oldest..=newest).contains(&self.minor)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
