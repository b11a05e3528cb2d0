//! Programs from PyPI, of fixed versions, in virtual environments in the lab's folder.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::paths;
use crate::tied;

/// Installs packages, such as `ziglang==0.17.1`, if they are not there. Returns the folder of their programs. `name` is
/// that of the environment.
pub fn programs(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = paths::lab().join(name).join("python");
    let programs = folder.join("bin");
    let stamp = folder.join("installed");
    let wanted = packages.join(" ");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    eprintln!("lab: installing {wanted} (once)");
    let mut venv = tied::command("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    tied::capture(&mut venv, "python3 -m venv (Debian: python3-venv)")?;
    let mut pip = tied::command(programs.join("pip"));
    pip.args(["install", "--quiet"]).args(packages);
    tied::capture(&mut pip, "pip install")?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(programs)
}
