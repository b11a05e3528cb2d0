//! What recording costs, without all else.

use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

use super::figures::Recording;
use super::{PREPARE, ask, create_with_devices, destroy, shell, table};
use crate::paths;
use crate::session::Session;
use crate::xen::{Store, Xen};

/// What recording costs beside one set of domains.
#[derive(Debug, Serialize)]
pub(super) struct Beside {
    /// Domains, dom0 among them.
    pub(super) domains: u16,
    /// NICs and disks that dom0 serves.
    pub(super) devices: u16,
    pub(super) recording: Recording,
}

/// Measures beside these numbers of domains, dom0 among them, without and with a NIC and a disk each. Prints a table and
/// writes the figures to `target/lab/recording.json`.
pub(super) fn run(session: &mut Session, xen: Xen, store: Store, sizes: &[u16]) -> Result<()> {
    shell(session, PREPARE)?;
    let path = paths::lab().join("recording.json");
    let mut all = Vec::new();
    for &size in sizes {
        let count = size - 1;
        for devices in [0, 2 * count] {
            eprintln!("lab: measuring beside {size} domains with {devices} devices");
            match devices {
                0 => shell(session, &format!("lab-shells create {count}@1"))?,
                _ => create_with_devices(session, count)?,
            }
            all.push(Beside {
                domains: size,
                devices,
                recording: ask(session, &["recording"])?,
            });
            destroy(session, count)?;
            // After each, because the next one takes minutes, and may fail.
            fs::write(&path, serde_json::to_string_pretty(&all)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    println!("Xen {}, {}", xen.label(), store.label());
    print!("{}", table::recording(&all));
    eprintln!("lab: the figures are in {}", path.display());
    Ok(())
}
