//! What QEMU boots: the hypervisor, dom0's kernel, and dom0's file system as an initramfs.

mod dom0;
mod guest;
mod kernel;
mod tree;
mod vmlinux;

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;

use crate::paths;
use crate::spec::Guest;
use crate::xen::Xen;
use kernel::Kernel;

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
}

/// The files that QEMU boots.
pub struct Image {
    /// The hypervisor, uncompressed because QEMU needs that.
    pub hypervisor: PathBuf,
    /// dom0's kernel, also uncompressed.
    pub kernel: PathBuf,
    /// dom0's file system. The file has no name, so it disappears when the lab ends.
    pub initramfs: File,
}

/// Makes the image of one boot.
pub fn make(xen: Xen, programs: &Programs, guests: &[Guest]) -> Result<Image> {
    let root = paths::root(xen);
    let kernel = Kernel::find(&root)?;
    let vmlinux = vmlinux(xen, &kernel)?;
    let tree = dom0::tree(xen, &kernel, &vmlinux, programs, guests)?;
    let folder = paths::lab();
    let initramfs = tempfile::tempfile_in(&folder)
        .with_context(|| format!("cannot create a file in {}", folder.display()))?;
    let mut out = BufWriter::new(&initramfs);
    tree.write(&mut out)?;
    out.flush().context("cannot write dom0's initramfs")?;
    drop(out);
    Ok(Image {
        hypervisor: hypervisor(xen)?,
        kernel: vmlinux,
        initramfs,
    })
}

/// Returns the path of the uncompressed hypervisor, and creates it if it is missing.
fn hypervisor(xen: Xen) -> Result<PathBuf> {
    let packed = find(
        &paths::root(xen),
        &format!("boot/xen-{}-amd64.gz", xen.label()),
    )?;
    unpacked(&packed, paths::version(xen).join("xen"), |packed| {
        let mut bytes = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut bytes)?;
        Ok(bytes)
    })
}

/// Returns the path of the uncompressed kernel, and creates it if it is missing.
fn vmlinux(xen: Xen, kernel: &Kernel) -> Result<PathBuf> {
    unpacked(
        &kernel.image,
        paths::version(xen).join("vmlinux"),
        vmlinux::unpack,
    )
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
