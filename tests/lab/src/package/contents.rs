//! What a package has: the program, its manual and completions, services, settings and documents.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};

use super::crates::Crates;
use crate::paths;
use crate::tied;

/// A system that is packaged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    /// Debian, and what is made of it.
    Debian,
    /// XCP-ng and XenServer, which are made of CentOS 7.
    Rpm,
}

/// A package's file or folder.
struct Entry {
    /// Its path without the first slash.
    path: String,
    mode: u32,
    /// `None` for a folder.
    bytes: Option<Vec<u8>>,
}

/// The settings, which the administrator changes.
pub(super) const SETTINGS: &str = "etc/default/xenscope";

/// The folder of recordings, which only root can read: they have the names of all domains.
pub(super) const RECORDINGS: &str = "var/lib/xenscope";

/// The services. They are neither enabled nor started when the package is installed.
const SERVICES: [&str; 2] = ["xenscope-record.service", "xenscope-export.service"];

/// Writes all that a package has to an empty folder. `program` has to run on this host.
pub(super) fn stage(program: &Path, system: System, folder: &Path) -> Result<()> {
    for Entry { path, mode, bytes } in entries(program, system)? {
        let place = folder.join(&path);
        let parents = Path::new(&path).ancestors().skip(1);
        let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
        fs::create_dir_all(place.parent().unwrap_or(folder))
            .and_then(|()| match bytes {
                Some(bytes) => fs::write(&place, bytes),
                None => fs::create_dir(&place),
            })
            .and_then(|()| allow(&place, mode))
            // Whatever the umask is.
            .and_then(|()| {
                let mut parents = parents.map(|parent| folder.join(parent));
                parents.try_for_each(|parent| allow(&parent, 0o755))
            })
            .with_context(|| format!("cannot write {}", place.display()))?;
    }
    Ok(())
}

fn entries(program: &Path, system: System) -> Result<Vec<Entry>> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let source = |name: &str| read(&paths::workspace().join(name));
    let file = |path: String, bytes: Vec<u8>| Entry {
        path,
        mode: 0o644,
        bytes: Some(bytes),
    };
    let mut entries = vec![
        Entry {
            mode: 0o755,
            ..file("usr/bin/xenscope".to_owned(), read(program)?)
        },
        Entry {
            path: RECORDINGS.to_owned(),
            mode: 0o700,
            bytes: None,
        },
        file(
            SETTINGS.to_owned(),
            source("deploy/systemd/xenscope.default")?,
        ),
    ];
    for service in SERVICES {
        let bytes = source(&format!("deploy/systemd/{service}"))?;
        entries.push(file(format!("usr/lib/systemd/system/{service}"), bytes));
    }
    let zsh = match system {
        System::Debian => "vendor-completions",
        System::Rpm => "site-functions",
    };
    for (shell, path) in [
        ("bash", "bash-completion/completions/xenscope"),
        ("zsh", &format!("zsh/{zsh}/_xenscope")),
        ("fish", "fish/vendor_completions.d/xenscope.fish"),
    ] {
        let mut command = tied::command(program);
        let text = tied::capture(command.args(["completions", shell]), "xenscope completions")?;
        entries.push(file(format!("usr/share/{path}"), text));
    }
    for (name, page) in manual(program)? {
        entries.push(file(
            format!("usr/share/man/man8/{name}.gz"),
            packed(&page)?,
        ));
    }
    let documents = "usr/share/doc/xenscope";
    for (name, path) in documentation()? {
        entries.push(file(format!("{documents}/{name}"), read(&path)?));
    }
    let packed_text = [
        ("changelog.gz", source("CHANGELOG.md")?),
        ("LICENSES.gz", Crates::find()?.licences()?.into_bytes()),
    ];
    for (name, text) in packed_text {
        entries.push(file(format!("{documents}/{name}"), packed(&text)?));
    }
    let (name, licence) = match system {
        System::Debian => ("copyright", "deploy/debian/copyright"),
        System::Rpm => ("LICENSE", "LICENSE"),
    };
    entries.push(file(format!("{documents}/{name}"), source(licence)?));
    if system == System::Debian {
        let overrides = source("deploy/debian/lintian-overrides")?;
        entries.push(file(
            "usr/share/lintian/overrides/xenscope".to_owned(),
            overrides,
        ));
    }
    Ok(entries)
}

/// Returns the names and texts of the manual's pages.
fn manual(program: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = tempfile::tempdir().context("cannot create a folder")?;
    let mut command = tied::command(program);
    command.arg("man").arg("--dir").arg(folder.path());
    tied::capture(&mut command, "xenscope man")?;
    let pages = files(folder.path())?.into_iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok((name.into_owned(), fs::read(&path)?))
    });
    pages.collect()
}

/// Returns the documents and what is deployed elsewhere, with the names by which they link to each other.
fn documentation() -> Result<Vec<(String, PathBuf)>> {
    let root = paths::workspace();
    let mut all = vec![("README.md".to_owned(), root.join("README.md"))];
    for folder in [
        "docs",
        "docs/images",
        "deploy/grafana",
        "deploy/prometheus",
        "deploy/prometheus/tests",
    ] {
        for path in files(&root.join(folder))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            all.push((format!("{folder}/{name}"), path.clone()));
        }
    }
    Ok(all)
}

/// Returns the files of a folder by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let paths =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut paths: Vec<PathBuf> =
        paths.with_context(|| format!("cannot list {}", folder.display()))?;
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}

/// Compresses as gzip does, but without a time.
pub(super) fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().write(Vec::new(), Compression::best());
    writer
        .write_all(bytes)
        .and_then(|()| writer.finish())
        .context("cannot compress")
}
