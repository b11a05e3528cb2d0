//! A bridge in dom0. Most hosts have one; the lab has none.

use std::fs;

use super::revert;
use crate::command::tool;

/// A bridge with the guests' NICs, until it is dropped. Without a bridge, xentop sees no NICs.
pub struct Bridge {
    nics: Vec<String>,
}

impl Bridge {
    const NAME: &str = "xenbr0";

    /// Creates it with the NICs of the lab's three guests.
    pub fn over_all_guests() -> Self {
        for module in ["llc", "stp", "bridge"] {
            if !fs::exists(format!("/sys/module/{module}")).unwrap() {
                tool("insmod", &[format!("/lab/modules/{module}.ko")]);
            }
        }
        tool("brctl", &["addbr", Self::NAME]);
        let nics: Vec<String> = (1..=3).map(|id| format!("vif{id}.0")).collect();
        for nic in &nics {
            tool("brctl", &["addif", Self::NAME, nic]);
            // The guest's packets go to the bridge, so dom0's address moves there.
            let addresses = tool("ip", &["-o", "-4", "addr", "show", "dev", nic]);
            let address = addresses.split_whitespace().nth(3).unwrap();
            tool("ip", &["addr", "del", address, "dev", nic]);
            tool("ip", &["addr", "add", address, "dev", Self::NAME]);
        }
        tool("ip", &["link", "set", Self::NAME, "up"]);
        Self { nics }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        revert(|| {
            tool("ip", &["link", "set", Self::NAME, "down"]);
            tool("brctl", &["delbr", Self::NAME]);
            for nic in &self.nics {
                let id = nic.trim_start_matches("vif").split('.').next().unwrap();
                let number: u8 = id.parse().unwrap();
                let address = format!("10.77.{number}.1/30");
                tool("ip", &["addr", "add", &address, "dev", nic]);
            }
        });
    }
}
