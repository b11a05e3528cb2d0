//! Prepares the host: installs Debian packages, and unpacks each Xen with its dom0.

use std::panic::resume_unwind;
use std::process::Stdio;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::tied;
use crate::xen::Xen;

/// The Debian packages that are needed to build xenscope, run QEMU, install Debian on a disk, and make packages. Rust
/// already needs a C compiler.
const HOST_PACKAGES: [&str; 11] = [
    "qemu-system-x86",
    "libxen-dev",
    "libclang-dev",
    "pkg-config",
    "mmdebstrap",
    // For mmdebstrap without root.
    "uidmap",
    "genext2fs",
    "e2fsprogs",
    "lintian",
    "rpm",
    // For programs from PyPI.
    "python3-venv",
];

/// Installs and fetches what the host and these versions lack.
pub fn ensure(versions: &[Xen]) -> Result<()> {
    host()?;
    // In parallel: one unpacks while another fetches.
    thread::scope(|scope| {
        let ensure = |&xen| scope.spawn(move || debian::ensure(xen));
        let all: Vec<_> = versions.iter().map(ensure).collect();
        all.into_iter()
            .try_for_each(|each| each.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Installs the host's packages that are missing.
fn host() -> Result<()> {
    let missing = missing()?;
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    eprintln!("lab: installing {names}");
    let by_hand = format!(
        "these Debian packages are missing; run: sudo sh -c \
         'apt-get update && apt-get install -y --no-install-recommends {names}'"
    );
    let root = nix::unistd::geteuid().is_root();
    if !root && !sudo_works() {
        bail!(by_hand);
    }
    // apt-get update may fail because of an unrelated source, so only the installation has to
    // succeed.
    apt_get(root, &["-q", "update"])?;
    let mut arguments = vec!["-q", "install", "-y", "--no-install-recommends"];
    arguments.extend(&missing);
    if !apt_get(root, &arguments)? {
        bail!("apt-get could not install them (no network?): {by_hand}");
    }
    Ok(())
}

fn missing() -> Result<Vec<&'static str>> {
    // dpkg-query fails if a name is unknown, but prints the others.
    let output = tied::command("dpkg-query")
        .args(["-W", "-f", "${Package} ${db:Status-Status}\\n"])
        .args(HOST_PACKAGES)
        .output()
        .context("cannot start dpkg-query: the lab needs a Debian host")?;
    let known = String::from_utf8_lossy(&output.stdout);
    Ok(HOST_PACKAGES
        .into_iter()
        .filter(|package| {
            !known
                .lines()
                .any(|line| line == format!("{package} installed"))
        })
        .collect())
}

fn sudo_works() -> bool {
    tied::command("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs apt-get as root, its output on stderr as progress; returns whether it succeeded.
fn apt_get(root: bool, arguments: &[&str]) -> Result<bool> {
    let mut command = if root {
        let mut command = tied::command("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    } else {
        let mut command = tied::command("sudo");
        command.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    };
    let status = command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .context("cannot start apt-get")?;
    Ok(status.success())
}
