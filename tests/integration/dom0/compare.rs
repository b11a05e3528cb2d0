//! `xenscope compare` with the real tools and with broken ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::bridge::Bridge;
use super::guest::Burning;
use super::shells::Shells;
use crate::command::{Said, run, say, tool, xenscope};

/// Returns the reports that `compare` printed.
fn reports(said: &Said) -> Vec<Value> {
    assert_eq!(said.stderr, "", "{said:?}");
    let lines = said.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Returns a report's figure for a column of a domain.
fn figure<'a>(report: &'a Value, name: &str, column: &str) -> &'a Value {
    let figures = report["comparison"]["figures"].as_array().unwrap();
    let found = figures
        .iter()
        .find(|figure| figure["name"] == name && figure["column"] == column);
    found.unwrap_or_else(|| panic!("no {column} of {name}: {report}"))
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn on_a_bridge_xentop_and_xl_agree() {
    let _bridge = Bridge::over_all_guests();
    let _burning = Burning::start();
    let said = say(&["compare", "--samples", "2", "--format", "json"]);
    let reports = reports(&said);
    assert_eq!(said.code, Some(0), "{said:?}");
    let tools: Vec<&Value> = reports.iter().map(|report| &report["tool"]).collect();
    assert_eq!(tools, ["xentop", "xl", "xentop", "xl"]);
    for report in &reports {
        let path = report["path"].as_str().unwrap();
        let xen = std::env::var("XENSCOPE_LAB_XEN").unwrap();
        // What PATH has may be a link to the tool of this Xen.
        let tool = std::fs::canonicalize(path).unwrap();
        let tool = tool.to_str().unwrap();
        assert!(tool.contains(&format!("xen-{xen}")), "{path} is {tool}");
        assert_eq!(report["agrees"], true);
        let names = ["Domain-0", "pv-net", "pv-disk", "pv-burn"];
        let column = if report["tool"] == "xl" {
            "Time(s)"
        } else {
            "CPU(sec)"
        };
        for name in names {
            assert_eq!(figure(report, name, column)["verdict"], "agrees");
        }
    }
    let sent = figure(&reports[0], "pv-net", "NETRX(k)");
    assert!(sent["theirs"].as_str().unwrap().parse::<u64>().unwrap() > 10);
    let read = figure(&reports[0], "pv-disk", "VBD_RSECT");
    assert!(read["theirs"].as_str().unwrap().parse::<u64>().unwrap() > 1000);

    let table = say(&["compare", "--with", "xl", "--all"]).fine();
    assert!(
        table.contains(": agrees; ") && table.contains("Time(s)"),
        "{table}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn without_a_bridge_xentop_misses_nics() {
    let said = say(&["compare", "--format", "json"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let reports = reports(&said);
    let nics = figure(&reports[0], "pv-net", "NETS");
    assert_eq!(
        (&nics["theirs"], &nics["before"], &nics["verdict"]),
        (&"0".into(), &"1".into(), &"differs".into())
    );
    assert_eq!(
        figure(&reports[0], "pv-net", "CPU(sec)")["verdict"],
        "agrees"
    );
    assert_eq!(reports[1]["agrees"], true, "{}", reports[1]);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn with_gaps_in_ids_xentop_shows_domains_twice() {
    xentop_shows_domains_twice();
}

/// Asserts that `compare` names exactly the domains that xentop shows twice.
pub fn xentop_shows_domains_twice() {
    // xentop asks for 256 domains at a time: of these 304 it gets all up to 1351, and continues
    // with ID 256.
    let _near = Shells::create(200, 60, "");
    let _far = Shells::create(100, 1300, "");
    let said = say(&["compare", "--with", "xentop", "--format", "json"]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let report = &reports(&said)[0];
    let repeated = report["comparison"]["repeated"].as_array().unwrap();
    let twice = repeated.iter().filter(|domain| domain["rows"] == 2);
    let ids: Vec<u64> = twice.map(|domain| domain["id"].as_u64().unwrap()).collect();
    let expected: Vec<u64> = (256..260).chain(1300..1352).collect();
    assert_eq!(ids, expected);
    assert_eq!(report["comparison"]["missing"].as_array().unwrap().len(), 0);
    let block = say(&["top", "-b", "-i", "1"]).fine();
    // A heading, the lab's guests and dom0.
    assert_eq!(block.lines().count(), 1 + 4 + 300, "{block}");
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn broken_tools_get_their_own_verdicts() {
    let folder = std::env::temp_dir().join("not-xentop");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("xentop");
    let compare = |script: &str, words: &[&str]| {
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let said = run(xenscope(&["compare", "--with", "xentop"])
            .args(words)
            .env("PATH", &folder));
        assert_eq!((said.code, &*said.stderr), (Some(1), ""), "{said:?}");
        said.stdout
    };
    let place = format!("xentop ({})", path.display());
    for (script, what) in [
        ("kill -SEGV $$", "was killed by signal 11 (it crashed)"),
        ("echo sorry >&2; exit 7", "failed with exit code 7: sorry"),
        ("echo NAME and more", "printed an unknown layout: line 1"),
    ] {
        let text = compare(script, &[]);
        assert!(text.starts_with(&place) && text.contains(what), "{text}");
    }
    let hung = "[ $1 = -V ] || exec /usr/bin/sleep 1000";
    let text = compare(hung, &["--time-limit", "1"]);
    assert!(text.contains("timed out after 1 s"), "{text}");
    // It was also killed.
    let left = tool("ps", &["-o", "args"]);
    assert!(!left.contains("sleep 1000"), "{left}");

    fs::remove_dir_all(&folder).unwrap();
    let text = run(xenscope(&["compare", "--with", "xentop"]).env("PATH", "/nowhere"));
    assert_eq!(text.code, Some(1));
    assert!(text.stdout.contains("is not in PATH"), "{text:?}");
}
