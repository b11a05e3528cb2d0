//! Programs that run on this host, and its toolstack.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::check::{Check, list};

/// Programs that trace, all of them by an event channel.
const TRACERS: [&str; 3] = ["xentrace", "xenbaked", "xenscope"];

/// A process.
struct Process {
    pid: u32,
    /// The file name of its program, as it was called.
    program: String,
    /// What it was called with.
    words: Vec<String>,
}

/// Returns the checks of the file system at `root`.
pub(super) fn checks(root: &Path) -> Vec<Check> {
    let processes = processes(root);
    let running = |name: &'static str, command: &str| {
        let is_it = |process: &&Process| {
            let words = &process.words;
            process.program == "xenscope"
                && words.iter().find(|word| !word.starts_with('-')).is_some_and(|word| word == command)
                // The exporter's server is a process of its own.
                && !words.iter().any(|word| word == "--serve")
        };
        let pids = processes.iter().filter(is_it);
        let pids = pids.map(|process| format!("runs (PID {})", process.pid));
        Check::ok(name, list(pids, "does not run"))
    };
    vec![
        running("recorder", "record"),
        running("exporter", "export"),
        toolstack(root),
    ]
}

/// Returns the programs that may trace: they trace if they run, and have an event channel open.
pub(super) fn tracers(root: &Path) -> Vec<String> {
    let mut all = processes(root);
    all.retain(|process| {
        TRACERS.contains(&&*process.program)
            && has_open(root, process.pid, Path::new("/dev/xen/evtchn"))
    });
    let name = |process: Process| format!("{} (PID {})", process.program, process.pid);
    all.into_iter().map(name).collect()
}

fn processes(root: &Path) -> Vec<Process> {
    let entries = fs::read_dir(root.join("proc")).into_iter().flatten();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut all: Vec<Process> = pids.filter_map(|pid| process(root, pid)).collect();
    all.sort_unstable_by_key(|process| process.pid);
    all
}

/// Reads a process; `None` if it is a thread of the kernel, or has ended.
fn process(root: &Path, pid: u32) -> Option<Process> {
    let line = fs::read(root.join(format!("proc/{pid}/cmdline"))).ok()?;
    let line = String::from_utf8_lossy(&line);
    let mut words = line.split('\0').filter(|word| !word.is_empty());
    let program = Path::new(words.next()?).file_name()?.to_str()?.to_owned();
    Some(Process {
        pid,
        program,
        words: words.map(str::to_owned).collect(),
    })
}

/// Returns whether a process has this file open.
fn has_open(root: &Path, pid: u32, file: &Path) -> bool {
    let links = fs::read_dir(root.join(format!("proc/{pid}/fd")));
    let mut links = links.into_iter().flatten().flatten();
    links.any(|link| fs::read_link(link.path()).is_ok_and(|target| target == file))
}

/// Returns which toolstack manages the domains.
fn toolstack(root: &Path) -> Check {
    const NAME: &str = "toolstack";
    if let Ok(text) = fs::read_to_string(root.join("etc/xensource-inventory")) {
        return Check::ok(NAME, format!("XAPI ({})", product(&text)));
    }
    if let Ok(text) = fs::read_to_string(root.join("etc/qubes-release")) {
        return Check::ok(NAME, format!("Qubes ({})", text.trim()));
    }
    let folders = ["usr/sbin", "usr/bin", "sbin", "usr/local/sbin"];
    match folders
        .iter()
        .find(|folder| root.join(folder).join("xl").exists())
    {
        Some(folder) => Check::ok(NAME, format!("xl (/{folder}/xl)")),
        None => Check::unknown(NAME, "neither XAPI nor Qubes nor xl"),
    }
}

/// Returns the product's name and version from an inventory, whose lines are `KEY='value'`.
fn product(inventory: &str) -> String {
    let pairs = inventory.lines().filter_map(|line| line.split_once('='));
    let values: BTreeMap<&str, &str> = pairs
        .map(|(key, value)| (key.trim(), value.trim().trim_matches('\'')))
        .collect();
    let keys = ["PRODUCT_BRAND", "PRODUCT_VERSION"];
    let known: Vec<&str> = keys
        .iter()
        .filter_map(|key| values.get(key).copied())
        .collect();
    match known.is_empty() {
        true => "product unknown".to_owned(),
        false => known.join(" "),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::symlink;

    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn recorders_and_exporters_are_found_by_their_command() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(
            root,
            "proc/12/cmdline",
            "/usr/bin/xenscope\0-v\0record\0--dir\0/x\0",
        );
        write(root, "proc/13/cmdline", "less\0export\0");
        write(root, "proc/14/cmdline", "xenscope\0export\0--serve\0");
        write(root, "proc/2/cmdline", "");
        write(root, "proc/uptime", "1 1");
        let found: Vec<String> = checks(root).into_iter().map(|check| check.found).collect();
        assert_eq!(found[..2], ["runs (PID 12)", "does not run"]);
    }

    #[test]
    fn tracers_have_an_event_channel_open() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for (pid, program) in [(5, "xentrace"), (6, "xenscope"), (7, "qemu")] {
            write(root, &format!("proc/{pid}/cmdline"), program);
            fs::create_dir(root.join(format!("proc/{pid}/fd"))).unwrap();
        }
        for pid in [5, 7] {
            symlink("/dev/xen/evtchn", root.join(format!("proc/{pid}/fd/3"))).unwrap();
        }
        assert_eq!(tracers(root), ["xentrace (PID 5)"]);
    }

    #[test]
    fn toolstacks_are_known_by_their_files() {
        let of = |path: &str, text: &str| {
            let root = tempfile::tempdir().unwrap();
            write(root.path(), path, text);
            toolstack(root.path()).found
        };
        let inventory = "PRODUCT_BRAND='XCP-ng'\nPRODUCT_VERSION='8.3.0'\nBUILD_NUMBER='cloud'\n";
        assert_eq!(
            of("etc/xensource-inventory", inventory),
            "XAPI (XCP-ng 8.3.0)"
        );
        assert_eq!(of("etc/xensource-inventory", ""), "XAPI (product unknown)");
        assert_eq!(
            of("etc/qubes-release", "Qubes release 4.3\n"),
            "Qubes (Qubes release 4.3)"
        );
        assert_eq!(of("usr/sbin/xl", ""), "xl (/usr/sbin/xl)");
        assert_eq!(of("etc/hosts", ""), "neither XAPI nor Qubes nor xl");
    }
}
