//! Debian itself as dom0: systemd, Debian's Xen packages with their wrapper and init scripts, and a bridge by ifupdown.
//! The lab boots it for these tests alone.

use std::fs;

use serde_json::Value;

use super::compare::xentop_shows_domains_twice;
use super::guest::Burning;
use super::quiet;
use crate::command::{say, tool};
use crate::record::{Audit, Record, all};

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn systemd_has_started_xens_daemons() {
    for unit in ["xen.service", "lab.service"] {
        let state = tool("systemctl", &["is-active", unit]);
        assert_eq!(state, "active\n", "{unit}");
    }
    // What compare has to run is not a program of Xen but a wrapper that looks at its own name.
    let link = fs::read_link("/usr/sbin/xl").unwrap();
    assert!(link.ends_with("xen-utils-wrapper"), "{}", link.display());
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn debians_own_xl_and_xentop_agree() {
    let _burning = Burning::start();
    let said = say(&["compare", "--samples", "2", "--format", "json"]);
    assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{said:?}");
    let reports = said.stdout.lines().map(serde_json::from_str::<Value>);
    let reports: Vec<Value> = reports.collect::<Result<_, _>>().unwrap();
    let paths: Vec<&str> = reports
        .iter()
        .filter_map(|report| report["path"].as_str())
        .collect();
    assert_eq!(paths, ["/usr/sbin/xentop", "/usr/sbin/xl"].repeat(2));
    for report in &reports {
        assert_eq!(report["agrees"], true, "{report}");
        let figures = report["comparison"]["figures"].as_array().unwrap();
        let names = figures.iter().filter_map(|figure| figure["name"].as_str());
        let names: std::collections::BTreeSet<&str> = names.collect();
        assert!(names.is_superset(&["Domain-0", "pv-burn", "pv-disk", "pv-net"].into()));
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn all_commands_work() {
    let list = say(&["list"]).fine();
    for name in ["Domain-0", "pv-net", "pv-disk", "pv-burn"] {
        assert!(list.contains(name), "{list}");
    }
    let text = say(&["status", "pv-net", "--interval", "0.5", "--format", "json"]).fine();
    let guest = all::<Record>(&text).remove(0).domains.remove(0);
    let nic = &guest.nics.unwrap()[0];
    assert_eq!(nic.device, format!("vif{}.0", guest.id));
    assert!(nic.rx_bytes > Some(0), "{nic:?}");
    let text = say(&["audit", "--interval", "1", "--format", "json"]).fine();
    let report = all::<Audit>(&text).remove(0);
    assert_eq!(report.wrong(), [], "{report:?}");
    say(&["host"]).fine();
    say(&["vcpus"]).fine();
    let blocks = say(&["top", "-b", "-i", "2", "-d", "0.5"]).fine();
    assert_eq!(blocks.matches("pv-disk").count(), 2, "{blocks}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn audits_of_a_changing_host_do_not_fail() {
    quiet::audits_while(quiet::KINDS, quiet::changes);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn what_debians_xentop_gets_wrong_is_named() {
    xentop_shows_domains_twice();
}
