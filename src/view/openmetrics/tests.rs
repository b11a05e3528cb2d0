//! Tests of whole expositions, with parsers that others wrote.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use openmetrics_parser::openmetrics::parse_openmetrics;
use openmetrics_parser::prometheus::parse_prometheus;
use uuid::Uuid;

use super::metric::{Prefix, information, metrics};
use super::scrape::{BUILD, DISK, DOM0, DOMAIN, HOST, NIC, NODE, PCPU, POOL, VCPU};
use super::*;
use crate::audit::Auditor;
use crate::fields::Thing;
use crate::fixtures::{at_work, audited, disk, domain, equipped, nic, snapshot, vcpu};
use crate::sample::{
    DiskSample, Dom0Sample, DomainSample, HostSample, NicSample, PcpuSample, VcpuSample,
};
use crate::snapshot::{Build, DomId, Node, Note, Pool, ShutdownReason, Snapshot, StateTimes};

const ALL: Series = Series {
    vcpus: true,
    ready: true,
    no_nics: false,
    no_disks: false,
    no_pcpus: false,
};

fn scrape(snapshot: &Snapshot, series: Series) -> Exposition {
    let scrape = Scrape {
        snapshot,
        took: Some(Duration::from_millis(12)),
        report: None,
        series,
    };
    scrape.exposition()
}

/// Returns an exposition's text in both formats. Asserts that the parsers accept them.
fn texts(exposition: &Exposition) -> (String, String) {
    let open = exposition.text(Format::OpenMetrics);
    let classic = exposition.text(Format::Classic);
    let parsed = parse_openmetrics(&open).unwrap_or_else(|error| panic!("{error}"));
    let old = parse_prometheus(&classic).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(parsed.families.len(), exposition.families.len());
    assert_eq!(old.families.len(), exposition.families.len());
    assert_unique(&open, &classic);
    (open, classic)
}

/// Asserts that both formats have the same samples, and no series twice.
fn assert_unique(open: &str, classic: &str) {
    let samples = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    let all = samples(open);
    assert_eq!(all, samples(classic));
    let series = all.iter().map(|line| line.rsplit_once(' ').unwrap().0);
    let unique: BTreeSet<&str> = series.clone().collect();
    assert_eq!(unique.len(), series.count(), "a series is there twice");
}

/// Compares a text with a file of tests/golden.
fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == golden,
        "{} differs. If that is intended, its new text is:\n{text}",
        path.display()
    );
}

#[test]
fn both_formats_have_every_figure() {
    let (_, snapshot) = equipped();
    let (open, classic) = texts(&scrape(&snapshot, ALL));
    compare("metrics.openmetrics", &open);
    compare("metrics.prom", &classic);
}

#[test]
fn hostile_names_stay_values() {
    for name in [
        "a\"} 1\nxen_up 0",
        "\\",
        "\\\"",
        "a,domid=\"7\"",
        "\x1b[2J\u{202e}\u{0}\r",
        "漢 ä {}=,#",
        "",
    ] {
        let mut web = domain(5, name, 0, 7);
        web.disks = Some(vec![disk(51712, 1, 2)]);
        let plain = scrape(&snapshot(1, 0, vec![domain(5, "web", 0, 7)]), ALL);
        let hostile = scrape(&snapshot(1, 0, vec![web]), ALL);
        let (open, _) = texts(&hostile);
        assert!(!open.contains(['\x1b', '\u{202e}', '\r', '\0']), "{open:?}");
        let info = parse_openmetrics(&open).unwrap();
        let info = &info.families["xen_domain"];
        let labels = |label: &str| {
            let sample = info.iter_samples().next().unwrap();
            let labels = sample.get_labelset().unwrap();
            labels.get_label_value(label).unwrap_or_default().to_owned()
        };
        assert_eq!(labels("name"), crate::text::safe(name));
        assert_eq!(labels("domid"), "5", "{name}");
        let lines = |all: &Exposition| all.families[1].samples.lines().count();
        assert_eq!(lines(&hostile), lines(&plain));
    }
}

#[test]
fn equal_domains_and_devices_are_told_apart() {
    let twin = |id| {
        let mut twin = domain(id, "web", 0, u64::from(id));
        twin.uuid = Uuid::nil();
        twin.vcpus = Some(vec![vcpu(0, 0, 1)]);
        twin.nics = Some(vec![nic(0, 1, 2), nic(0, 1, 2)]);
        twin.nics.as_mut().unwrap()[1].backend_domain = DomId(3);
        twin.disks = Some(vec![disk(51712, 1, 2), disk(768, 3, 4)]);
        twin
    };
    let all = scrape(&snapshot(1, 0, vec![twin(5), twin(6), twin(7)]), ALL);
    let (open, _) = texts(&all);
    let nil = "uuid=\"00000000-0000-0000-0000-000000000000\",name=\"web\"";
    for series in [
        format!("xen_domain_cpu_seconds_total{{{nil},domid=\"\"}} 0.000000005\n"),
        format!("xen_domain_cpu_seconds_total{{{nil},domid=\"6\"}} 0.000000006\n"),
        format!(
            "xen_domain_disk_read_bytes_total{{{nil},domid=\"7\",disk=\"xvda\",id=\"768\"}} 3\n"
        ),
        format!(
            "xen_domain_nic_rx_bytes_total{{{nil},domid=\"\",nic=\"0\",backend_domid=\"3\"}} 1\n"
        ),
    ] {
        assert!(open.contains(&series), "no {series}: {open}");
    }
}

#[test]
fn a_domain_keeps_its_series_when_its_uuid_is_overwritten() {
    let mut web = domain(5, "web", 0, 7);
    let own = web.uuid;
    web.first_uuid = Some(own);
    web.uuid = Uuid::from_u128(0xdead);
    let (open, _) = texts(&scrape(&snapshot(1, 0, vec![web]), ALL));
    assert!(
        open.contains(&format!("{{uuid=\"{own}\",name=\"web\"}}")),
        "{open}"
    );
}

#[test]
fn four_thousand_domains_are_valid() {
    // The parsers compare each sample with each other one.
    texts(&scrape(&at_work(100).1, ALL));
    let all = scrape(&at_work(4000).1, Series::default());
    let open = all.text(Format::OpenMetrics);
    assert_unique(&open, &all.text(Format::Classic));
    let count = |start: &str| open.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("xen_domain_info{"), 4000);
    assert_eq!(count("xen_domain_cpu_seconds_total{"), 4000);
    assert_eq!(count("xen_domain_nic_rx_bytes_total{"), 8000);
}

#[test]
fn unknown_values_have_no_sample() {
    let mut web = domain(5, "web", 0, 7);
    web.memory_target_bytes = None;
    web.states.shutdown = Some(ShutdownReason::Other(77));
    web.nics = Some(vec![nic(0, 1, 2)]);
    web.nics.as_mut().unwrap()[0].counters = Default::default();
    web.memory_max_bytes = None;
    let mut snapshot = snapshot(1, 0, vec![web]);
    snapshot.host.pcpu[1].idle_time_ns = None;
    let (open, _) = texts(&scrape(&snapshot, ALL));
    for absent in [
        "memory_target",
        "xen_domain_shutdown_reason",
        "nic_rx_bytes",
        "disk",
        "null",
        "-\n",
    ] {
        assert!(!open.contains(absent), "{absent}: {open}");
    }
    for present in [
        "xen_domain_nic_info{",
        "xen_pcpu_online{pcpu=\"1\"} 0\n",
        "xen_pcpu_idle_seconds_total{pcpu=\"0\"} 0\n",
        // No limit is no unknown one.
        "name=\"web\"} +Inf\n",
        "name=\"web\",xen_domain_state=\"shutdown\"} 1\n",
        "name=\"web\",xen_domain_state=\"crashed\"} 0\n",
    ] {
        assert!(open.contains(present), "{present}: {open}");
    }
    assert!(
        !open.contains("pcpu_idle_seconds_total{pcpu=\"1\"}"),
        "{open}"
    );
}

#[test]
fn switches_leave_series_out() {
    let (_, snapshot) = equipped();
    let none = Series {
        vcpus: false,
        ready: false,
        no_nics: true,
        no_disks: true,
        no_pcpus: true,
    };
    let (open, _) = texts(&scrape(&snapshot, none));
    for absent in [
        "xen_domain_vcpu_",
        "xen_domain_nic",
        "xen_domain_disk",
        "xen_pcpu",
    ] {
        assert!(!open.contains(absent), "{absent}");
        assert!(
            scrape(&snapshot, ALL)
                .text(Format::Classic)
                .contains(absent),
            "{absent}"
        );
    }
    let collect = none.collect();
    assert!(!collect.nics && !collect.disks && !collect.vcpus && !collect.driver_domains);
    assert!(!collect.state_times && ALL.collect().state_times);
}

#[test]
fn times_of_the_trace_are_counters() {
    let (_, mut snapshot) = equipped();
    let mut domains = snapshot.domains.iter_mut();
    let web = domains.find(|one| one.id == DomId(5)).unwrap();
    web.state_times = Some(StateTimes {
        ready_ns: 1_500_000_000,
        blocked_ns: 20_000_000,
        waits: 7,
        longest_wait_ns: 8,
        ..StateTimes::default()
    });
    let (open, _) = texts(&scrape(&snapshot, ALL));
    let of_web = "{uuid=\"00000000-0000-0000-0000-000000000006\",name=\"web\"}";
    for (name, value) in [
        ("ready_seconds_total", "1.5"),
        ("blocked_seconds_total", "0.02"),
        ("offline_seconds_total", "0"),
        ("waits_total", "7"),
    ] {
        let line = format!("\nxen_domain_{name}{of_web} {value}\n");
        assert!(open.contains(&line), "{line} {open}");
    }
    // What is since the last sample depends on who asked for that.
    assert!(!open.contains("longest_wait"), "{open}");
}

#[test]
fn the_audits_worst_verdict_is_exported() {
    let at = |second: u64| {
        let mut snapshot = audited(second * 1_000_000_000);
        snapshot.domains[1].xenstore_uuid = Some(Uuid::nil());
        snapshot
    };
    let (first, second) = (at(1), at(2));
    let report = Auditor::new(first).audit(second.clone()).unwrap();
    let with_report = Scrape {
        snapshot: &second,
        took: Some(Duration::ZERO),
        report: Some(&report),
        series: ALL,
    };
    let (open, _) = texts(&with_report.exposition());
    for (check, verdict) in [
        ("cpu.conservation", "ok"),
        ("identity.uuids", "failed"),
        ("cpu.cap", "skipped"),
    ] {
        for word in ["failed", "warning", "ok", "skipped"] {
            let value = u8::from(word == verdict);
            let sample = format!(
                "xen_audit_verdict{{check=\"{check}\",xen_audit_verdict=\"{word}\"}} {value}\n"
            );
            assert!(open.contains(&sample), "no {sample}: {open}");
        }
    }
}

#[test]
fn stale_names_are_marked() {
    let mut snapshot = snapshot(1, 0, vec![domain(5, "web", 0, 7)]);
    let up = |snapshot: &Snapshot| {
        texts(&scrape(snapshot, ALL))
            .0
            .contains("\nxen_xenstore_up 1\n")
    };
    assert!(up(&snapshot));
    snapshot.notes.push(Note::XenstoreBack { blind_ns: 5 });
    assert!(up(&snapshot));
    snapshot.notes.push(Note::XenstoreDown("stopped".into()));
    assert!(!up(&snapshot));
}

#[test]
fn without_a_sample_it_says_so() {
    let (open, classic) = texts(&Exposition::down());
    let version = env!("CARGO_PKG_VERSION");
    assert!(open.contains("\nxen_up 0\n") && classic.contains("\nxen_up 0\n"));
    assert!(open.ends_with(&format!(
        "xenscope_build_info{{version=\"{version}\"}} 1\n# EOF\n"
    )));
}

/// Runs Prometheus' own check where it is installed. `cargo lab test` brings it.
#[test]
fn promtool_finds_no_fault() {
    let path = env::var_os("PATH").unwrap_or_default();
    if !env::split_paths(&path).any(|folder| folder.join("promtool").is_file()) {
        return;
    }
    let (_, snapshot) = equipped();
    let all = [
        scrape(&snapshot, ALL),
        Exposition::down(),
        scrape(&at_work(400).1, ALL),
    ];
    for exposition in all {
        let text = exposition.text(Format::Classic);
        let promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut promtool = promtool.unwrap();
        promtool
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let said = promtool.wait_with_output().unwrap();
        let messages = [said.stdout, said.stderr].concat();
        let messages = String::from_utf8_lossy(&messages);
        assert!(said.status.success() && messages.is_empty(), "{messages}");
    }
}

/// Returns a row of docs/metrics.md.
fn row(family: &Family, labels: &str) -> String {
    let (name, help) = family.classic.split_once('\n').unwrap().0[7..]
        .split_once(' ')
        .unwrap();
    let kind = family
        .open_metrics
        .lines()
        .next()
        .unwrap()
        .rsplit(' ')
        .next()
        .unwrap();
    let kind = if kind == "stateset" {
        "state set"
    } else {
        kind
    };
    format!("| `{name}` | {kind} | {labels} | {help} |\n")
}

/// Returns the rows of a kind of thing, and then that of its information.
fn rows<T: Thing>(prefix: Prefix, identity: &str) -> String {
    let metrics = metrics::<T>(prefix).map(|metric| row(&metric.family(), identity));
    let mut rows: String = metrics.collect();
    let names: Vec<String> = information::<T>()
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if !names.is_empty() {
        let identity = if identity.is_empty() {
            String::new()
        } else {
            format!("{identity}, ")
        };
        rows += &row(
            &prefix.information(),
            &format!("{identity}{}", names.join(", ")),
        );
    }
    rows
}

#[test]
fn the_docs_list_every_metric() {
    let mut snapshot = audited(1);
    snapshot.domains.clear();
    let report = Auditor::new(snapshot.clone())
        .audit(snapshot.clone())
        .unwrap();
    let own = Scrape {
        snapshot: &snapshot,
        took: Some(Duration::ZERO),
        report: Some(&report),
        series: Series {
            no_pcpus: true,
            ..ALL
        },
    };
    let mut table = String::from("| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for family in own.exposition().families {
        let name = family.classic[7..].split(' ').next().unwrap();
        let labels = match name {
            "xenscope_build_info" => "`version`",
            "xen_audit_verdict" => "`check`",
            "xen_build_info" => break,
            _ => "",
        };
        table += &row(&family, labels);
    }
    let of_domain = |more: &str| format!("`uuid`, `name`{more}");
    table += &[
        rows::<Build>(BUILD, "`version`"),
        rows::<HostSample<'_>>(HOST, ""),
        rows::<PcpuSample<'_>>(PCPU, "`pcpu`"),
        rows::<Node>(NODE, "`node`"),
        rows::<Pool>(POOL, "`pool`"),
        rows::<Dom0Sample<'_>>(DOM0, ""),
        rows::<DomainSample<'_>>(DOMAIN, &of_domain("")),
        rows::<VcpuSample<'_>>(VCPU, &of_domain(", `vcpu`")),
        rows::<NicSample<'_>>(NIC, &of_domain(", `nic`")),
        rows::<DiskSample<'_>>(DISK, &of_domain(", `disk`")),
    ]
    .concat();
    let docs = include_str!("../../../docs/metrics.md");
    assert!(
        docs.ends_with(&table),
        "docs/metrics.md has to end with\n{table}"
    );
}
