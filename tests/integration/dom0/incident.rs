//! A bad minute, looked for afterwards: `record --ready --vcpus`, and the commands that look back.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use tempfile::tempdir;

use super::attempts;
use super::follow::Running;
use super::guest::{Burning, Guest};
use super::recordings::{samples, stop, until_recorded};
use super::shells::Shells;
use super::waits::{NetBurns, percent, vcpu, waited_for};
use crate::command::{say, tool, xenscope};
use crate::record::Domain;

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_bad_minute_is_found_afterwards() {
    let folder = tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let words = [
        "record",
        "--dir",
        path,
        "--interval",
        "0.5",
        "--ready",
        "--vcpus",
    ];
    let mut recorder = Running::start(xenscope(&words).stderr(Stdio::piped()));
    {
        let _burning = Burning::start();
        let _net = NetBurns::start();
        let settings = format!(":name=again:uuid={}", "3f".repeat(16));
        attempts(3, || {
            let before = Shells::create(1, 3300, &settings);
            // Some samples have to see it, and then why it ends; after ten seconds, it is another domain.
            sleep(Duration::from_secs(2));
            tool("lab-shells", &["shutdown", "3300", "1"]);
            sleep(Duration::from_secs(2));
            drop(before);
            let _again = Shells::create(1, 3301, &settings);
            until_recorded(path, "rebooted", "again");
        });
        let crash = "echo 1 >/proc/sys/kernel/sysrq\necho c >/proc/sysrq-trigger";
        let _crashed = Guest::start("test-crash", crash, &[]);
        until_recorded(path, "crashed", "test-crash");
    }
    stop(&mut recorder);

    let samples = samples(path, &[]);
    let domains = |name: &'static str| {
        let all = samples.iter().flat_map(|sample| {
            let domains = sample.domains.iter();
            domains.map(|domain| (sample.time, domain))
        });
        all.filter(move |(_, domain)| domain.name.as_deref() == Some(name))
    };
    let most = |name, figure: fn(&Domain) -> Option<f64>| {
        let figures = domains(name).filter_map(|(time, domain)| Some((time, figure(domain)?)));
        figures
            .max_by(|one, other| one.1.total_cmp(&other.1))
            .unwrap()
    };
    let (worst, ready) = most("pv-burn", |domain| domain.ready_percent);
    assert!(ready > 25.0, "{ready}");
    let read = |domain: &Domain| domain.disks.as_ref()?.first()?.read_bytes_per_second;
    assert!(most("pv-disk", read).1 > 0.0);
    let received = |domain: &Domain| domain.nics.as_ref()?.first()?.rx_bytes_per_second;
    assert!(most("pv-net", received).1 > 0.0);

    // Who waited, and for whom: over the whole time, and in the worst sample.
    let words = ["waits", "--from", path, "--format", "json"];
    let found = serde_json::from_str(&say(&words).stdout).unwrap();
    let burn = vcpu(&found, "pv-burn");
    assert!(percent(burn, "ready_percent") > 5.0, "{burn}");
    assert!(waited_for(burn, "pv-net") > 30.0, "{burn}");
    let status = say(&[
        "status",
        "pv-burn",
        "--from",
        path,
        "--at",
        &worst.to_string(),
    ]);
    let why = "suffers   ready ";
    assert!(status.stdout.contains(why), "{status:?}");
    // The page has all of it.
    let page = say(&["report", "--from", path, "-o", "-"]).stdout;
    for found in [
        "<td>crashed</td>",
        "<td>rebooted, was domain 3300</td>",
        "pv-burn",
        "ready ",
    ] {
        assert!(page.contains(found), "no {found} in {page}");
    }
}
