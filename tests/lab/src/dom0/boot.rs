//! Boots dom0 from the kernel's start until `xl` works.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MsFlags, mount as mount_fs};

/// The virtio port to the lab.
const CHANNEL: &str = "/dev/vport0p1";

/// How long a device or a socket may take to appear: seconds under emulation.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns whether systemd runs (sd_booted(3)).
pub(crate) fn has_systemd() -> bool {
    Path::new("/run/systemd/system").exists()
}

/// Mounts the usual file systems.
pub(crate) fn mount() -> Result<()> {
    for (kind, target) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("devpts", "/dev/pts"),
        ("tmpfs", "/dev/shm"),
        ("tmpfs", "/run"),
        ("tmpfs", "/tmp"),
    ] {
        fs::create_dir_all(target).with_context(|| format!("cannot create {target}"))?;
        mount_one(kind, target)?;
    }
    Ok(())
}

fn mount_one(kind: &str, target: &str) -> Result<()> {
    mount_fs(
        Some(kind),
        target,
        Some(kind),
        MsFlags::empty(),
        None::<&str>,
    )
    .with_context(|| format!("cannot mount {target}"))
}

/// Loads the kernel modules in the order of the lab's list.
pub(crate) fn load_modules() -> Result<()> {
    let list = fs::read_to_string("/lab/modules/boot").context("cannot read /lab/modules/boot")?;
    for name in list.lines() {
        let path = format!("/lab/modules/{name}");
        let file = File::open(&path).with_context(|| format!("cannot open {path}"))?;
        finit_module(file, c"", ModuleInitFlags::empty())
            .with_context(|| format!("cannot load {path}"))?;
    }
    Ok(())
}

/// Opens the channel to the lab.
pub(crate) fn open_channel() -> Result<File> {
    wait_for(CHANNEL)?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(CHANNEL)
        .with_context(|| format!("cannot open {CHANNEL}"))
}

/// Starts XenStore's daemon, writes dom0's own entries, and starts the console daemon.
pub(crate) fn start_xen() -> Result<()> {
    mount_one("xenfs", "/proc/xen")?;
    for folder in [
        "/run/lock",
        "/run/xen",
        "/run/xenstored",
        "/var/log/xen/console",
    ] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {folder}"))?;
    }
    fs::write("/proc/sys/kernel/hostname", "dom0").context("cannot name dom0")?;
    run(&["ip", "link", "set", "lo", "up"])?;
    run(&[&store()?, "--pid-file", "/run/xen/xenstored.pid"])?;
    wait_for("/run/xenstored/socket")?;
    run(&["/usr/sbin/xen-init-dom0"])?;
    run(&[
        "/usr/sbin/xenconsoled",
        "--log=guest",
        "--pid-file=/run/xen/xenconsoled.pid",
    ])
}

/// Creates the guests' disks, and sets dom0's weight.
pub(crate) fn prepare() -> Result<()> {
    fs::create_dir_all("/lab/disks").context("cannot create /lab/disks")?;
    for disk in disks()? {
        let file = File::create(&disk).with_context(|| format!("cannot create {disk}"))?;
        file.set_len(64 << 20)
            .with_context(|| format!("cannot size {disk}"))?;
    }
    // dom0 has priority over its guests, as on a real host, because all work of the lab goes
    // through it.
    run(&["xl", "sched-credit2", "-d", "0", "-w", "65535"])
}

/// Returns a disk for each guest that the lab has configured.
fn disks() -> Result<Vec<String>> {
    let guests = Path::new("/lab/guests");
    if !guests.exists() {
        return Ok(Vec::new());
    }
    let mut disks = Vec::new();
    for entry in guests.read_dir().context("cannot list /lab/guests")? {
        let path = entry.context("cannot list /lab/guests")?.path();
        if let Some(name) = path.file_stem() {
            disks.push(format!("/lab/disks/{}.img", name.to_string_lossy()));
        }
    }
    Ok(disks)
}

/// Returns the daemon's program, from the kernel's command line.
fn store() -> Result<String> {
    let line = fs::read_to_string("/proc/cmdline").context("cannot read /proc/cmdline")?;
    line.split_whitespace()
        .find_map(|word| word.strip_prefix("lab.store="))
        .map(|name| format!("/usr/sbin/{name}"))
        .context("the kernel's command line has no lab.store=")
}

fn run(argv: &[&str]) -> Result<()> {
    let what = argv.join(" ");
    let status = Command::new(argv[0])
        .args(&argv[1..])
        .env("PATH", "/usr/sbin:/usr/bin")
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {what}"))?;
    if !status.success() {
        bail!("{what} failed: {status}");
    }
    Ok(())
}

fn wait_for(path: &str) -> Result<()> {
    let started = Instant::now();
    while !Path::new(path).exists() {
        if started.elapsed() > PATIENCE {
            bail!("{path} has not appeared in {} s", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
