//! `xenscope compare`: runs other tools between two samples.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use process_control::{ChildExt, Control};
use tracing::debug;
use xenscope::compare::{Comparison, Report, Tool, Trouble, compare_rows};
use xenscope::snapshot::Collect;
use xenscope::source::Source;
use xenscope::view::compare::{line, sections};

use super::output::{Notes, Output};
use crate::cli::{Compare, CompareFormat, With};
use crate::exit::Outcome;

/// How long to wait between one comparison and the next.
const PAUSE: Duration = Duration::from_secs(1);

/// What `xenscope compare` collects.
pub(super) fn collect() -> Collect {
    Collect {
        names: true,
        nics: true,
        disks: true,
        ..Collect::default()
    }
}

/// Takes the running host: the tools show no other.
pub(super) fn run(
    options: &Compare,
    source: &mut Source,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let mut notes = Notes::default();
    let mut outcome = Outcome::Done;
    let tools = match options.with {
        With::Xentop => &[Tool::Xentop][..],
        With::Xl => &[Tool::Xl],
        With::All => &[Tool::Xentop, Tool::Xl],
    };
    for sample in 0..options.samples {
        if sample > 0 {
            sleep(PAUSE);
        }
        for (index, &tool) in tools.iter().enumerate() {
            let report = compare(tool, options.time_limit, source, &mut notes)?;
            if !report.agrees() {
                outcome = Outcome::Failed;
            }
            out.print(&match options.format {
                CompareFormat::Json => line(&report),
                CompareFormat::Table => {
                    let gap = if sample > 0 || index > 0 { "\n" } else { "" };
                    format!("{gap}{}", sections(&report, out.width()))
                }
            })?;
        }
    }
    Ok(outcome)
}

/// Runs one tool once, between two samples.
fn compare(
    tool: Tool,
    limit: Duration,
    source: &mut Source,
    notes: &mut Notes,
) -> anyhow::Result<Report> {
    let path = find(tool.name(), env::var_os("PATH").as_deref());
    let mut report = Report {
        tool,
        version: path.as_deref().and_then(|path| version(tool, path, limit)),
        path,
        time: jiff::Timestamp::now(),
        result: Err(Trouble::NotFound),
    };
    if let Some(path) = &report.path {
        let before = source.sample()?;
        notes.tell(&before.notes);
        let printed = ask(path, tool.arguments(), limit);
        let after = source.sample()?;
        notes.tell(&after.notes);
        report.time = after.time;
        report.result = printed.and_then(|text| -> Result<Comparison, Trouble> {
            Ok(compare_rows(tool, &tool.read(&text)?, &before, &after))
        });
    }
    Ok(report)
}

/// Returns the program of this name that a shell would run. `None` if there is none in an absolute
/// folder of PATH: root must not run what lies in the working directory.
///
/// Links are not followed, because Debian's `xl` is a link to a script that looks at its own name.
fn find(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        fs::metadata(path)
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(path?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

/// What the program says of its version. xl has no way to say it.
fn version(tool: Tool, path: &Path, limit: Duration) -> Option<String> {
    match tool {
        Tool::Xentop => {
            let said = ask(path, &["-V"], limit).ok()?;
            let said = said
                .lines()
                .next()?
                .trim()
                .trim_start_matches("xentop")
                .trim();
            (!said.is_empty()).then(|| said.to_owned())
        }
        Tool::Xl => None,
    }
}

/// Runs a program for as long as it may take, and returns what it printed.
fn ask(path: &Path, arguments: &[&str], limit: Duration) -> Result<String, Trouble> {
    debug!(?path, ?arguments, "running");
    let child = Command::new(path)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Trouble::NotRun)?;
    let output = child
        .controlled_with_output()
        .time_limit(limit)
        .terminate_for_timeout()
        .wait()
        .map_err(Trouble::NotRun)?
        .ok_or(Trouble::TimedOut(limit))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    if let Some(signal) = output.status.signal() {
        return Err(Trouble::Killed { signal });
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().last().unwrap_or("no message").to_owned();
    Err(Trouble::Failed(output.status.code().unwrap_or(-1), last))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::ErrorKind;

    use super::*;

    /// A folder with a script in it.
    fn script(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    /// Runs a script. A test that starts a program while this one writes its script keeps that open
    /// for writing until it executes, and the script can't run until then.
    fn ask(path: &Path, limit: Duration) -> Result<String, Trouble> {
        loop {
            match super::ask(path, &[], limit) {
                Err(Trouble::NotRun(error)) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    sleep(Duration::from_millis(10));
                }
                said => return said,
            }
        }
    }

    #[test]
    fn a_program_is_found_as_a_shell_finds_it() {
        let (plain, _) = script("", 0o644);
        let (runnable, path) = script("", 0o755);
        let folders = [plain.path(), runnable.path()];
        let search = env::join_paths(folders).unwrap();
        assert_eq!(find("tool", Some(&search)), Some(path));
        assert_eq!(find("no-such-tool", Some(&search)), None);
        assert_eq!(find("tool", None), None);
    }

    #[test]
    fn relative_folders_of_path_are_skipped() {
        // Tests run in the package's folder, which has a program in .ci.
        let finds = |name, search: &str| find(name, Some(OsStr::new(search))).is_some();
        let folder = env::current_dir().unwrap().join(".ci");
        assert!(finds("run", folder.to_str().unwrap()));
        for search in [".ci", "./.ci", "src/../.ci"] {
            assert!(!finds("run", search), "{search}");
        }
        // An empty entry is the working directory.
        for search in ["", ":", ":/nonexistent", "/nonexistent:"] {
            assert!(!finds(".ci/run", search), "{search}");
        }
    }

    #[test]
    fn a_link_keeps_its_name() {
        let (folder, wrapper) = script("echo \"${0##*/}\"", 0o755);
        let link = folder.path().join("xl");
        std::os::unix::fs::symlink(wrapper, &link).unwrap();
        let found = find("xl", Some(folder.path().as_os_str())).unwrap();
        let said = ask(&found, Duration::from_secs(20)).unwrap();
        assert_eq!(said, "xl\n");
    }

    #[test]
    fn how_a_program_ended_is_told_apart() {
        let asked = |text: &str| {
            let (_folder, path) = script(text, 0o755);
            ask(&path, Duration::from_secs(20))
        };
        assert_eq!(asked("echo hello").unwrap(), "hello\n");
        assert!(matches!(
            asked("kill -SEGV $$"),
            Err(Trouble::Killed { signal: 11 })
        ));
        let failed = asked("echo one >&2; echo two >&2; exit 3");
        assert!(matches!(failed, Err(Trouble::Failed(3, last)) if last == "two"));
        let (_folder, path) = script("exec sleep 1000", 0o755);
        let hung = ask(&path, Duration::from_millis(100));
        assert!(matches!(hung, Err(Trouble::TimedOut(_))));
        let (_folder, path) = script("", 0o644);
        assert!(matches!(
            ask(&path, Duration::from_secs(20)),
            Err(Trouble::NotRun(_))
        ));
    }
}
