//! `xenscope doctor`: what it finds is as the lab made it, and what is taken away has a remedy.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use super::follow::Running;
use super::refusals::{Replaced, library};
use super::store::Stopped;
use super::waits::Xentrace;
use crate::command::{Said, run, say, xenscope};

/// Returns the object that it printed, after a check of its exit code.
fn checks(said: &Said) -> Value {
    let all: Value = serde_json::from_str(&said.stdout).unwrap();
    let code = if all["ready"] == true { 0 } else { 1 };
    assert_eq!((said.code, &*said.stderr), (Some(code), ""), "{said:?}");
    all
}

fn doctor() -> Value {
    checks(&say(&["doctor", "--format", "json"]))
}

/// Returns the check of this name: its state, and what was found.
fn check<'a>(all: &'a Value, name: &str) -> (&'a str, &'a str) {
    let mut checks = all["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["name"] == name).unwrap();
    let state = check["state"].as_str().unwrap_or("-");
    (state, check["found"].as_str().unwrap())
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_whole_host_can_be_watched() {
    let all = doctor();
    eprintln!("{}", say(&["doctor"]).stdout);
    let xen = std::env::var("XENSCOPE_LAB_XEN").unwrap();
    let store = std::env::var("XENSCOPE_LAB_STORE").unwrap();
    // From the headers of each version (xen/sysctl.h, xen/domctl.h).
    let accepted = match &*xen {
        "4.17" => "sysctl 0x15, domctl 0x15",
        _ => "sysctl 0x15, domctl 0x17",
    };
    for (name, part) in [
        ("xen", format!("Xen {xen}.")),
        ("library", format!("libxenctrl.so.{xen}")),
        ("rights", "UID 0".into()),
        ("interface", format!("{accepted}; the library has the same")),
        ("xenstore", format!("{store} answers in ")),
        ("trace buffers", "free; ".into()),
        ("Xen's clock", "Hz ".into()),
        ("xen-privcmd", "/dev/xen/privcmd".into()),
        ("xen-evtchn", "/dev/xen/evtchn".into()),
        ("xenfs", "mounted".into()),
        ("recorder", "does not run".into()),
        ("exporter", "does not run".into()),
        ("toolstack", "xl (".into()),
    ] {
        let (state, found) = check(&all, name);
        assert!(
            state == "ok" && found.contains(&part),
            "{name}: {found}, {state}"
        );
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn programs_are_seen_with_their_pids() {
    let folder = tempdir().unwrap();
    let words = ["record", "--dir", folder.path().to_str().unwrap()];
    let mut recorder = Running::start(&mut xenscope(&words));
    let xentrace = Xentrace::start("0x21000");
    let all = doctor();
    drop(xentrace);
    let (_, found) = check(&all, "recorder");
    assert_eq!(found, format!("runs (PID {})", recorder.id()));
    recorder.kill().unwrap();
    recorder.wait().unwrap();
    let (_, found) = check(&all, "trace buffers");
    for part in [
        "in use by xentrace (PID ",
        "mask 0x21000",
        " KiB for each pCPU",
    ] {
        assert!(found.contains(part), "{found}");
    }
    // It has switched nothing on, and what xentrace made is still there.
    let all = doctor();
    let (_, found) = check(&all, "trace buffers");
    assert!(
        found.starts_with("free; ") && found.ends_with(" KiB for each pCPU"),
        "{found}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn xentrace_with_other_events_is_in_the_way() {
    // What the schedulers do inside.
    let _xentrace = Xentrace::start("0x22000");
    let all = doctor();
    let (state, found) = check(&all, "trace buffers");
    assert_eq!(state, "limited", "{found}");
    for part in [
        "does not trace what vCPUs do (mask 0x22000)",
        "xentrace (PID ",
    ] {
        assert!(found.contains(part), "{found}");
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn nobody_starts_a_daemon_beside_a_stopped_one() {
    let stopped = Stopped::daemon();
    let said = say(&["doctor"]);
    let all = doctor();
    drop(stopped);
    let (state, found) = check(&all, "xenstore");
    assert!(
        state == "limited" && found.contains("the daemon is stopped (PID "),
        "{found}, {state}"
    );
    let mut lines = said.stdout.lines();
    let remedy = lines.find(|line| line.starts_with("xenstore: ")).unwrap();
    assert!(
        remedy.contains("kill -CONT ") && !remedy.contains("systemctl"),
        "{remedy}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_library_of_another_xen_is_found_out() {
    let xen = std::env::var("XENSCOPE_LAB_XEN").unwrap();
    let other = if xen == "4.17" { "4.20" } else { "4.17" };
    let other = Path::new("/lab/other").join(format!("libxenctrl.so.{other}"));
    let _other = Replaced::put(&library(), &other);
    let all = doctor();
    let (state, found) = check(&all, "interface");
    assert_eq!(state, "blocked", "{found}");
    for part in [
        "another interface version",
        "Xen accepts sysctl 0x15, domctl 0x1",
    ] {
        assert!(found.contains(part), "{found}");
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn without_root_it_says_what_to_do() {
    let all = checks(&run(xenscope(&["doctor", "--format", "json"]).uid(1000)));
    let (state, found) = check(&all, "rights");
    assert!(
        state == "blocked" && found.starts_with("UID 1000"),
        "{found}, {state}"
    );
    assert_eq!(check(&all, "xen").0, "ok");
    assert_eq!(check(&all, "interface").0, "-");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_missing_device_has_a_command() {
    fs::rename("/dev/xen/evtchn", "/dev/xen/away").unwrap();
    let said = say(&["doctor"]);
    fs::rename("/dev/xen/away", "/dev/xen/evtchn").unwrap();
    // Only traces need it.
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.contains("\nxen-evtchn: modprobe xen-evtchn\n"),
        "{said:?}"
    );
}
