//! `cargo lab release`: the packages, a tar of the same files, the list of crates, and checksums.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::contents::{self, System};
use super::crates::Crates;
use super::{VERSION, packages, time, twice};
use crate::tied;

/// Makes all files of a release in this folder, which is emptied first. Returns their paths.
pub fn release(program: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    let mut files = twice(folder, |folder| {
        let mut files = packages(program, folder)?;
        files.extend([tar(program, folder)?, list(folder)?]);
        Ok(files)
    })?;
    let names = files.iter().filter_map(|file| file.file_name());
    let mut sha256sum = tied::command("sha256sum");
    let sums = tied::capture(sha256sum.args(names).current_dir(folder), "sha256sum")?;
    let file = folder.join("SHA256SUMS");
    fs::write(&file, sums).with_context(|| format!("cannot write {}", file.display()))?;
    files.push(file);
    Ok(files)
}

/// Writes the list of crates. Returns its path.
fn list(folder: &Path) -> Result<PathBuf> {
    let file = folder.join(format!("xenscope-{VERSION}.cdx.json"));
    let text = serde_json::to_string_pretty(&Crates::find()?.sbom(time()?)?)?;
    fs::write(&file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// Makes a tar of what the RPM has, for a dom0 without dpkg and rpm. Returns its path.
fn tar(program: &Path, folder: &Path) -> Result<PathBuf> {
    let tree = tempfile::tempdir().context("cannot create a folder")?;
    contents::stage(program, System::Rpm, tree.path())?;
    let name = format!("xenscope-{VERSION}-x86_64");
    let file = folder.join(format!("{name}.tar.gz"));
    let mut tar = tied::command("tar");
    tar.args([
        "--create",
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
    ])
    .arg(format!("--mtime=@{}", time()?.as_second()))
    .arg(format!("--transform=s,^\\.,{name},"))
    .arg("--directory")
    .arg(tree.path())
    .arg(".");
    let bytes = tied::capture(&mut tar, "tar")?;
    fs::write(&file, contents::packed(&bytes)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}
