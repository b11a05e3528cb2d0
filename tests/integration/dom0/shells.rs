//! Empty paused domains that a test creates and destroys.

use super::revert;
use crate::command::tool;

/// Domains that the lab's `lab-shells` creates; dropped, they are destroyed.
pub struct Shells {
    first: u16,
    count: u16,
}

impl Shells {
    /// Creates `count` domains from the ID `first` on; `extra` is the rest of the specification,
    /// such as `:nameless`.
    pub fn create(count: u16, first: u16, extra: &str) -> Self {
        tool(
            "lab-shells",
            &["create", &format!("{count}@{first}{extra}")],
        );
        Self { first, count }
    }
}

impl Drop for Shells {
    fn drop(&mut self) {
        revert(|| {
            let (first, count) = (self.first.to_string(), self.count.to_string());
            tool("lab-shells", &["destroy", &first, &count]);
        });
    }
}
