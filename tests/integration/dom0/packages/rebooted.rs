//! The package after a reboot of dom0, which is alone then. The lab runs the tests of `dom0::packages` before it.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{
    EXPORT, FOLDER, LIMIT, RECORD, SETTINGS, SETTINGS_FILE, dpkg, is_there, journal, pid,
    services_do_their_work, systemctl,
};
use crate::command::{run, say, tool, xenscope_path};
use crate::dom0::MOST_PERCENT;
use crate::record::{Record, all};

/// The recording's file.
const RECORDING: &str = "/var/lib/xenscope/recording.sqlite";

/// The links by which systemd starts the services at boot.
const LINKS: [&str; 2] = [
    "/etc/systemd/system/multi-user.target.wants/xenscope-record.service",
    "/etc/systemd/system/multi-user.target.wants/xenscope-export.service",
];

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn services_outlive_a_reboot_and_an_upgrade_until_they_are_removed() {
    services_do_their_work();
    a_recording_goes_on_after_the_reboot();
    an_upgrade_restarts_services_and_keeps_settings();
    a_removal_keeps_settings_and_recording();
    a_purge_leaves_nothing();
}

fn a_recording_goes_on_after_the_reboot() {
    let end = Instant::now() + LIMIT;
    let boots = loop {
        let boots = boots(&samples());
        // A chunk is ten samples.
        if boots.len() > 1 && boots[1] >= 10 {
            break boots;
        }
        assert!(Instant::now() < end, "{boots:?}, {}", journal(RECORD));
        sleep(Duration::from_secs(1));
    };
    assert!(boots.len() == 2 && boots[0] >= 10, "{boots:?}");
}

fn an_upgrade_restarts_services_and_keeps_settings() {
    let old = [RECORD, EXPORT].map(pid);
    let before = samples();
    dpkg(&["--install", "/lab/next.deb"]);
    assert!(version().ends_with("+later-1"), "{}", version());
    services_do_their_work();
    for (name, old) in [RECORD, EXPORT].into_iter().zip(old) {
        assert_ne!(pid(name), old, "{name} is not restarted");
        let program = fs::read_link(format!("/proc/{}/exe", pid(name))).unwrap();
        // Of a program that is replaced, the kernel says "(deleted)".
        assert_eq!(program.to_str(), Some(&*xenscope_path()));
    }
    assert_eq!(fs::read_to_string(SETTINGS_FILE).unwrap(), SETTINGS);
    // What the old recorder still had is written.
    let restarted = samples().len();
    let end = Instant::now() + LIMIT;
    let first = |samples: &[Record]| samples.first().map(|sample| sample.time);
    loop {
        let after = samples();
        assert_eq!(first(&after), first(&before), "older samples are gone");
        if after.len() >= restarted + 10 {
            boots(&after);
            return;
        }
        assert!(Instant::now() < end, "{}", journal(RECORD));
        sleep(Duration::from_secs(1));
    }
}

fn a_removal_keeps_settings_and_recording() {
    let pids = [RECORD, EXPORT].map(pid);
    dpkg(&["--remove", "xenscope"]);
    for pid in pids {
        assert!(!is_there(&format!("/proc/{pid}")), "it still runs");
    }
    assert!(!is_there(&xenscope_path()));
    assert_eq!(fs::read_to_string(SETTINGS_FILE).unwrap(), SETTINGS);
    assert!(is_there(RECORDING));

    dpkg(&["--install", "/lab/next.deb"]);
    for name in [RECORD, EXPORT] {
        assert_eq!(systemctl("is-enabled", name), "enabled");
    }
    assert_eq!(fs::read_to_string(SETTINGS_FILE).unwrap(), SETTINGS);
    boots(&samples());
}

fn a_purge_leaves_nothing() {
    tool("systemctl", &["start", RECORD, EXPORT]);
    let pids = [RECORD, EXPORT].map(pid);
    dpkg(&["--purge", "xenscope"]);
    for pid in pids {
        assert!(!is_there(&format!("/proc/{pid}")), "it still runs");
    }
    for path in [&*xenscope_path(), SETTINGS_FILE, FOLDER, LINKS[0], LINKS[1]] {
        assert!(!is_there(path), "{path}");
    }
    // Its ID must not become another user's.
    tool("getent", &["passwd", "xenscope"]);
    let query = run(Command::new("dpkg-query").args(["--status", "xenscope"]));
    assert_eq!(query.code, Some(1), "{query:?}");
}

/// Returns the version that is installed.
fn version() -> String {
    tool(
        "dpkg-query",
        &["--show", "--showformat=${Version}", "xenscope"],
    )
}

/// Returns all samples of the recording.
fn samples() -> Vec<Record> {
    let text = say(&["top", "-b", "--from", FOLDER, "--format", "json"]).fine();
    all(&text)
}

/// Returns how many samples there are of each boot; asserts that all rates are right.
fn boots(samples: &[Record]) -> Vec<usize> {
    let mut boots = Vec::new();
    let mut uptime = u64::MAX;
    for sample in samples {
        let up = sample.host.uptime_ns.unwrap();
        if up < uptime {
            boots.push(0);
        }
        uptime = up;
        let count = boots.last_mut().unwrap();
        *count += 1;
        for percent in [sample.host.cpu_percent, sample.domains[0].cpu_percent] {
            match percent {
                Some(percent) => {
                    assert!(*count > 1, "a rate over the reboot: {percent}");
                    assert!((0.0..=MOST_PERCENT).contains(&percent), "{percent}");
                }
                None => assert!(*count == 1, "no rate after {up} ns of a boot"),
            }
        }
    }
    boots
}
