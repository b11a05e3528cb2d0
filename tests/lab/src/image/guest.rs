//! The guests: their kernel, their initramfs and their xl configurations.

use std::path::Path;

use anyhow::Result;

use super::kernel::Kernel;
use super::tree::Tree;
use super::{Parts, find};
use crate::paths;
use crate::spec::Guest;

/// Modules that a guest loads, in order, after what they depend on.
const MODULES: [&str; 2] = ["xen-blkfront", "xen-netfront"];

/// A guest's memory in MiB: the least with which both suites' kernels boot.
const MEMORY: u32 = 128;

/// These options halve a guest's boot time under emulation: no probing for devices that no guest
/// has, because each port access enters the hypervisor, no self-tests, and no mitigations, which
/// only real CPUs need.
const QUICK: &str = "quiet pci=off 8250.nr_uarts=0 cryptomgr.notests mitigations=off";

/// Adds to dom0 the files that the guests need. `vif` is how xl connects their NICs.
pub(super) fn put(parts: &Parts<'_>, vif: &str, dom0: &mut Tree) -> Result<()> {
    // Tests start guests of their own, so these two are always there.
    dom0.copy("lab/vmlinux", parts.vmlinux);
    let mut initramfs = Vec::new();
    tree(&paths::root(parts.xen), parts.kernel)?.write(&mut initramfs)?;
    dom0.bytes("lab/guest.cpio", initramfs);
    for guest in parts.guests {
        dom0.bytes(format!("lab/guests/{}.cfg", guest.name), config(guest, vif));
    }
    Ok(())
}

/// Returns a guest's file system.
fn tree(root: &Path, kernel: &Kernel) -> Result<Tree> {
    let mut tree = Tree::default();
    for name in ["dev", "proc", "sys"] {
        tree.folder(name);
    }
    tree.copy("bin/busybox", find(root, "bin/busybox")?);
    tree.link("bin/sh", "busybox");
    tree.copy("init", paths::source("guest/init"));
    for (number, module) in (10..).zip(kernel.modules(&MODULES)?) {
        // The number is the load order.
        tree.bytes(format!("modules/{number}-{}", module.file), module.bytes);
    }
    Ok(tree)
}

/// Returns xl's configuration of a guest.
fn config(guest: &Guest, vif: &str) -> String {
    let Guest {
        name,
        number,
        kind,
        load,
        vcpus,
        nic,
    } = guest;
    let ip = format!("10.77.{number}.2");
    let vif = if *nic {
        format!("'mac=00:16:3e:4c:00:{number:02x},ip={ip},{vif}'")
    } else {
        String::new()
    };
    format!(
        "name = '{name}'\n\
         type = '{kind}'\n\
         kernel = '/lab/vmlinux'\n\
         ramdisk = '/lab/guest.cpio'\n\
         extra = 'console=hvc0 {QUICK} lab.load={load} lab.ip={ip}'\n\
         memory = {MEMORY}\n\
         vcpus = {vcpus}\n\
         disk = ['format=raw,vdev=xvda,access=rw,script=disk-lab,target=/lab/disks/{name}.img']\n\
         vif = [{vif}]\n\
         on_crash = 'restart'\n"
    )
}
