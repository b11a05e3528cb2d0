//! `cargo lab package`: one program for all dom0s, as a Debian package and as an RPM; and `cargo lab release`.

mod contents;
mod crates;
mod deb;
mod program;
mod release;
mod rpm;
mod sbom;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use crate::paths;
use crate::tied;

pub use program::build;
pub use release::release;

/// The version of xenscope, which is the lab's as well.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes all packages of a program in this folder, and checks that they have the same bytes when they are made again,
/// and that lintian finds no error. Returns their paths.
pub fn make(program: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    twice(folder, |folder| packages(program, folder))
}

/// Makes files in this folder, and again in another one. Returns their paths.
///
/// # Errors
/// If they do not have the same bytes.
fn twice(folder: &Path, make: impl Fn(&Path) -> Result<Vec<PathBuf>>) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let again = tempfile::tempdir().context("cannot create a folder")?;
    let (files, same) = (make(folder)?, make(again.path())?);
    for (one, other) in files.iter().zip(&same) {
        if read(one)? != read(other)? {
            bail!("{} has other bytes when it is made again", one.display());
        }
    }
    Ok(files)
}

fn packages(program: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let deb = debian(program, VERSION, folder)?;
    deb::check(&deb)?;
    Ok(vec![deb, rpm::make(program, VERSION, time()?, folder)?])
}

/// Makes a Debian package of a program in this folder, of any version. Returns its path.
pub fn debian(program: &Path, version: &str, folder: &Path) -> Result<PathBuf> {
    deb::make(program, version, time()?, folder)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Returns the time of the sources: that of the last commit, or else `SOURCE_DATE_EPOCH`.
fn time() -> Result<Timestamp> {
    let mut git = tied::command("git");
    git.args(["log", "-1", "--format=%ct"])
        .current_dir(paths::workspace());
    let seconds = match tied::capture(&mut git, "git log") {
        Ok(output) => String::from_utf8_lossy(&output).into_owned(),
        Err(error) => env::var("SOURCE_DATE_EPOCH")
            .with_context(|| format!("{error:#}; set SOURCE_DATE_EPOCH to the sources' time"))?,
    };
    let seconds: i64 = seconds.trim().parse().context("not a time in seconds")?;
    Timestamp::from_second(seconds).context("not a time")
}
