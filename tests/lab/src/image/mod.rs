//! What QEMU boots: the hypervisor, dom0's kernel, and dom0's file system as an initramfs.

mod dom0;
mod guest;
mod kernel;
mod tree;
mod vmlinux;

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;

use crate::disk;
use crate::paths;
use crate::spec::Guest;
use crate::xen::{Userland, Xen};
use kernel::Kernel;
use tree::Tree;

/// The programs built for a boot.
pub struct Programs {
    /// dom0's init and agent.
    pub agent: PathBuf,
    /// `lab-shells`, built for this Xen.
    pub shells: PathBuf,
    /// xenscope itself.
    pub xenscope: PathBuf,
    /// `lab-bench`.
    pub bench: Option<PathBuf>,
    /// Another build of xenscope, which `lab-bench` also measures.
    pub against: Option<PathBuf>,
    /// xenscope's integration tests.
    pub integration: Option<PathBuf>,
    /// Debian packages of xenscope, each with its name in dom0's `/lab`.
    pub packages: Vec<(&'static str, PathBuf)>,
}

impl Programs {
    /// Iterates over where each program goes in dom0, and its file.
    fn files(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        let all = [
            ("lab/agent", Some(&self.agent)),
            ("usr/bin/xenscope", Some(&self.xenscope)),
            ("usr/bin/lab-shells", Some(&self.shells)),
            ("lab/bench", self.bench.as_ref()),
            ("lab/against", self.against.as_ref()),
            ("lab/integration", self.integration.as_ref()),
        ];
        let present = |(path, program): (_, Option<_>)| Some((path, program?));
        all.into_iter().filter_map(present)
    }
}

/// What happens to what a machine writes to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// It cannot write.
    Refused,
    /// It is gone when the machine ends.
    Dropped,
    /// It stays in the file.
    Kept,
}

/// The files that QEMU boots.
pub struct Image {
    /// The hypervisor, uncompressed because QEMU needs that.
    pub hypervisor: PathBuf,
    /// dom0's kernel, also uncompressed.
    pub kernel: PathBuf,
    /// dom0's initramfs.
    pub initramfs: PathBuf,
    /// What dom0's kernel gets on its command line.
    pub arguments: String,
    /// The machine's disks: each one's serial number, its file, and what happens to what it writes.
    pub disks: Vec<(&'static str, PathBuf, Writes)>,
    /// A file that one of the paths leads to. It has no name, so it disappears when the lab ends.
    _archive: File,
}

/// What a dom0 is made from.
struct Parts<'a> {
    xen: Xen,
    kernel: &'a Kernel,
    /// The kernel, uncompressed, for guests.
    vmlinux: &'a Path,
    programs: &'a Programs,
    guests: &'a [Guest],
}

/// Makes the image of one boot.
pub fn make(xen: Xen, userland: Userland, programs: &Programs, guests: &[Guest]) -> Result<Image> {
    let root = paths::root(xen);
    let kernel = Kernel::find(&root)?;
    let vmlinux = vmlinux(&kernel.image, &paths::version(xen))?;
    let parts = Parts {
        xen,
        kernel: &kernel,
        vmlinux: &vmlinux,
        programs,
        guests,
    };
    let tree = match userland {
        Userland::Minimal(_) => dom0::tree(&parts)?,
        Userland::Debian => dom0::debian(&parts)?,
    };
    let (archive, path) = archive(&tree)?;
    Ok(match userland {
        Userland::Minimal(store) => Image {
            hypervisor: hypervisor(&boot_file(xen, &root)?, &paths::version(xen))?,
            kernel: vmlinux,
            initramfs: path,
            arguments: format!("lab.store={}", store.label()),
            disks: Vec::new(),
            _archive: archive,
        },
        Userland::Debian => {
            let disk = disk::ensure(xen)?;
            let folder = paths::version(xen).join("debian");
            Image {
                hypervisor: hypervisor(&disk.boot_file("xen-", ".gz")?, &folder)?,
                kernel: self::vmlinux(&disk.boot_file("vmlinuz-", "")?, &folder)?,
                initramfs: disk.boot_file("initrd.img-", "")?,
                arguments: "root=/dev/vda rw".to_owned(),
                disks: vec![
                    ("root", disk.image, Writes::Dropped),
                    ("lab", path, Writes::Refused),
                ],
                _archive: archive,
            }
        }
    })
}

/// Writes a tree to a file without a name; returns it, and a path to it.
fn archive(tree: &Tree) -> Result<(File, PathBuf)> {
    let folder = paths::lab();
    let file = tempfile::tempfile_in(&folder)
        .with_context(|| format!("cannot create a file in {}", folder.display()))?;
    let mut out = BufWriter::new(&file);
    tree.write(&mut out)?;
    out.flush().context("cannot write it")?;
    drop(out);
    // A disk has whole sectors.
    let length = file.metadata().context("cannot read its size")?.len();
    file.set_len(length.next_multiple_of(512))
        .context("cannot set its size")?;
    let path = format!("/proc/{}/fd/{}", process::id(), file.as_raw_fd());
    Ok((file, path.into()))
}

/// Returns the path of the packed hypervisor in an unpacked suite.
fn boot_file(xen: Xen, root: &Path) -> Result<PathBuf> {
    find(root, &format!("boot/xen-{}-amd64.gz", xen.label()))
}

/// Returns the path of the uncompressed hypervisor, and creates it in this folder if it is missing.
fn hypervisor(packed: &Path, folder: &Path) -> Result<PathBuf> {
    unpacked(packed, folder.join("xen"), |packed| {
        let mut bytes = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut bytes)?;
        Ok(bytes)
    })
}

/// Returns the path of the uncompressed kernel, and creates it in this folder if it is missing.
fn vmlinux(packed: &Path, folder: &Path) -> Result<PathBuf> {
    unpacked(packed, folder.join("vmlinux"), vmlinux::unpack)
}

/// Creates a file from another one unless it already exists.
fn unpacked(
    packed: &Path,
    plain: PathBuf,
    unpack: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
) -> Result<PathBuf> {
    if !plain.exists() {
        let bytes = fs::read(packed)
            .context("cannot read it")
            .and_then(|bytes| unpack(&bytes))
            .with_context(|| format!("cannot unpack {}", packed.display()))?;
        // Under another name until it is complete.
        let part = plain.with_extension("part");
        fs::write(&part, bytes)
            .and_then(|()| fs::rename(&part, &plain))
            .with_context(|| format!("cannot write {}", plain.display()))?;
    }
    Ok(plain)
}

/// Returns a file or folder of an unpacked suite, which has it in `/usr` or, in older packages,
/// outside.
fn find(root: &Path, path: &str) -> Result<PathBuf> {
    let places = [root.join("usr").join(path), root.join(path)];
    match places.into_iter().find(|place| place.exists()) {
        Some(place) => Ok(place),
        None => bail!(
            "{path} is missing under {}: remove its parent folder and run cargo lab setup",
            root.display()
        ),
    }
}
