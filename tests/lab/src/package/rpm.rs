//! The RPM, made by Debian's rpmbuild from `deploy/rpm/xenscope.spec`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::contents::{self, RECORDINGS, SETTINGS, System};
use crate::paths;
use crate::tied;

/// Makes the package of a version in this folder. `time` is that of the sources. Returns its path.
pub(super) fn make(
    program: &Path,
    version: &str,
    time: Timestamp,
    folder: &Path,
) -> Result<PathBuf> {
    let work = tempfile::tempdir().context("cannot create a folder")?;
    let tree = work.path().join("tree");
    fs::create_dir(&tree).context("cannot create a folder")?;
    contents::stage(program, System::Rpm, &tree)?;
    let list = work.path().join("files");
    fs::write(&list, files(&tree)?).context("cannot write the list of files")?;
    let mut command = tied::command("rpmbuild");
    command
        .env("SOURCE_DATE_EPOCH", time.as_second().to_string())
        .args(["-bb", "--quiet", "--nodeps", "--target", "x86_64-linux"]);
    for (name, value) in [
        ("_topdir", work.path().join("build").display().to_string()),
        ("_tmppath", work.path().display().to_string()),
        ("_rpmdir", folder.display().to_string()),
        (
            "_rpmfilename",
            "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm".into(),
        ),
        ("tree", tree.display().to_string()),
        ("list", list.display().to_string()),
        ("of", version.to_owned()),
    ] {
        command.args(["--define", &format!("{name} {value}")]);
    }
    command.arg(paths::workspace().join("deploy/rpm/xenscope.spec"));
    tied::capture(&mut command, "rpmbuild")?;
    Ok(folder.join(format!("xenscope-{version}-1.x86_64.rpm")))
}

/// Returns the list of a tree's files and of its own folders, as a spec file has it.
fn files(tree: &Path) -> Result<String> {
    let mut find = tied::command("find");
    find.args([".", "-type", "f", "-print0"]).current_dir(tree);
    let files = String::from_utf8(tied::capture(&mut find, "find")?)?;
    let mut files: Vec<&str> = files.split_terminator('\0').collect();
    files.sort_unstable();
    let mut list = format!("%dir %attr(0700,root,root) /{RECORDINGS}\n");
    for file in files {
        let path = file.trim_start_matches("./");
        let mode = fs::metadata(tree.join(path))?.permissions().mode() & 0o7777;
        let kind = match path {
            SETTINGS => "%config(noreplace) ",
            _ if path.starts_with("usr/share/doc/") => "%doc ",
            _ => "",
        };
        list += &format!("{kind}%attr({mode:o},root,root) /{path}\n");
    }
    Ok(list)
}
