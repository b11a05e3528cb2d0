//! A bridge in dom0. Most hosts have one; the lab has none.

use std::fs;

use super::revert;
use crate::command::tool;

/// A bridge with the guests' NICs, until it is dropped. Without a bridge, xentop sees no NICs.
pub struct Bridge {
    /// The NICs, and the addresses that they had.
    nics: Vec<(String, String)>,
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
        let mut bridge = Self { nics: Vec::new() };
        for guest in ["pv-net", "pv-disk", "pv-burn"] {
            // A guest that crashed while it booted was restarted, and has another ID.
            let id = tool("xl", &["domid", guest]);
            let nic = format!("vif{}.0", id.trim());
            tool("brctl", &["addif", Self::NAME, &nic]);
            // The guest's packets go to the bridge, so dom0's address moves there.
            let addresses = tool("ip", &["-o", "-4", "addr", "show", "dev", &nic]);
            let address = addresses.split_whitespace().nth(3).unwrap().to_owned();
            tool("ip", &["addr", "del", &address, "dev", &nic]);
            tool("ip", &["addr", "add", &address, "dev", Self::NAME]);
            bridge.nics.push((nic, address));
        }
        tool("ip", &["link", "set", Self::NAME, "up"]);
        bridge
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        revert(|| {
            tool("ip", &["link", "set", Self::NAME, "down"]);
            tool("brctl", &["delbr", Self::NAME]);
            for (nic, address) in &self.nics {
                tool("ip", &["addr", "add", address, "dev", nic]);
            }
        });
    }
}
