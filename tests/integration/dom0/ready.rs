//! Ready time in samples: `top --ready`, the live view, `audit --ready`. dom0 has pCPU 0 for itself, the guests share
//! pCPU 1.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use super::attempts;
use super::export::Exporter;
use super::follow::Running;
use super::guest::{Burning, Paused};
use super::shells::Shells;
use super::waits::{NetBurns, Weights, until_traced};
use crate::command::{say, tool, xenscope, xenscope_path};
use crate::record::{Audit, Domain, Finding, Record, all};
use crate::terminal::OnTerminal;

/// Asserts that nobody left the trace on.
fn assert_switched_off() {
    say(&["waits", "pv-net", "--seconds", "0.3"]).fine();
}

/// Returns the samples of `top -b --ready` with this interval.
fn samples(seconds: &str, count: &str) -> Vec<Record> {
    let words = [
        "top", "-b", "--ready", "-v", "--format", "json", "-d", seconds, "-i", count,
    ];
    all(&say(&words).fine())
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn what_does_not_run_is_ready() {
    let _other = Paused::all(&["pv-disk"]);
    let _burning = Burning::start();
    let _net = NetBurns::start();
    let found = attempts(3, || {
        let found = samples("3", "3");
        for sample in &found[1..] {
            let ready = sample.host.ready_vcpus.unwrap();
            assert!((0.8..1.4).contains(&ready), "{sample:?}");
            for name in ["pv-burn", "pv-net"] {
                let domain = sample.domain(name);
                // The CPU use is by hypercalls, the ready time by the trace, a moment later.
                let sum = domain.cpu_percent.unwrap() + domain.ready_percent.unwrap();
                assert!((94.0..=106.0).contains(&sum), "{domain:?}");
            }
        }
        found
    });
    for sample in &found[1..] {
        assert_eq!(sample.host.trace_lost_ns, Some(0));
        assert!(sample.host.most_ready_vcpus >= Some(1));
        for name in ["pv-burn", "pv-net"] {
            let domain = sample.domain(name);
            assert_eq!(domain.throttled_percent, Some(0.0), "{domain:?}");
            assert!(domain.waits_per_second > Some(1.0) && domain.longest_wait_ns > Some(0));
            let vcpu = &domain.vcpus.as_ref().unwrap()[0];
            assert_eq!(vcpu.ready_percent, domain.ready_percent, "{domain:?}");
        }
        let paused = sample.domain("pv-disk");
        assert_eq!(paused.ready_percent, Some(0.0), "{paused:?}");
        assert!(paused.offline_percent > Some(99.0), "{paused:?}");
    }
    assert_switched_off();
}

/// The weights count only between those that burn: dom0 has a pCPU for itself, and the same weight as the lighter one,
/// because credit2 burns credit by the largest weight.
#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn shares_are_as_the_weights_say() {
    let _other = Paused::all(&["pv-disk"]);
    let _burning = Burning::start();
    let _net = NetBurns::start();
    let _weights = Weights::set(&[("Domain-0", "256"), ("pv-net", "256"), ("pv-burn", "512")]);
    attempts(3, || {
        let found = samples("6", "2");
        let (heavy, light) = (found[1].domain("pv-burn"), found[1].domain("pv-net"));
        let cpu = |domain: &Domain| domain.cpu_percent.unwrap();
        // Two to one, but an emulator that is short of CPU time runs one of them for long at a time.
        let ratio = cpu(heavy) / cpu(light);
        assert!((1.3..3.0).contains(&ratio), "{heavy:?} {light:?}");
        for domain in [heavy, light] {
            let ready = domain.ready_percent.unwrap();
            assert!((ready - (100.0 - cpu(domain))).abs() < 4.0, "{domain:?}");
        }
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn domains_come_and_go_while_they_are_traced() {
    let _burning = Burning::start();
    let words = ["top", "-b", "--ready", "--format", "json", "-d", "1"];
    let mut top = Running::start(xenscope(&words).stdout(Stdio::piped()));
    let mut lines = BufReader::new(top.stdout.take().unwrap()).lines();
    let mut until = |holds: &dyn Fn(&Record) -> bool| loop {
        let sample = Record::one(&(lines.next().unwrap().unwrap() + "\n"));
        if holds(&sample) {
            break sample;
        }
    };
    until(&|sample| sample.interval_ns.is_some());
    let shells = Shells::create(20, 2000, "");
    until(&|sample| sample.domains.len() > 20);
    drop(shells);
    until(&|sample| sample.domains.len() < 20);
    for _ in 0..2 {
        let sample = until(&|_| true);
        let burn = sample.domain("pv-burn");
        assert!(
            burn.ready_percent.is_some() && burn.blocked_percent.is_some(),
            "{burn:?}"
        );
        assert_eq!(sample.host.trace_lost_ns, Some(0));
    }
    tool("kill", &[&top.id().to_string()]);
    top.wait().unwrap();
    assert_switched_off();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_signal_ends_the_trace_first() {
    let audit = ["audit", "--ready", "--interval", "60"];
    let mut audit = Running::start(xenscope(&audit).stdout(Stdio::null()));
    until_traced(audit.id());
    tool("kill", &[&audit.id().to_string()]);
    assert_eq!(audit.wait().unwrap().code(), None);
    assert_switched_off();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let top = &["top", "-b", "--ready", "--format", "json", "-d", "1"][..];
    let record = &["record", "--ready", "--dir", folder];
    for (words, signal) in [
        (top, "-TERM"),
        (top, "-INT"),
        (top, "-QUIT"),
        (record, "-TERM"),
        (record, "-QUIT"),
    ] {
        let mut child = Running::start(xenscope(words).stdout(Stdio::null()));
        until_traced(child.id());
        tool("kill", &[signal, &child.id().to_string()]);
        assert_eq!(child.wait().unwrap().code(), None, "{words:?}");
        assert_switched_off();
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_live_view_says_who_suffers_and_why() {
    let _other = Paused::all(&["pv-disk"]);
    let _burning = Burning::start();
    let _net = NetBurns::start();
    for ends in ["q", "-TERM"] {
        let mut top = OnTerminal::start(&xenscope_path(), &["top", "-d", "1"], (140, 30));
        top.until("the guests", |screen| screen.contents().contains("pv-burn"));
        assert!(!top.look(|screen| screen.contents().contains("READY %")));
        top.press("w");
        top.until("unmeasured", |screen| {
            screen.contents().contains("R turns it on")
        });
        top.press("R");
        top.until("the worst", |screen| {
            let text = screen.contents();
            let waits = |name, other| {
                let mut lines = text.lines();
                lines.any(|line| line.contains(name) && line.contains(other))
            };
            waits(" pv-burn ", "for pv-net") && waits(" pv-net ", "for pv-burn")
        });
        top.press("\r");
        top.until("its page", |screen| screen.contents().contains("! ready "));
        top.press("\u{1b}");
        top.until("the columns", |screen| {
            screen.contents().contains("READY %")
        });
        match ends {
            "q" => {
                top.press("q");
                assert!(top.ended().success());
            }
            signal => {
                tool("kill", &[signal, &top.pid().to_string()]);
                top.ended();
            }
        }
        assert_switched_off();
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_trace_agrees_with_cpu_time() {
    let _burning = Burning::start();
    let _net = NetBurns::start();
    sleep(Duration::from_secs(1));
    let words = [
        "audit",
        "--ready",
        "--interval",
        "3",
        "--samples",
        "3",
        "--format",
        "json",
    ];
    // While the clocks of the pCPUs differ, it may be a warning.
    let agrees = (0..2).any(|_| {
        let reports: Vec<Audit> = all(&say(&words).fine());
        let found = reports.iter().map(|report| report.of("cpu.trace"));
        // The sum, and at least one vCPU of each domain.
        let compared = |one: &Finding| one.verdict != "failed" && one.comparisons >= 5;
        assert!(found.clone().all(compared), "{reports:?}");
        found.clone().any(|one| one.verdict == "ok")
    });
    assert!(agrees);
    let words = ["audit", "--format", "json"];
    let report: Vec<Audit> = all(&say(&words).stdout);
    assert!(
        report[0]
            .findings
            .iter()
            .all(|found| found.check != "cpu.trace")
    );
}

/// Returns the value of a series of which the text has these words.
fn value(text: &str, words: [&str; 2]) -> f64 {
    let line = text
        .lines()
        .find(|line| line.starts_with(words[0]) && line.contains(words[1]));
    let line = line.unwrap_or_else(|| panic!("{words:?} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_exporter_counts_ready_time() {
    let _other = Paused::all(&["pv-disk"]);
    let _burning = Burning::start();
    let _net = NetBurns::start();
    let mut exporter = Exporter::start(&["--collector.ready"]);
    until_traced(exporter.sampler.id());
    let scrape = || {
        sleep(Duration::from_secs(4));
        Exporter::scrape()
    };
    let (first, last) = (scrape(), scrape());
    let moved = |words| value(&last, words) - value(&first, words);
    // It is paused, and has two vCPUs.
    let interval = moved(["xen_domain_offline_seconds_total{", "\"pv-disk\""]) / 2.0;
    assert!(interval > 3.0, "{interval}");
    for name in ["\"pv-burn\"", "\"pv-net\""] {
        let ready = moved(["xen_domain_ready_seconds_total{", name]);
        let ran = moved(["xen_domain_cpu_seconds_total{", name]);
        assert!(ready > 0.1 * interval, "{name}: {ready} of {interval}");
        let share = (ready + ran) / interval;
        assert!((0.9..1.1).contains(&share), "{name}: {share}");
    }
    assert_eq!(moved(["xen_host_trace_lost_seconds_total", ""]), 0.0);
    tool("kill", &[&exporter.sampler.id().to_string()]);
    exporter.ended();
    assert_switched_off();
    // The server ends first.
    let mut exporter = Exporter::start(&["--collector.ready"]);
    until_traced(exporter.sampler.id());
    tool("kill", &["-KILL", &exporter.server.to_string()]);
    assert_eq!(exporter.ended().code(), Some(1));
    assert_switched_off();
    let words = ["export", "--textfile", "/tmp/ready.prom", "--interval", "1"];
    let words = [&words[..], &["--collector.ready"]].concat();
    let mut textfile = Running::start(&mut xenscope(&words));
    until_traced(textfile.id());
    tool("kill", &[&textfile.id().to_string()]);
    assert_eq!(textfile.wait().unwrap().code(), None);
    assert_switched_off();
}
