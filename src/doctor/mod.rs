//! Whether this host can be watched, and what stands in the way. Nothing is changed or switched on.
//!
//! `hypervisor` asks Xen and XenStore, `kernel` looks at dom0's kernel and at this process, and `programs` at other
//! programs and at the toolstack.

mod check;
mod hypervisor;
mod kernel;
mod programs;

use std::path::Path;

pub use check::{Check, State};

/// Looks at everything, in the order in which it is needed. See [`crate::xen::Hypervisor::open`] for
/// `allow_untested`.
pub fn examine(allow_untested: bool) -> Vec<Check> {
    let root = Path::new("/");
    let mut checks = hypervisor::checks(allow_untested, root);
    checks.extend(kernel::checks(root));
    checks.extend(programs::checks(root));
    checks
}

/// Returns whether nothing stands in the way.
pub fn is_ready(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.state != State::Blocked)
}
