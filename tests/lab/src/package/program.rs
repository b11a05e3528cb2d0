//! The program for all dom0s.
//!
//! It is linked by zig against glibc 2.17, the oldest that a dom0 has (XCP-ng 8.3). zig and cargo-zigbuild come from
//! PyPI, into the lab's folder.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::build::cargo_command;
use crate::debian;
use crate::elf;
use crate::paths;
use crate::tied;
use crate::xen::Xen;

/// What is built for: any glibc from 2.17 on.
const TARGET: &str = "x86_64-unknown-linux-gnu";
const GLIBC: (u32, u32) = (2, 17);

/// The packages from PyPI.
const TOOLS: [&str; 2] = ["cargo-zigbuild==0.24.1", "ziglang==0.17.1"];

/// Names of `pkg-config` for libxenctrl's headers.
const PKG_CONFIG: &str = "Name: Xencontrol
Description: libxenctrl's headers alone
Version: 4.17
Cflags: -I${pcfiledir}
";

/// Builds xenscope for all dom0s, and checks which versions of glibc it needs. Returns its path.
pub fn build() -> Result<PathBuf> {
    debian::ensure(Xen::V4_17)?;
    let tools = tools()?;
    let headers = headers()?;
    let mut path = OsString::from(tools.join("bin"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let target = format!("{TARGET}.{}.{}", GLIBC.0, GLIBC.1);
    let status = cargo_command()
        .args([
            "zigbuild",
            "--release",
            "--locked",
            "--package",
            "xenscope",
            "--bin",
            "xenscope",
        ])
        .args(["--target", &target])
        .env("PATH", path)
        // Only this folder: bindgen must not read the host's libc beside zig's.
        .env("PKG_CONFIG_LIBDIR", headers)
        .status()
        .context("cannot start cargo zigbuild")?;
    if !status.success() {
        bail!("cargo zigbuild failed: see its messages above");
    }
    let program = paths::target().join(TARGET).join("release/xenscope");
    let needed = elf::glibc(&program)?;
    if needed > GLIBC {
        bail!(
            "{} needs glibc {}.{}: only symbols up to {}.{} may be used",
            program.display(),
            needed.0,
            needed.1,
            GLIBC.0,
            GLIBC.1
        );
    }
    Ok(program)
}

/// Installs the packages from PyPI if they are not there. Returns the folder of the virtual environment.
fn tools() -> Result<PathBuf> {
    let folder = paths::lab().join("zig/python");
    let stamp = folder.join("installed");
    let wanted = TOOLS.join(" ");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    eprintln!("lab: installing {wanted} (once)");
    let mut venv = tied::command("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    tied::capture(&mut venv, "python3 -m venv (Debian: python3-venv)")?;
    let mut pip = tied::command(folder.join("bin/pip"));
    pip.args(["install", "--quiet"]).args(TOOLS);
    tied::capture(&mut pip, "pip install")?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(folder)
}

/// Makes a folder with nothing but Xen's headers. Returns its path.
fn headers() -> Result<PathBuf> {
    let folder = paths::lab().join("zig/headers");
    let all = paths::root(Xen::V4_17).join("usr/include");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for entry in fs::read_dir(&all).with_context(|| format!("cannot read {}", all.display()))? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b"xen") {
            symlink(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    fs::write(folder.join("xencontrol.pc"), PKG_CONFIG)?;
    Ok(folder)
}
