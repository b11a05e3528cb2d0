//! `xenscope compare`: runs other tools between two samples.

use std::env;
use std::ffi::{OsStr, OsString};
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
use xenscope::view::xentop::DISK_COUNTERS;

use super::output::{Notes, Output};
use crate::cli::{Compare, CompareFormat, With};
use crate::exit::Outcome;

/// The time between two comparisons.
const PAUSE: Duration = Duration::from_secs(1);

/// Returns what `xenscope compare` collects.
pub(super) fn collect() -> Collect {
    let collect = Collect {
        names: true,
        nics: true,
        nic_counters: true,
        ..Collect::default()
    };
    collect.with_disk_counters(&DISK_COUNTERS)
}

/// Runs the command. It needs a live source, because the tools show the running host.
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
        if out.is_closed() {
            break;
        }
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
                    format!("{gap}{}", sections(&report, options.all, out.width()))
                }
            })?;
        }
    }
    Ok(outcome)
}

/// Runs one tool between two samples, and compares what it printed with them.
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
        let before = source.sample(None)?;
        notes.report(&before.notes);
        let printed = run_program(path, tool.arguments(), limit);
        let after = source.sample(Some(&before))?;
        notes.report(&after.notes);
        report.time = after.time;
        report.result = printed.and_then(|text| -> Result<Comparison, Trouble> {
            Ok(compare_rows(tool, &tool.read(&text)?, &before, &after))
        });
    }
    Ok(report)
}

/// Returns the path of the program that a shell would run. `None` if no absolute folder of PATH has
/// it: root must not run a file from the working directory.
///
/// Links are not followed, because Debian's `xl` is a link to a script that looks at its own name. A link to
/// this program is skipped: xenscope may have xentop's name.
fn find(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let own = fs::canonicalize("/proc/self/exe").ok();
    let is_program = |path: &Path| {
        fs::metadata(path)
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
            && fs::canonicalize(path).ok() != own
    };
    env::split_paths(path?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

/// Returns the absolute folders of a PATH, in the same form.
fn absolute(path: Option<&OsStr>) -> OsString {
    let folders = path.into_iter().flat_map(env::split_paths);
    // No folder that was split at a colon has one.
    env::join_paths(folders.filter(|folder| folder.is_absolute())).unwrap_or_default()
}

/// Returns the version that xentop prints; `None` for xl, because it has no option for it.
fn version(tool: Tool, path: &Path, limit: Duration) -> Option<String> {
    match tool {
        Tool::Xentop => {
            let printed = run_program(path, &["-V"], limit).ok()?;
            let printed = printed
                .lines()
                .next()?
                .trim()
                .trim_start_matches("xentop")
                .trim();
            (!printed.is_empty()).then(|| printed.to_owned())
        }
        Tool::Xl => None,
    }
}

/// Runs a program for at most `limit`, and returns its output.
fn run_program(path: &Path, arguments: &[&str], limit: Duration) -> Result<String, Trouble> {
    debug!(?path, ?arguments, "running");
    let child = Command::new(path)
        .args(arguments)
        .env("LC_ALL", "C")
        // A wrapper must not start a program from a relative folder either.
        .env("PATH", absolute(env::var_os("PATH").as_deref()))
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

    /// Writes a script into a new folder, and returns both.
    fn script(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    /// Runs a script. If another test forks while this one writes the script, its child has the
    /// script open until it calls exec; the script is busy for that time.
    fn run_program(path: &Path, limit: Duration) -> Result<String, Trouble> {
        loop {
            match super::run_program(path, &[], limit) {
                Err(Trouble::NotRun(error)) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    sleep(Duration::from_millis(10));
                }
                printed => return printed,
            }
        }
    }

    #[test]
    fn programs_are_found_in_path() {
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
    fn links_are_not_followed() {
        let (folder, wrapper) = script("echo \"${0##*/}\"", 0o755);
        let link = folder.path().join("xl");
        std::os::unix::fs::symlink(wrapper, &link).unwrap();
        let found = find("xl", Some(folder.path().as_os_str())).unwrap();
        let printed = run_program(&found, Duration::from_secs(20)).unwrap();
        assert_eq!(printed, "xl\n");
    }

    #[test]
    fn this_program_under_a_tools_name_is_not_the_tool() {
        let (folder, tool) = script("", 0o755);
        let own = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env::current_exe().unwrap(), own.path().join("tool")).unwrap();
        let search = env::join_paths([own.path(), folder.path()]).unwrap();
        assert_eq!(find("tool", Some(&search)), Some(tool));
        assert_eq!(find("tool", Some(own.path().as_os_str())), None);
    }

    #[test]
    fn errors_say_how_a_program_ended() {
        let run_script = |text: &str| {
            let (_folder, path) = script(text, 0o755);
            run_program(&path, Duration::from_secs(20))
        };
        assert_eq!(run_script("echo hello").unwrap(), "hello\n");
        assert!(matches!(
            run_script("kill -SEGV $$"),
            Err(Trouble::Killed { signal: 11 })
        ));
        let failed = run_script("echo one >&2; echo two >&2; exit 3");
        assert!(matches!(failed, Err(Trouble::Failed(3, last)) if last == "two"));
        let (_folder, path) = script("exec sleep 1000", 0o755);
        let hung = run_program(&path, Duration::from_millis(100));
        assert!(matches!(hung, Err(Trouble::TimedOut(_))));
        let (_folder, path) = script("", 0o644);
        assert!(matches!(
            run_program(&path, Duration::from_secs(20)),
            Err(Trouble::NotRun(_))
        ));
    }
}
