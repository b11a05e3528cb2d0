//! Programs from PyPI, of fixed versions and checksums, in virtual environments in the lab's folder.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::paths;
use crate::tied;

/// A package: its name and version, such as `ziglang==0.17.1`, and the SHA-256 of its file for Linux on x86-64.
pub type Pinned = (&'static str, &'static str);

/// Installs these packages alone, unless they are there. Returns the folder of their programs. `name` is that of the
/// environment.
///
/// # Errors
/// If a file has another checksum, or if a package needs one that is not among these.
pub fn programs(name: &str, packages: &[Pinned]) -> Result<PathBuf> {
    let folder = paths::lab().join(name).join("python");
    let programs = folder.join("bin");
    let stamp = folder.join("installed");
    let lines = packages.iter();
    let lines = lines.map(|(package, sum)| format!("{package} --hash=sha256:{sum}\n"));
    let wanted: String = lines.collect();
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    eprint!("lab: installing (once):\n{wanted}");
    let mut venv = tied::command("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    tied::capture(&mut venv, "python3 -m venv (Debian: python3-venv)")?;
    let mut pip = tied::command(programs.join("pip"));
    let list = folder.join("requirements.txt");
    fs::write(&list, &wanted).with_context(|| format!("cannot write {}", list.display()))?;
    // A source package would be built, by packages of other versions.
    pip.args(["install", "--quiet", "--require-hashes"])
        .args(["--only-binary", ":all:", "--requirement"])
        .arg(&list);
    tied::capture(&mut pip, "pip install")?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(programs)
}
