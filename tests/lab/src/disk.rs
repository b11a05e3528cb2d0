//! Builds Debian itself as dom0, on a disk image, with mmdebstrap.
//!
//! The packages are Debian's own: systemd, Xen with its wrapper and init scripts, a bridge by ifupdown. What is not
//! Debian's is a service that unpacks a second disk and starts the lab's agent from it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::paths;
use crate::tied;
use crate::xen::Xen;

/// The image's size in bytes. The file has holes.
const SIZE: u64 = 3 << 30;

/// The packages of the image beside those of a minimal Debian.
const PACKAGES: [&str; 16] = [
    "bridge-utils",
    "dbus",
    "ifupdown",
    "initramfs-tools",
    "iproute2",
    "kmod",
    "less",
    "linux-image-amd64",
    "man-db",
    "procps",
    "strace",
    "systemd-sysv",
    "udev",
    "xen-system-amd64",
    "xen-utils-common",
    "xenstore-utils",
];

/// The bridge of the guests, with dom0's address for each of them (see [`crate::spec::Guest::number`]).
const INTERFACES: &str = "\
auto lo
iface lo inet loopback

auto xenbr0
iface xenbr0 inet manual
    bridge_ports none
    bridge_fd 0
    up for n in 1 2 3 4 5 6 7 8; do ip addr add 10.77.$n.1/30 dev xenbr0; done
";

/// Unpacks the lab's disk, which is a cpio archive, at the first boot, and starts the agent. A later boot keeps what is
/// installed over it.
const SERVICE: &str = "\
[Unit]
Description=Agent of the laboratory
After=xen.service networking.service

[Service]
ExecStartPre=/bin/sh -c 'test -e /lab/agent || (cd / && cpio -idu --quiet </dev/disk/by-id/virtio-lab)'
ExecStart=/lab/agent
Environment=PATH=/usr/sbin:/usr/bin

[Install]
WantedBy=multi-user.target
";

/// What else is changed in the image, whose root is `$1`. The folder for consoles' logs is missing in Debian, and
/// xenconsoled logs only if told to.
const SETTINGS: &str = "mkdir -p \"$1/var/log/xen/console\" && \
                        echo 'XENCONSOLED_ARGS=--log=guest' >>\"$1/etc/default/xen\" && \
                        echo dom0 >\"$1/etc/hostname\" && \
                        chroot \"$1\" systemctl enable lab.service";

/// What a Debian dom0 boots from.
pub struct Disk {
    /// The root file system.
    pub image: PathBuf,
    /// The folder with the hypervisor, the kernel and its initramfs, as installed.
    pub boot: PathBuf,
}

/// Returns the disk of this version, and builds it unless that is already done.
pub fn ensure(xen: Xen) -> Result<Disk> {
    let folder = paths::version(xen).join("debian");
    let disk = Disk {
        image: folder.join("root.img"),
        boot: folder.join("boot"),
    };
    // Written last. It has all that the image is made from: another recipe makes another image.
    let stamp = folder.join("built");
    let recipe = format!(
        "{SIZE}\n{}\n{INTERFACES}\n{SERVICE}\n{SETTINGS}\n",
        PACKAGES.join(" ")
    );
    if fs::read_to_string(&stamp).is_ok_and(|built| built == recipe) {
        return Ok(disk);
    }
    eprintln!("lab: installing Debian {} on a disk (once)", xen.suite());
    let started = Instant::now();
    build(xen, &folder, &disk).with_context(|| {
        format!(
            "cannot install Debian {} on a disk (no network?)",
            xen.suite()
        )
    })?;
    fs::write(&stamp, recipe).with_context(|| format!("cannot write {}", stamp.display()))?;
    eprintln!(
        "lab: the disk is ready in {} s",
        started.elapsed().as_secs()
    );
    Ok(disk)
}

fn build(xen: Xen, folder: &Path, disk: &Disk) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    fs::create_dir_all(&disk.boot)
        .with_context(|| format!("cannot create {}", disk.boot.display()))?;
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok::<_, anyhow::Error>(path.display().to_string())
    };
    let sources = write("sources.list", &debian::sources(xen, folder)?)?;
    let interfaces = write("interfaces", INTERFACES)?;
    let service = write("lab.service", SERVICE)?;
    tied::capture(
        tied::command("mmdebstrap")
            .env("LC_ALL", "C")
            .args(["--variant=minbase", "--aptopt=Acquire::Languages \"none\""])
            .arg(format!("--include={}", PACKAGES.join(",")))
            .arg(format!(
                "--customize-hook=upload {interfaces} /etc/network/interfaces"
            ))
            .arg(format!(
                "--customize-hook=upload {service} /etc/systemd/system/lab.service"
            ))
            .arg(format!("--customize-hook={SETTINGS}"))
            .arg(format!(
                "--customize-hook=copy-out /boot {}",
                folder.display()
            ))
            .arg(xen.suite())
            .arg(folder.join("root.ext2"))
            .arg(&sources),
        "mmdebstrap",
    )?;
    let unfinished = folder.join("root.ext2");
    File::options()
        .write(true)
        .open(&unfinished)
        .and_then(|file| file.set_len(SIZE))
        .with_context(|| format!("cannot size {}", unfinished.display()))?;
    // resize2fs wants a checked file system; e2fsck ends with 1 if it corrected something.
    let checked = tied::command("/usr/sbin/e2fsck")
        .args(["-f", "-y"])
        .arg(&unfinished)
        .output()
        .context("cannot start e2fsck")?;
    if checked.status.code().is_none_or(|code| code > 1) {
        bail!(
            "e2fsck failed: {}",
            String::from_utf8_lossy(&checked.stdout)
        );
    }
    tied::capture(
        tied::command("/usr/sbin/resize2fs").arg(&unfinished),
        "resize2fs",
    )?;
    fs::rename(&unfinished, &disk.image)
        .with_context(|| format!("cannot create {}", disk.image.display()))
}

impl Disk {
    /// Returns the path of the one file in /boot whose name begins and ends with these.
    pub fn boot_file(&self, start: &str, end: &str) -> Result<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(&self.boot)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| entry.path()))
                    .collect()
            })
            .with_context(|| format!("cannot list {}", self.boot.display()))?;
        found.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(start) && name.ends_with(end)
        });
        match &found[..] {
            [one] => Ok(one.clone()),
            _ => bail!("{} has not one file {start}*{end}", self.boot.display()),
        }
    }
}
