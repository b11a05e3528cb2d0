//! dom0's file system.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::kernel::Kernel;
use super::tree::Tree;
use super::{Parts, find, guest};
use crate::elf;
use crate::paths;
use crate::tied;
use crate::xen::Xen;

/// Modules that dom0 loads as it boots.
const BOOT_MODULES: [&str; 10] = [
    "virtio_pci",
    "virtio_console",
    "xen-evtchn",
    "xen-gntdev",
    "xen-gntalloc",
    "xen-privcmd",
    "xenfs",
    "xen-blkback",
    "xen-netback",
    "loop",
];

/// Modules for tests that need a bridge, a network between hosts, or a disk. They are not loaded at boot.
const SPARE_MODULES: [&str; 5] = [
    "bridge",
    "virtio_net",
    "virtio_blk",
    "crc32c_generic",
    "ext4",
];

/// Debian's folder of libraries.
const LIBRARIES: &str = "lib/x86_64-linux-gnu";

/// The terminal types that a caller may use.
const TERMINALS: [&str; 9] = [
    "dumb",
    "linux",
    "screen",
    "screen-256color",
    "tmux",
    "tmux-256color",
    "vt100",
    "xterm",
    "xterm-256color",
];

/// Returns dom0's file system.
pub(super) fn tree(parts: &Parts<'_>) -> Result<Tree> {
    let Parts { xen, programs, .. } = *parts;
    let root = paths::root(xen);
    let mut tree = Tree::default();
    for name in ["bin", "sbin", "lib", "lib64"] {
        tree.folder(format!("usr/{name}"));
        tree.link(name, format!("usr/{name}"));
    }
    for name in [
        // By default, all users can write to it.
        ".",
        "dev",
        "mnt",
        "proc",
        "root",
        "run",
        "sys",
        "tmp",
        "var/lib/xen",
        "var/log/xen",
    ] {
        tree.folder(name);
    }
    tree.link("var/run", "/run");
    tree.link("var/lock", "/run/lock");

    let mut elf_files = xen_tools(xen, &root, &mut tree)?;
    tree.link("init", "/lab/agent");
    elf_files.extend(programs.files().map(|(_, program)| program.clone()));
    let strace = find(&root, "bin/strace")?;
    tree.copy("usr/bin/strace", &strace);
    elf_files.push(strace);
    libraries(xen, &root, elf_files, &mut tree)?;
    busybox(&root, &mut tree)?;
    settings(&root, &mut tree)?;
    modules(parts.kernel, &mut tree)?;
    labs(parts, "script=vif-lab", &mut tree)?;
    Ok(tree)
}

/// Returns what the lab adds to Debian's file system: a disk that is unpacked when Debian boots.
pub(super) fn debian(parts: &Parts<'_>) -> Result<Tree> {
    let mut tree = Tree::default();
    // By Debian's own script, which adds it to the bridge.
    labs(parts, "bridge=xenbr0", &mut tree)?;
    for (name, package) in &parts.programs.packages {
        tree.copy(format!("lab/{name}"), package);
    }
    Ok(tree)
}

/// Adds the lab's own programs, scripts and guests, whose NICs xl connects by `vif`.
fn labs(parts: &Parts<'_>, vif: &str, tree: &mut Tree) -> Result<()> {
    for (path, program) in parts.programs.files() {
        tree.copy(path, program);
    }
    if parts.programs.integration.is_some() {
        other_library(parts.xen, tree)?;
    }
    for name in ["disk-lab", "vif-lab"] {
        tree.copy(
            format!("etc/xen/scripts/{name}"),
            paths::source("dom0/scripts").join(name),
        );
    }
    guest::put(parts, vif, tree)
}

/// Adds the library of another Xen, for the test that it is refused.
fn other_library(xen: Xen, tree: &mut Tree) -> Result<()> {
    let other = xen.other();
    let name = format!("libxenctrl.so.{}", other.label());
    let library = find(&paths::root(other), &format!("{LIBRARIES}/{name}"))?;
    tree.copy(format!("lab/other/{name}"), library);
    Ok(())
}

/// Adds Xen's programs at Debian's paths and in PATH; returns their files.
fn xen_tools(xen: Xen, root: &Path, tree: &mut Tree) -> Result<Vec<PathBuf>> {
    let mut programs = Vec::new();
    let label = xen.label();
    let private = format!("usr/lib/xen-{label}");
    let folder = root.join(&private).join("bin");
    for (name, path) in files(&folder)? {
        // The others are scripts for interpreters that dom0 does not have.
        if elf::is_elf(&path) {
            tree.copy(format!("{private}/bin/{name}"), &path);
            // Debian has a wrapper there, which finds the running Xen's version; dom0 has only one.
            tree.link(format!("usr/sbin/{name}"), format!("/{private}/bin/{name}"));
            programs.push(path);
        }
    }
    for (name, path) in files(&root.join("usr/bin"))? {
        if name.starts_with("xenstore") && !path.is_symlink() {
            tree.copy(format!("usr/bin/{name}"), &path);
            programs.push(path);
        }
    }
    // 4.20's oxenstored loads this when it starts.
    let plugins = root.join(&private).join("ocaml");
    if plugins.exists() {
        tree.copy_folder(Path::new(&format!("{private}/ocaml")), &plugins)?;
    }
    Ok(programs)
}

/// Adds all libraries of Xen, those that the programs need, and those that they load at run time.
fn libraries(xen: Xen, root: &Path, programs: Vec<PathBuf>, tree: &mut Tree) -> Result<()> {
    let places: Vec<PathBuf> = [
        root.join("usr").join(LIBRARIES),
        root.join(LIBRARIES),
        root.join(format!("usr/lib/xen-{}", xen.label()))
            .join(LIBRARIES),
    ]
    .into_iter()
    .filter(|place| place.exists())
    .collect();

    let mut roots = programs;
    for place in &places {
        for (name, path) in files(place)? {
            if name.starts_with("libxen") && name.contains(".so.") {
                tree.copy(format!("usr/{LIBRARIES}/{name}"), &path);
                roots.push(path);
            }
        }
    }
    // libc loads it when xl cancels threads.
    let libgcc = find(root, &format!("{LIBRARIES}/libgcc_s.so.1"))?;
    tree.copy(format!("usr/{LIBRARIES}/libgcc_s.so.1"), &libgcc);
    roots.push(libgcc);

    for (name, path) in elf::libraries(roots, &places)? {
        tree.copy(format!("usr/{LIBRARIES}/{name}"), path);
    }
    let loader = "ld-linux-x86-64.so.2";
    tree.copy(
        format!("usr/lib64/{loader}"),
        find(root, &format!("{LIBRARIES}/{loader}"))?,
    );

    Ok(())
}

fn busybox(root: &Path, tree: &mut Tree) -> Result<()> {
    let busybox = find(root, "bin/busybox")?;
    tree.copy("usr/bin/busybox", &busybox);
    let applets = tied::capture(tied::command(&busybox).arg("--list"), "busybox --list")?;
    for applet in String::from_utf8_lossy(&applets).lines() {
        let path = format!("usr/bin/{applet}");
        if !tree.contains(&path) {
            tree.link(path, "busybox");
        }
    }
    Ok(())
}

/// Adds the files in /etc, and terminal descriptions.
fn settings(root: &Path, tree: &mut Tree) -> Result<()> {
    let nobody = "nobody:x:65534:65534::/nonexistent:/bin/false\n";
    tree.bytes(
        "etc/passwd",
        format!("root:x:0:0:root:/root:/bin/sh\n{nobody}"),
    );
    tree.bytes("etc/group", "root:x:0:\nnogroup:x:65534:\n");
    tree.bytes("etc/hosts", "127.0.0.1 localhost dom0\n");
    // xl needs this file; it may be empty.
    tree.bytes("etc/xen/xl.conf", "");
    tree.copy(
        "etc/xen/oxenstored.conf",
        root.join("etc/xen/oxenstored.conf"),
    );
    for name in TERMINALS {
        let place = format!("terminfo/{}/{name}", &name[..1]);
        let from = find(root, &format!("lib/{place}"))
            .or_else(|_| find(root, &format!("share/{place}")))?;
        tree.copy(format!("usr/share/{place}"), from);
    }
    Ok(())
}

fn modules(kernel: &Kernel, tree: &mut Tree) -> Result<()> {
    let mut order = String::new();
    for module in kernel.modules(&BOOT_MODULES)? {
        order.push_str(&module.file);
        order.push('\n');
        tree.bytes(format!("lab/modules/{}", module.file), module.bytes);
    }
    tree.bytes("lab/modules/boot", order);
    for module in kernel.modules(&SPARE_MODULES)? {
        tree.bytes(format!("lab/modules/{}", module.file), module.bytes);
    }
    Ok(())
}

/// Returns a folder's entries by name.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let problem = || format!("cannot list {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(problem)? {
        let entry = entry.with_context(problem)?;
        if let (Ok(name), path) = (entry.file_name().into_string(), entry.path())
            && path.is_file()
        {
            files.push((name, path));
        }
    }
    Ok(files)
}
