//! `xenscope doctor`: whether this host can be watched.

use serde::Serialize;

use super::json::object;
use super::table::{Align, Table};
use crate::doctor::{Check, State, is_ready};
use crate::fields::SCHEMA;
use crate::text::{UNKNOWN, safe};

/// Formats the checks as a table, then what to do as a list, and a line that sums up.
pub fn sections(checks: &[Check], width: Option<usize>) -> String {
    let heads = [
        ("CHECK", Align::Left),
        ("STATE", Align::Left),
        ("FOUND", Align::Left),
    ];
    let rows = checks.iter().map(|check| {
        let state = check.state.name().unwrap_or(UNKNOWN).to_owned();
        vec![
            check.name.to_owned(),
            state,
            safe(&check.found).into_owned(),
        ]
    });
    let mut out = Table::of(&heads, rows).render(width);
    for check in checks {
        if let Some(remedy) = &check.remedy {
            out.push_str(&format!("\n{}: {}", check.name, safe(remedy)));
        }
    }
    if checks.iter().any(|check| check.remedy.is_some()) {
        out.push('\n');
    }
    out.push_str(match is_ready(checks) {
        true if checks.iter().any(|check| check.state == State::Limited) => {
            "\nThis host can be watched, with less than there could be.\n"
        }
        true => "\nThis host can be watched.\n",
        false => "\nThis host cannot be watched.\n",
    });
    out
}

#[derive(Serialize)]
struct Record<'a> {
    schema: u32,
    ready: bool,
    checks: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    state: Option<&'a str>,
    found: &'a str,
    remedy: Option<&'a str>,
}

/// Formats the checks as one line of JSON.
pub fn json(checks: &[Check]) -> String {
    object(&Record {
        schema: SCHEMA,
        ready: is_ready(checks),
        checks: checks.iter().map(row).collect(),
    })
}

fn row(check: &Check) -> Row<'_> {
    Row {
        name: check.name,
        state: check.state.name(),
        found: &check.found,
        remedy: check.remedy.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &'static str, state: State, remedy: Option<&str>) -> Check {
        Check {
            name,
            state,
            found: format!("{name} as found"),
            remedy: remedy.map(str::to_owned),
        }
    }

    #[test]
    fn remedies_are_below_the_table() {
        let checks = [
            check("xen", State::Ok, None),
            check("evtchn", State::Limited, Some("modprobe xen-evtchn")),
            check("lockdown", State::Unknown, None),
        ];
        let lines = "\
CHECK     STATE    FOUND
xen       ok       xen as found
evtchn    limited  evtchn as found
lockdown  -        lockdown as found

evtchn: modprobe xen-evtchn

This host can be watched, with less than there could be.
";
        assert_eq!(sections(&checks, None), lines);
        let blocked = [check("xen", State::Blocked, None)];
        assert!(sections(&blocked, None).ends_with("\nThis host cannot be watched.\n"));
        assert!(sections(&checks[..1], None).ends_with("\nThis host can be watched.\n"));
    }

    #[test]
    fn json_has_null_for_what_is_unknown() {
        let checks = [
            check("xen", State::Blocked, Some("boot Xen")),
            check("lockdown", State::Unknown, None),
        ];
        let line = "{\"schema\":1,\"ready\":false,\"checks\":[\
            {\"name\":\"xen\",\"state\":\"blocked\",\"found\":\"xen as found\",\"remedy\":\"boot Xen\"},\
            {\"name\":\"lockdown\",\"state\":null,\"found\":\"lockdown as found\",\"remedy\":null}]}\n";
        assert_eq!(json(&checks), line);
    }
}
