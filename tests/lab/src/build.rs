//! Builds the programs for dom0: Rust with cargo, C with cc.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::image::Programs;
use crate::package;
use crate::paths;
use crate::session::Extra;
use crate::tied;
use crate::xen::{Userland, Xen};

/// The part of cargo's messages that has the path of a built program.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Builds everything that dom0 gets.
pub fn programs(xen: Xen, userland: Userland, extra: &Extra) -> Result<Programs> {
    let xenscope = match extra {
        Extra::Program(path) => path.clone(),
        _ => xenscope()?,
    };
    let has_packages = *extra == Extra::Tests && userland == Userland::Debian;
    Ok(Programs {
        packages: match has_packages {
            true => packages(xen, &xenscope)?,
            false => Vec::new(),
        },
        xenscope,
        agent: cargo(&["build", "--bin", "lab-dom0"], "bin")?,
        shells: shells(xen)?,
        bench: matches!(extra, Extra::Bench { .. })
            .then(|| {
                cargo(
                    &[
                        "build",
                        "--release",
                        "--package",
                        "lab-bench",
                        "--bin",
                        "lab-bench",
                    ],
                    "bin",
                )
            })
            .transpose()?,
        against: match extra {
            Extra::Bench { against } => against.clone(),
            _ => None,
        },
        integration: (*extra == Extra::Tests).then(integration).transpose()?,
    })
}

/// Makes Debian packages of a program: of this version, and of a later one to which the tests upgrade.
fn packages(xen: Xen, program: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    let folder = paths::version(xen).join("packages");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let later = format!("{}+later", package::VERSION);
    let versions = [("this.deb", package::VERSION), ("next.deb", &later)];
    let made = |(name, version)| Ok((name, package::debian(program, version, &folder)?));
    versions.into_iter().map(made).collect()
}

/// Builds the integration tests.
pub fn integration() -> Result<PathBuf> {
    cargo(
        &[
            "test",
            "--no-run",
            // With the features of the tests on the host, which are already built.
            "--workspace",
            "--test",
            "integration",
        ],
        "test",
    )
}

/// Builds what users run.
pub fn xenscope() -> Result<PathBuf> {
    cargo(
        &[
            "build",
            "--release",
            "--package",
            "xenscope",
            "--bin",
            "xenscope",
        ],
        "bin",
    )
}

/// Builds the program that makes hosts up for `cargo lab fleet`.
pub fn generator() -> Result<PathBuf> {
    let arguments = ["build", "--release", "--package", "lab-generator", "--bin"];
    cargo(&[&arguments[..], &["lab-generator"]].concat(), "bin")
}

/// Returns a command of the cargo that runs the lab.
pub fn cargo_command() -> Command {
    let mut command =
        tied::command(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(paths::workspace());
    command
}

/// Builds one program of this kind with cargo; returns its path.
fn cargo(arguments: &[&str], kind: &str) -> Result<PathBuf> {
    let what = format!("cargo {}", arguments.join(" "));
    let output = cargo_command()
        .args(arguments)
        .args(["--quiet", "--message-format=json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {what}"))?;
    if !output.status.success() {
        bail!("{what} failed: see its messages above");
    }
    let name = arguments.last().copied().unwrap_or_default();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
        .find(|artifact| {
            artifact.target.name == name && artifact.target.kind.iter().any(|each| each == kind)
        })
        .and_then(|artifact| artifact.executable)
        .with_context(|| format!("{what} has built no program"))
}

/// Builds `lab-shells` against one Xen's own headers: the structs of libxenctrl differ between
/// versions.
fn shells(xen: Xen) -> Result<PathBuf> {
    let source = paths::source("dom0/lab-shells.c");
    let program = paths::version(xen).join("lab-shells");
    let modified = |path| fs::metadata(path).and_then(|metadata| metadata.modified());
    if let (Ok(source), Ok(program_time)) = (modified(&source), modified(&program))
        && source <= program_time
    {
        return Ok(program);
    }
    let root = paths::root(xen);
    let mut cc = tied::command("cc");
    cc.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"])
        .arg("-I")
        .arg(root.join("usr/include"))
        .arg("-o")
        .args([&program, &source])
        .arg("-L")
        .arg(root.join("usr/lib/x86_64-linux-gnu"))
        .args(["-lxenctrl", "-lxenstore"])
        // The suite's libraries may need a newer libc than the host's. dom0 has it.
        .arg("-Wl,--unresolved-symbols=ignore-in-shared-libs");
    // cc prints its messages to stderr.
    let status = cc
        .status()
        .context("cannot start cc: install a C compiler")?;
    if !status.success() {
        bail!("cc could not build lab-shells.c: see its messages above");
    }
    Ok(program)
}
