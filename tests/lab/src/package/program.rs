//! The program for all dom0s.
//!
//! It is linked by zig against glibc 2.17, the oldest that a dom0 has (XCP-ng 8.3). zig and cargo-zigbuild come from
//! PyPI, into the lab's folder.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::build::cargo_command;
use crate::debian;
use crate::elf;
use crate::paths;
use crate::pypi::{self, Pinned};
use crate::xen::Xen;

/// What is built for: any glibc from 2.17 on.
pub(super) const TARGET: &str = "x86_64-unknown-linux-gnu";
const GLIBC: (u32, u32) = (2, 17);

/// The packages from PyPI.
const TOOLS: [Pinned; 2] = [
    (
        "cargo-zigbuild==0.24.1",
        "238a1ab54a95053a4eadc34775c81f795a8ad75f80bfed63f3f445f518102375",
    ),
    (
        "ziglang==0.17.1",
        "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
    ),
];

/// Names of `pkg-config` for libxenctrl's headers.
const PKG_CONFIG: &str = "Name: Xencontrol
Description: libxenctrl's headers alone
Version: 4.17
Cflags: -I${pcfiledir}
";

/// Builds xenscope for all dom0s, and checks which versions of glibc it needs. Returns its path.
pub fn build() -> Result<PathBuf> {
    debian::ensure(Xen::V4_17)?;
    let tools = pypi::programs("zig", &TOOLS)?;
    let headers = headers()?;
    let mut path = tools.into_os_string();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let target = format!("{TARGET}.{}.{}", GLIBC.0, GLIBC.1);
    let renamed = renamed()?;
    let for_rust: Vec<String> = renamed
        .iter()
        .map(|names| format!("--remap-path-prefix={names}"))
        .collect();
    let for_c: Vec<String> = renamed
        .iter()
        .map(|names| format!("-ffile-prefix-map={names}"))
        .collect();
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
        // The same sources make the same bytes, in whatever folder they are.
        .env("CARGO_ENCODED_RUSTFLAGS", for_rust.join("\u{1f}"))
        .env("CFLAGS", for_c.join(" "))
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
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

/// Returns the folders that must not be in the program, each as `FOLDER=NAME`. The last one that fits counts.
fn renamed() -> Result<Vec<String>> {
    let fetched = cargo_command().args(["fetch", "--locked"]).status();
    if !fetched.context("cannot start cargo fetch")?.success() {
        bail!("cargo fetch failed: see its messages above");
    }
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let registries = home.context("no home folder")?.join("registry/src");
    let mut renamed = vec![
        format!("{}=/usr/src/xenscope", paths::workspace().display()),
        format!("{}=/usr/src/xenscope/target", paths::target().display()),
    ];
    let entries = fs::read_dir(&registries)
        .with_context(|| format!("cannot list {}", registries.display()))?;
    for entry in entries {
        // Its name depends on where crates come from.
        renamed.push(format!("{}=/usr/src/crates", entry?.path().display()));
    }
    Ok(renamed)
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
