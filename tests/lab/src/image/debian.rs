//! What the lab adds to Debian's file system: a disk that is unpacked when Debian boots.

use std::path::Path;

use anyhow::Result;

use super::kernel::Kernel;
use super::tree::Tree;
use super::{Programs, dom0, guest};
use crate::paths;
use crate::spec::Guest;
use crate::xen::Xen;

/// Returns the files to add.
pub(super) fn tree(
    xen: Xen,
    kernel: &Kernel,
    vmlinux: &Path,
    programs: &Programs,
    guests: &[Guest],
) -> Result<Tree> {
    let mut tree = Tree::default();
    for (path, program) in programs.files() {
        tree.copy(path, program);
    }
    if programs.integration.is_some() {
        dom0::other_library(xen, &mut tree)?;
    }
    dom0::scripts(&mut tree);
    // By Debian's own script, which adds it to the bridge.
    let root = paths::root(xen);
    guest::put(&root, kernel, vmlinux, guests, "bridge=xenbr0", &mut tree)?;
    Ok(tree)
}
