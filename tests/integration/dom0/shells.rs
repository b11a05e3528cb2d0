//! Empty paused domains, made for a test and gone with it.

use crate::command::tool;

/// Domains made by the laboratory's `lab-shells`.
pub struct Shells {
    first: u16,
    count: u16,
}

impl Shells {
    /// Makes `count` domains from the id `first` on; `extra` is more of the specification, such as
    /// `:nameless`.
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
        let (first, count) = (self.first.to_string(), self.count.to_string());
        tool("lab-shells", &["destroy", &first, &count]);
    }
}
