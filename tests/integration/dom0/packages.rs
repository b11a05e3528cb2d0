//! The units of the packages, as systemd of a dom0 runs them: hardened, and with all that needs a right of its own.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::command::{run, say, tool};
use crate::http::get;

/// How long a service may take until it has done its work, under emulation.
const LIMIT: Duration = Duration::from_secs(180);

/// The port of `xenscope export`.
const PORT: u16 = 14170;

const UNITS: [(&str, &str); 2] = [
    (
        "xenscope-record.service",
        include_str!("../../../deploy/systemd/xenscope-record.service"),
    ),
    (
        "xenscope-export.service",
        include_str!("../../../deploy/systemd/xenscope-export.service"),
    ),
];

/// Trace buffers, an audit's clocks, and XenStore.
const SETTINGS: &str = "RECORD_OPTIONS=\"--audit --ready\"\nEXPORT_OPTIONS=--audit\n";

/// Where the units read their options.
const SETTINGS_PLACE: &str = "/etc/default/xenscope";

/// Where the recording is.
const FOLDER: &str = "/var/lib/xenscope";

/// The services, until this is dropped.
struct Services;

impl Services {
    fn start() -> Self {
        for (name, unit) in UNITS {
            fs::write(Path::new("/run/systemd/system").join(name), unit).unwrap();
        }
        fs::write(SETTINGS_PLACE, SETTINGS).unwrap();
        tool("systemctl", &["daemon-reload"]);
        tool("systemctl", &["start", UNITS[0].0, UNITS[1].0]);
        Self
    }

    /// Returns what a service has written, for a message.
    fn journal(name: &str) -> String {
        tool("journalctl", &["--no-pager", "--lines=40", "--unit", name])
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        for (name, _) in UNITS {
            let _ = Command::new("systemctl").args(["stop", name]).output();
            let _ = fs::remove_file(Path::new("/run/systemd/system").join(name));
        }
        let _ = fs::remove_file(SETTINGS_PLACE);
        let _ = fs::remove_dir_all(FOLDER);
        let _ = Command::new("systemctl").arg("daemon-reload").output();
    }
}

/// Returns what the kernel says of a service's process.
fn status(name: &str) -> String {
    let pid = tool(
        "systemctl",
        &["show", "--property=MainPID", "--value", name],
    );
    fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn hardened_services_do_their_work() {
    let _services = Services::start();
    let [record, export] = UNITS.map(|(name, _)| name);
    let end = Instant::now() + LIMIT;
    // The first samples are written after ten seconds.
    while say(&["list", "--at", "-0s"]).code != Some(0) {
        assert!(Instant::now() < end, "{}", Services::journal(record));
        sleep(Duration::from_secs(1));
    }
    let page = loop {
        match get(PORT, "/metrics", "") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") => break body,
            _ => assert!(Instant::now() < end, "{}", Services::journal(export)),
        }
        sleep(Duration::from_secs(1));
    };
    assert!(page.contains("name=\"Domain-0\""), "no names: {page}");
    assert!(page.contains("xen_up 1"), "{page}");
    let waits = say(&["waits", "--since", "-1h"]).fine();
    assert!(waits.contains("pv-net"), "{waits}");
    assert!(status(record).contains("CapBnd:\t0000000000000000"));
    assert!(status(export).contains("CapBnd:\t00000000000000c0"));
    for name in [record, export] {
        let said = Services::journal(name);
        assert!(!said.contains("xenscope: "), "{name} complains: {said}");
        let state = run(Command::new("systemctl").args(["is-active", name]));
        assert_eq!(state.stdout, "active\n", "{said}");
    }
}
