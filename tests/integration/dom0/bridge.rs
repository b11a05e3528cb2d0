//! A bridge in dom0, as most hosts have one and the laboratory has none.

use std::fs;

use crate::command::tool;

/// A bridge that the guests' NICs are on for as long as this lives: xentop sees none without.
pub struct Bridge {
    nics: Vec<String>,
}

impl Bridge {
    const NAME: &str = "xenbr0";

    /// Puts the NICs of the laboratory's three guests on it.
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
            // The guest's packets go to the bridge now, and dom0's address there with them.
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
        tool("ip", &["link", "set", Self::NAME, "down"]);
        tool("brctl", &["delbr", Self::NAME]);
        for nic in &self.nics {
            let id = nic.trim_start_matches("vif").split('.').next().unwrap();
            let number: u8 = id.parse().unwrap();
            let address = format!("10.77.{number}.1/30");
            tool("ip", &["addr", "add", &address, "dev", nic]);
        }
    }
}
