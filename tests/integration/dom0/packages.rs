//! The Debian package in Debian itself as dom0, by dpkg and systemd: installed, run, and, after a reboot, upgraded,
//! removed and purged.

mod rebooted;

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::command::{Said, run, say, tool, xenscope_path};
use crate::http::get;

/// How long a service may take until it has done its work, under emulation.
const LIMIT: Duration = Duration::from_secs(180);

/// The port of `xenscope export`.
const PORT: u16 = 14170;

const RECORD: &str = "xenscope-record.service";
const EXPORT: &str = "xenscope-export.service";

/// Where the units read their options.
const SETTINGS_FILE: &str = "/etc/default/xenscope";

/// Trace buffers, an audit's clocks, and XenStore.
const SETTINGS: &str = "RECORD_OPTIONS=\"--audit --ready\"\nEXPORT_OPTIONS=--audit\n";

/// What a service may say on a machine that stalls, or whose pCPUs' clocks differ.
const OF_STALLS: [&str; 3] = [
    "XenStore does not answer",
    "XenStore is up to date again",
    "see 'audit --ready'",
];

/// Where the recording is.
const FOLDER: &str = "/var/lib/xenscope";

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn an_installed_package_does_its_work() {
    // The lab has put it there. It has to come from the package.
    fs::remove_file(xenscope_path()).unwrap();
    // After each installation and removal, man-db would read all pages of the manual: minutes.
    fs::remove_file("/var/lib/man-db/auto-update").unwrap();
    dpkg(&["--install", "/lab/this.deb"]);
    files_are_there();
    for name in [RECORD, EXPORT] {
        assert_eq!(systemctl("is-enabled", name), "disabled");
        assert_eq!(systemctl("is-active", name), "inactive");
    }
    for name in ["Domain-0", "pv-net"] {
        assert!(say(&["list"]).fine().contains(name), "{name}");
    }
    let doctor = say(&["doctor"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");

    fs::write(SETTINGS_FILE, SETTINGS).unwrap();
    tool("systemctl", &["enable", "--now", RECORD, EXPORT]);
    services_do_their_work();
    let waits = say(&["waits", "--since", "-1h"]);
    assert_eq!(waits.code, Some(0), "{waits:?}");
    assert!(waits.stdout.contains("pv-net"), "{waits:?}");
    let measured = "ready time was recorded for ";
    assert!(waits.stderr.contains(measured), "{waits:?}");
    services_have_few_rights();
    for name in [RECORD, EXPORT] {
        let said = journal(name);
        let mut complaints = said.lines().filter(|line| line.contains("xenscope: "));
        let is_of_stall = |line: &str| OF_STALLS.iter().any(|words| line.contains(words));
        assert!(complaints.all(is_of_stall), "{name} complains: {said}");
    }
}

/// Asserts that a package's files are as they were packed, and that other programs find those that are for them.
fn files_are_there() {
    assert_eq!(tool("dpkg", &["--verify", "xenscope"]), "");
    let page = tool("man", &["--where", "xenscope-record"]);
    assert_eq!(page, "/usr/share/man/man8/xenscope-record.8.gz\n");
    let script = ". /usr/share/bash-completion/completions/xenscope && complete -p xenscope";
    assert!(tool("bash", &["-c", script]).ends_with("xenscope\n"));
    let user = tool("getent", &["passwd", "xenscope"]);
    assert!(user.contains(":/nonexistent:/usr/sbin/nologin"), "{user}");
    let folder = tool("stat", &["--format=%A %U", FOLDER]);
    assert_eq!(folder, "drwx------ root\n");
}

/// Waits for a recording and for metrics, and asserts that both services run.
fn services_do_their_work() {
    let end = Instant::now() + LIMIT;
    // The first samples are written after ten seconds. Of a recording that goes on, any are found.
    while say(&["list", "--at", "-0s"]).code != Some(0) {
        assert!(Instant::now() < end, "{}", journal(RECORD));
        sleep(Duration::from_secs(1));
    }
    let page = loop {
        match get(PORT, "/metrics", "") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") => break body,
            _ => assert!(Instant::now() < end, "{}", journal(EXPORT)),
        }
        sleep(Duration::from_secs(1));
    };
    assert!(page.contains("name=\"Domain-0\""), "no names: {page}");
    assert!(page.contains("xen_up 1"), "{page}");
    for name in [RECORD, EXPORT] {
        assert_eq!(systemctl("is-active", name), "active", "{}", journal(name));
    }
}

/// Asserts what the documentation says about the services' rights.
fn services_have_few_rights() {
    let document = include_str!("../../../docs/install.md");
    let mut lines = document.lines();
    let line = lines
        .find(|line| line.starts_with("| `systemd-analyze security`"))
        .unwrap();
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    for (name, exposure, capabilities) in [
        (RECORD, cells[2], "0000000000000000"),
        (EXPORT, cells[3], "00000000000000c0"),
    ] {
        let report = tool("systemd-analyze", &["security", "--no-pager", name]);
        let overall = format!("Overall exposure level for {name}: {exposure} ");
        assert!(report.contains(&overall), "{report}");
        let process = fs::read_to_string(format!("/proc/{}/status", pid(name))).unwrap();
        assert!(process.contains(&format!("CapBnd:\t{capabilities}\n")));
    }
}

/// Runs dpkg, as an administrator does.
fn dpkg(words: &[&str]) {
    let said = run(Command::new("dpkg")
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive"));
    assert_eq!(said.code, Some(0), "{said:?}");
    println!("{}{}", said.stdout, said.stderr);
}

/// Returns what systemctl says about a unit. Its exit code is not 0 for some answers.
fn systemctl(question: &str, name: &str) -> String {
    let Said { stdout, .. } = run(Command::new("systemctl").args([question, name]));
    stdout.trim().to_owned()
}

/// Returns the ID of a service's process; asserts that there is one.
fn pid(name: &str) -> u32 {
    let words = ["show", "--property=MainPID", "--value", name];
    let pid: u32 = tool("systemctl", &words).trim().parse().unwrap();
    assert_ne!(pid, 0, "{}", journal(name));
    pid
}

/// Returns what a service has written, for a message.
fn journal(name: &str) -> String {
    tool("journalctl", &["--no-pager", "--lines=40", "--unit", name])
}

/// Returns whether there is something at a path.
fn is_there(path: &str) -> bool {
    fs::symlink_metadata(path).is_ok()
}
