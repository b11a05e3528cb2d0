//! `deploy`: what Prometheus' own tools say about it. `cargo lab test` brings these tools; without them, less is tested.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus")
}

fn text(name: &str) -> String {
    fs::read_to_string(deploy().join(name)).unwrap()
}

/// Runs one of Prometheus' tools in `deploy/prometheus`, if it is installed. Returns what it said.
fn tool(name: &str, arguments: &[&str]) -> Option<String> {
    let path = env::var_os("PATH").unwrap_or_default();
    if !env::split_paths(&path).any(|folder| folder.join(name).is_file()) {
        return None;
    }
    let said = Command::new(name)
        .args(arguments)
        .current_dir(deploy())
        .output()
        .unwrap();
    let messages = [said.stdout, said.stderr].concat();
    let messages = String::from_utf8_lossy(&messages).into_owned();
    assert!(said.status.success(), "{name} {arguments:?}: {messages}");
    Some(messages)
}

#[test]
fn prometheus_accepts_the_configuration() {
    if let Some(said) = tool("promtool", &["check", "config", "prometheus.yml"]) {
        // It finds the rules.
        assert!(said.contains("2 rule files found"), "{said}");
        // A rule that is defined twice is only a warning.
        let said = tool(
            "promtool",
            &["check", "rules", "recording.yml", "alerts.yml"],
        )
        .unwrap();
        assert!(!said.contains("duplicate"), "{said}");
    }
    tool("amtool", &["check-config", "alertmanager.yml"]);
}

#[test]
fn rules_compute_what_their_tests_say() {
    let tests = ["tests/recording.yml", "tests/alerts.yml"];
    tool("promtool", &[&["test", "rules"], &tests[..]].concat());
    let tests = tests.map(text).concat();
    let rules = text("recording.yml") + &text("alerts.yml");
    for kind in ["- record: ", "- alert: "] {
        for rule in rules
            .lines()
            .filter_map(|line| line.trim().strip_prefix(kind))
        {
            assert!(tests.contains(rule), "no test of {rule}");
        }
    }
}

#[test]
fn queries_use_metrics_and_rules_that_there_are() {
    let docs = include_str!("../../docs/metrics.md");
    let rules = text("recording.yml") + &text("alerts.yml");
    let lines = rules.lines();
    let of_rules = lines.filter(|line| !line.trim().starts_with(['#', '-']));
    let of_rules = of_rules.filter(|line| !line.contains("name: "));
    let dashboards = ["fleet", "host", "guest"];
    let dashboards = dashboards
        .map(|name| text(&format!("../grafana/{name}.json")))
        .concat();
    let of_dashboards = dashboards.lines().filter(|line| line.contains("\"expr\""));
    let words = of_rules
        .chain(of_dashboards)
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c)));
    let names: BTreeSet<&str> = words.filter(|word| word.contains("xen_")).collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let known = match name.contains(':') {
            true => rules.contains(&format!("- record: {name}\n")),
            false => docs.contains(&format!("| `{name}` |")),
        };
        assert!(known, "{name}");
    }
}

/// systemd 219, which XCP-ng 8.3 has, ignores what it does not know. A list of allowed system calls would be empty there,
/// because it knows no groups, and the last value of ProtectSystem is not the one that it uses.
#[test]
fn units_are_for_systemd_219_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd");
    for command in ["record", "export"] {
        let path = folder.join(format!("xenscope-{command}.service"));
        let unit = fs::read_to_string(path).unwrap();
        let values = |name: &str| {
            let start = format!("{name}=");
            let values = unit.lines().filter_map(|line| line.strip_prefix(&start));
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        let filters = values("SystemCallFilter");
        assert!(!filters.is_empty());
        assert!(
            filters.iter().all(|filter| filter.starts_with('~')),
            "{filters:?}"
        );
        assert_eq!(values("ProtectSystem"), ["full", "strict"]);
        let variable = format!("{}_OPTIONS", command.to_uppercase());
        assert_eq!(
            values("ExecStart"),
            [format!("/usr/bin/xenscope {command} ${variable}")]
        );
        let settings = fs::read_to_string(folder.join("xenscope.default")).unwrap();
        assert!(settings.contains(&format!("\n{variable}=\"")), "{variable}");
    }
}
