//! The list of crates in the program, for who has to check them (SBOM).

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::crates::{Crate, Crates};
use crate::paths;

/// The part of Cargo.lock that is read.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Crates {
    /// Returns the crates in CycloneDX 1.5, with the checksums of Cargo.lock. `time` is that of the sources.
    pub(super) fn sbom(&self, time: Timestamp) -> Result<Value> {
        let lock = fs::read_to_string(paths::workspace().join("Cargo.lock"))
            .context("cannot read Cargo.lock")?;
        let lock: Lock = toml::from_str(&lock).context("cannot read Cargo.lock")?;
        let checksums: BTreeMap<_, _> = lock
            .package
            .into_iter()
            .filter_map(|each| Some(((each.name, each.version), each.checksum?)))
            .collect();
        let names: BTreeMap<&str, String> = self
            .all
            .iter()
            .map(|each| (&*each.id, purl(&each.name, &each.version)))
            .collect();
        let component = |each: &Crate| {
            let mut component = json!({
                "type": "library",
                "bom-ref": names[&*each.id],
                "name": each.name,
                "version": each.version,
                "purl": names[&*each.id],
            });
            if let Some(license) = &each.license {
                // Older crates write a slash for OR.
                let expression = license.replace(" / ", "/").replace('/', " OR ");
                component["licenses"] = json!([{ "expression": expression }]);
            }
            if let Some(sum) = checksums.get(&(each.name.clone(), each.version.clone())) {
                component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
            }
            component
        };
        let (own, others): (Vec<&Crate>, Vec<&Crate>) =
            self.all.iter().partition(|each| each.source.is_none());
        let own = own.first().context("no package xenscope")?;
        let mut program = component(own);
        program["type"] = "application".into();
        let needs = self.needs.iter().map(|(id, needs)| {
            let needs: Vec<&String> = needs.iter().map(|id| &names[&**id]).collect();
            json!({ "ref": names[&**id], "dependsOn": needs })
        });
        Ok(json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": { "timestamp": time.to_string(), "component": program },
            "components": others.into_iter().map(component).collect::<Vec<_>>(),
            "dependencies": needs.collect::<Vec<_>>(),
        }))
    }
}

/// Returns the name of a crate of a version for all languages (package URL).
fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_what_is_in_the_program() -> Result<()> {
        let list = Crates::find()?.sbom(Timestamp::from_second(1_000_000_000)?)?;
        let components = list["components"].as_array().context("no components")?;
        let named = |name: &str| components.iter().any(|each| each["name"] == name);
        assert!(named("libc") && named("libsqlite3-sys"), "{list}");
        // Crates of tests, of build scripts and of the lab.
        for other in ["criterion", "bindgen", "goblin", "xenscope"] {
            assert!(!named(other), "{other}");
        }
        for each in components {
            let sum = each["hashes"][0]["content"].as_str();
            assert_eq!(sum.map(str::len), Some(64), "{each}");
            assert!(each["licenses"][0]["expression"].is_string(), "{each}");
        }
        let own = &list["metadata"]["component"];
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(own["purl"], format!("pkg:cargo/xenscope@{version}"));
        let needs = list["dependencies"].as_array().context("no dependencies")?;
        let ours = needs.iter().find(|each| each["ref"] == own["bom-ref"]);
        let ours = &ours.context("xenscope needs nothing")?["dependsOn"];
        assert!(ours.as_array().is_some_and(|all| all.len() > 20), "{ours}");
        assert_eq!(list["metadata"]["timestamp"], "2001-09-09T01:46:40Z");
        Ok(())
    }
}
