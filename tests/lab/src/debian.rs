//! Fetches a Debian suite's packages without root, by an apt state of its own, and unpacks them.
//!
//! The mirrors are those of the host's apt configuration.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::tied;
use crate::xen::Xen;

/// The keys of all Debian suites, which every Debian has.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The packages of programs that tests on the host run. They need nothing of what they depend on.
const TOOLS: [&str; 2] = ["prometheus", "prometheus-alertmanager"];

/// Fetches and unpacks this version unless that is already done.
pub fn ensure(xen: Xen) -> Result<()> {
    let what = format!(
        "Xen {} and its dom0 from Debian {}",
        xen.label(),
        xen.suite()
    );
    once(&paths::version(xen), &what, &xen.packages(), |folder| {
        fetch(xen, folder)
    })
}

/// Fetches and unpacks the programs that tests on the host run, unless that is already done.
pub fn ensure_tools() -> Result<()> {
    once(&paths::tools(), "programs for tests", &TOOLS, |folder| {
        let state = State::create(&folder.join("apt"), None)?;
        tied::capture(state.apt_get().arg("update"), "apt-get update")?;
        let archives = state.0.join("cache/archives");
        let mut download = state.apt_get();
        download.arg("download").args(TOOLS).current_dir(&archives);
        tied::capture(&mut download, "apt-get download")?;
        unpack(&archives, &folder.join("root"))
    })
}

/// Fills an empty folder by `fetch`, unless it was filled with these packages before.
fn once(
    folder: &Path,
    what: &str,
    packages: &[impl Borrow<str>],
    fetch: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    // Written last, with the list of packages: an incomplete fetch, or one with another list, is
    // repeated.
    let stamp = folder.join("fetched");
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|fetched| fetched == wanted) {
        return Ok(());
    }
    eprintln!("lab: fetching {what} (once)");
    let started = Instant::now();
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    fetch(folder).with_context(|| {
        let packages = packages.join(" ");
        format!("cannot fetch {what} (no network?); wanted: {packages}")
    })?;
    // The packages are unpacked, so their files are not needed.
    let apt = folder.join("apt");
    fs::remove_dir_all(&apt).with_context(|| format!("cannot remove {}", apt.display()))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    let seconds = started.elapsed().as_secs();
    eprintln!("lab: {what}: ready in {seconds} s");
    Ok(())
}

fn fetch(xen: Xen, folder: &Path) -> Result<()> {
    let apt = folder.join("apt");
    let sources = sources(xen, &apt)?;
    let state = State::create(&apt.join(xen.suite()), Some(&sources))?;
    let tell = |what: &str| eprintln!("lab:   {what} of Debian {}", xen.suite());
    tell("package lists");
    tied::capture(state.apt_get().arg("update"), "apt-get update")?;
    tell("packages");
    tied::capture(
        state
            .apt_get()
            .args([
                "install",
                "-y",
                "--download-only",
                "--no-install-recommends",
            ])
            .args(xen.packages()),
        "apt-get install --download-only",
    )?;
    unpack(&state.0.join("cache/archives"), &folder.join("root"))
}

/// Unpacks all packages of a folder.
fn unpack(archives: &Path, root: &Path) -> Result<()> {
    fs::create_dir_all(root).with_context(|| format!("cannot create {}", root.display()))?;
    let mut debs: Vec<PathBuf> = fs::read_dir(archives)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect()
        })
        .with_context(|| format!("cannot list {}", archives.display()))?;
    debs.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
    eprintln!("lab:   unpacking {} packages", debs.len());
    for deb in debs {
        let what = format!("dpkg-deb -x {}", deb.display());
        tied::capture(
            tied::command("dpkg-deb").arg("-x").arg(&deb).arg(root),
            &what,
        )?;
    }
    Ok(())
}

/// Returns the `sources.list` of this version's suite. `apt` is a folder for package lists of the host, if it has none.
pub fn sources(xen: Xen, apt: &Path) -> Result<String> {
    let codename = codename()?;
    let line = |(release, uri): (String, String)| {
        let release = release.replacen(&codename, xen.suite(), 1);
        format!("deb [signed-by={KEYRING}] {uri} {release} main\n")
    };
    Ok(mirrors(apt)?.into_iter().map(line).collect())
}

/// Returns the host's Debian mirrors: release (`bookworm-security`) and address.
fn mirrors(apt: &Path) -> Result<BTreeSet<(String, String)>> {
    let codename = codename()?;
    let targets = index_targets(&mut tied::command("apt-get"))?;
    let mut mirrors = debian_mirrors(&targets, &codename);
    if mirrors.is_empty() {
        // The host has no package lists: fetch them for the lab.
        let state = State::create(&apt.join("host"), None)?;
        tied::capture(state.apt_get().arg("update"), "apt-get update")?;
        mirrors = debian_mirrors(&index_targets(&mut state.apt_get())?, &codename);
    }
    if mirrors.is_empty() {
        bail!("apt's sources name no Debian mirror for {codename}: the lab needs a Debian host");
    }
    Ok(mirrors)
}

fn index_targets(apt_get: &mut Command) -> Result<String> {
    let format = "$(RELEASE)|$(REPO_URI)|$(ORIGIN)";
    let output = tied::capture(
        apt_get.args(["indextargets", "--format", format, "Created-By: Packages"]),
        "apt-get indextargets",
    )?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

fn debian_mirrors(targets: &str, codename: &str) -> BTreeSet<(String, String)> {
    let ours = ["", "-updates", "-security"].map(|pocket| format!("{codename}{pocket}"));
    targets
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('|');
            let (release, uri, origin) = (fields.next()?, fields.next()?, fields.next()?);
            (origin == "Debian" && ours.iter().any(|ours| ours == release))
                .then(|| (release.to_owned(), uri.to_owned()))
        })
        .collect()
}

/// Returns the host's suite.
fn codename() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned())
        .context("/etc/os-release has no VERSION_CODENAME: the lab needs a Debian host")
}

/// An apt state separate from the host's, which needs no root.
struct State(PathBuf);

impl State {
    /// Creates it in this folder, with these sources, or the host's if there are none.
    fn create(folder: &Path, sources: Option<&str>) -> Result<Self> {
        for name in ["lists/partial", "cache/archives/partial"] {
            let path = folder.join(name);
            fs::create_dir_all(&path)
                .with_context(|| format!("cannot create {}", path.display()))?;
        }
        // No package counts as installed, so all dependencies are fetched.
        let mut files = vec![("status", "")];
        files.extend(sources.map(|sources| ("sources.list", sources)));
        for (name, content) in files {
            let path = folder.join(name);
            fs::write(&path, content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(Self(folder.to_owned()))
    }

    fn apt_get(&self) -> Command {
        let folder = self.0.display();
        let mut options = vec![
            format!("Dir::State::Lists={folder}/lists"),
            format!("Dir::State::status={folder}/status"),
            format!("Dir::Cache={folder}/cache"),
            "Dir::Etc::Preferences=/dev/null".into(),
            "Dir::Etc::PreferencesParts=/dev/null".into(),
            "Debug::NoLocking=1".into(),
            // The sandbox user could not read folders in a home.
            "APT::Sandbox::User=root".into(),
            // A list that cannot be fetched is an error, not a warning.
            "APT::Update::Error-Mode=any".into(),
        ];
        if self.0.join("sources.list").exists() {
            options.push(format!("Dir::Etc::SourceList={folder}/sources.list"));
            options.push("Dir::Etc::SourceParts=/dev/null".into());
        }
        let mut command = tied::command("apt-get");
        command.arg("-q").env("LC_ALL", "C");
        for option in options {
            command.args(["-o", &option]);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_debians_and_the_hosts() {
        let targets = "bookworm|http://a/debian/|Debian\n\
                       bookworm|http://a/debian/|Debian\n\
                       bookworm-security|http://a/debian-security/|Debian\n\
                       bookworm-backports|http://a/debian/|Debian Backports\n\
                       cloud-sdk|http://b/|cloud-sdk\n";
        let mirrors = debian_mirrors(targets, "bookworm");
        let releases: Vec<_> = mirrors
            .iter()
            .map(|(release, _)| release.as_str())
            .collect();
        assert_eq!(releases, ["bookworm", "bookworm-security"]);
    }
}
