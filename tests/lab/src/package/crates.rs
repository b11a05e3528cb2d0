//! The crates that are in the program, and their licences.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::program::TARGET;
use crate::build::cargo_command;

/// What the names of files with a licence begin with.
const LICENCES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// A crate.
#[derive(Deserialize)]
pub(super) struct Crate {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    /// `None` if there is only a file with it.
    pub(super) license: Option<String>,
    manifest_path: PathBuf,
    /// `None` if it is of this repository.
    pub(super) source: Option<String>,
}

/// The part of `cargo metadata` that is read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Crate>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// `None` for a dependency that is not one of tests or of build scripts.
    kind: Option<String>,
}

/// The crates of the program.
pub(super) struct Crates {
    /// By name and version.
    pub(super) all: Vec<Crate>,
    /// The IDs of crates by the ID of the one that needs them.
    pub(super) needs: BTreeMap<String, BTreeSet<String>>,
}

impl Crates {
    /// Asks cargo which crates are in the program.
    pub(super) fn find() -> Result<Self> {
        let output = cargo_command()
            .args([
                "metadata",
                "--locked",
                "--format-version=1",
                "--filter-platform",
                TARGET,
            ])
            .output()
            .context("cannot start cargo metadata")?;
        if !output.status.success() {
            bail!(
                "cargo metadata failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let Metadata { packages, resolve } =
            serde_json::from_slice(&output.stdout).context("cannot read cargo metadata")?;
        let nodes = resolve.nodes.into_iter();
        let normal = |dep: &Dependency| dep.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let mut needs: BTreeMap<String, BTreeSet<String>> = nodes
            .map(|node| {
                let deps = node.deps.into_iter().filter(normal);
                (node.id, deps.map(|dep| dep.pkg).collect())
            })
            .collect();
        let first = packages.iter().find(|package| package.name == "xenscope");
        let mut queue = vec![first.context("no package xenscope")?.id.clone()];
        let mut found = BTreeSet::new();
        while let Some(id) = queue.pop() {
            if found.insert(id.clone()) {
                queue.extend(needs.get(&id).into_iter().flatten().cloned());
            }
        }
        let mut all = packages;
        all.retain(|each| found.contains(&each.id));
        all.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
        needs.retain(|id, _| found.contains(id));
        Ok(Self { all, needs })
    }

    /// Returns the crates' names and licences, and the texts of these, each once.
    pub(super) fn licences(&self) -> Result<String> {
        let mut list = String::from("The crates in xenscope, and their licences:\n\n");
        let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for each in self.all.iter().filter(|each| each.source.is_some()) {
            let license = each.license.as_deref().unwrap_or("see its text");
            list += &format!("{} {}: {license}\n", each.name, each.version);
            let folder = each.manifest_path.parent().context("no folder")?;
            for entry in fs::read_dir(folder).context("cannot list a crate's files")? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().to_uppercase();
                if LICENCES.iter().any(|start| name.starts_with(start)) && entry.path().is_file() {
                    let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
                    let crates = texts.entry(text.trim().to_owned()).or_default();
                    crates.push(format!("{} {}", each.name, each.version));
                }
            }
        }
        for (text, mut crates) in texts {
            crates.dedup();
            list += &format!("\n{}\n{}:\n\n{text}\n", "-".repeat(78), crates.join(", "));
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_have_their_texts_once() -> Result<()> {
        let text = Crates::find()?.licences()?;
        assert!(text.contains("\nring 0."), "{text}");
        let apache = "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION";
        let (copies, crates) = (text.matches(apache).count(), text.matches("Apache").count());
        assert!((1..crates / 5).contains(&copies), "{copies} of {crates}");
        Ok(())
    }
}
