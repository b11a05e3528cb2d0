//! The Debian package, made by dpkg-deb and judged by lintian.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use super::contents::{self, SETTINGS, System};
use crate::paths;
use crate::tied;

/// The scripts that dpkg runs.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Makes the package of a version in this folder. `time` is that of the sources. Returns its path.
pub(super) fn make(
    program: &Path,
    version: &str,
    time: Timestamp,
    folder: &Path,
) -> Result<PathBuf> {
    let tree = tempfile::tempdir().context("cannot create a folder")?;
    let root = tree.path();
    contents::stage(program, System::Debian, root)?;
    let log = changelog(version, time);
    let log = contents::packed(log.as_bytes())?;
    write(
        &root.join("usr/share/doc/xenscope/changelog.Debian.gz"),
        &log,
        0o644,
    )?;
    control(root, version)?;
    let package = folder.join(format!("xenscope_{version}-1_amd64.deb"));
    let mut command = tied::command("dpkg-deb");
    command
        // Files have no later time than this.
        .env("SOURCE_DATE_EPOCH", time.as_second().to_string())
        // dpkg of Debian 11 and before reads no zstd.
        .args(["--root-owner-group", "-Zxz", "--build"])
        .args([root, &package]);
    tied::capture(&mut command, "dpkg-deb")?;
    Ok(package)
}

/// Fails if lintian finds an error, and prints all that it finds.
pub(super) fn check(package: &Path) -> Result<()> {
    let mut command = tied::command("lintian");
    command
        .args(["--allow-root", "--fail-on", "error"])
        .arg(package);
    let output = command.output().context("cannot start lintian")?;
    eprint!("{}", String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        bail!("lintian finds errors in {}", package.display());
    }
    Ok(())
}

/// Writes what dpkg has to know about the files of `root` to a folder there.
fn control(root: &Path, version: &str) -> Result<()> {
    let deploy = paths::workspace().join("deploy/debian");
    let read = |name: &str| {
        fs::read_to_string(deploy.join(name)).with_context(|| format!("cannot read {name}"))
    };
    let mut find = tied::command("find");
    find.args(["usr", "-type", "f", "-print0"])
        .current_dir(root);
    let files = String::from_utf8(tied::capture(&mut find, "find")?)?;
    let mut files: Vec<&str> = files.split_terminator('\0').collect();
    files.sort_unstable();
    let mut md5sum = tied::command("md5sum");
    let sums = tied::capture(md5sum.args(&files).current_dir(root), "md5sum")?;
    // In kilobytes, as dpkg-gencontrol counts.
    let sizes = files
        .iter()
        .map(|file| fs::metadata(root.join(file)).map(|file| file.len().div_ceil(1024)));
    let size: u64 = sizes
        .sum::<Result<u64, _>>()
        .context("cannot read a size")?;
    let control = read("control")?
        .replace("@version@", version)
        .replace("@size@", &size.to_string());
    let folder = root.join("DEBIAN");
    fs::create_dir(&folder)
        .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("cannot create {}", folder.display()))?;
    write(&folder.join("control"), control.as_bytes(), 0o644)?;
    write(&folder.join("md5sums"), &sums, 0o644)?;
    write(
        &folder.join("conffiles"),
        format!("/{SETTINGS}\n").as_bytes(),
        0o644,
    )?;
    for script in SCRIPTS {
        write(&folder.join(script), read(script)?.as_bytes(), 0o755)?;
    }
    Ok(())
}

/// Returns the log of the package itself. That of xenscope is beside it.
fn changelog(version: &str, time: Timestamp) -> String {
    format!(
        "xenscope ({version}-1) unstable; urgency=medium\n\n  \
         * See changelog.gz for what is new in xenscope {version}.\n\n \
         -- xenscope developers <xenscope@users.noreply.invalid>  {}\n",
        time.strftime("%a, %d %b %Y %H:%M:%S +0000")
    )
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    fs::write(path, bytes)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    /// Answers as xenscope does when a package is made.
    const PROGRAM: &str = r#"#!/bin/sh
case $1 in
completions) echo "for $2" ;;
man) echo manual >"$3/xenscope.8" ;;
esac
"#;

    #[test]
    fn the_same_sources_make_the_same_package() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join("xenscope");
        write(&program, PROGRAM.as_bytes(), 0o700)?;
        let time = Timestamp::from_second(1_000_000_000)?;
        let made = |name: &str| {
            let folder = folder.path().join(name);
            fs::create_dir(&folder)?;
            make(&program, "1.2.3", time, &folder)
        };
        let one = made("one")?;
        // Times of files are in whole seconds.
        sleep(Duration::from_secs(1));
        let other = made("other")?;
        assert!(fs::read(&one)? == fs::read(other)?);

        let mut list = tied::command("dpkg-deb");
        let list = tied::capture(
            list.env("TZ", "UTC").arg("--contents").arg(&one),
            "dpkg-deb",
        )?;
        let list = String::from_utf8(list)?;
        let folders = ["etc", "usr", "var"].map(|name| format!("./{name}/"));
        for line in list.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (time, path) = (words[3..5].join(" "), words[5]);
            assert_eq!(
                (words[1], &*time),
                ("root/root", "2001-09-09 01:46"),
                "{line}"
            );
            assert!(
                path == "./" || folders.iter().any(|name| path.starts_with(name)),
                "{line}"
            );
            let is_open = line.starts_with("drwxr-xr-x") || path == "./var/lib/xenscope/";
            assert!(is_open || !line.starts_with('d'), "{line}");
        }
        for (mode, path) in [
            ("-rwxr-xr-x", "./usr/bin/xenscope"),
            ("drwx------", "./var/lib/xenscope/"),
            ("-rw-r--r--", "./usr/share/man/man8/xenscope.8.gz"),
        ] {
            let mut lines = list.lines();
            let found = lines.any(|line| line.starts_with(mode) && line.ends_with(path));
            assert!(found, "{mode} {path}: {list}");
        }
        Ok(())
    }
}
