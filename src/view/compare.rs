//! `xenscope compare`: another tool's figures next to those of xenscope.

use serde::Serialize;

use super::json::object;
use super::table::{Align, Table};
use crate::compare::{Comparison, DomainRef, Figure, Report, Tool, Verdict};
use crate::fields::SCHEMA;
use crate::text::{UNKNOWN, safe};

/// Formats a report: a line about the run, a line for each domain that is missing or should not be
/// there, and a line for each figure that differs, or for `all`. It is at most `width` columns wide if names can be
/// shortened.
pub fn sections(report: &Report, all: bool, width: Option<usize>) -> String {
    let program = report.path.as_ref().map_or_else(String::new, |path| {
        format!(" ({})", safe(&path.to_string_lossy()))
    });
    let version = report
        .version
        .as_deref()
        .map_or_else(String::new, |text| format!(", version {}", safe(text)));
    let name = report.tool.name();
    let mut out = format!("{name}{program}{version}: ");
    match &report.result {
        Err(trouble) => out.push_str(&format!("it {}\n", safe(&trouble.to_string()))),
        Ok(comparison) => {
            out.push_str(&summary(comparison));
            for line in domains(comparison) {
                out.push_str(&format!("{name} {line}\n"));
            }
            let table = figures(comparison, all);
            if !table.is_empty() {
                out.push('\n');
                out.push_str(&table.render(width));
            }
        }
    }
    out
}

fn summary(comparison: &Comparison) -> String {
    format!(
        "{}; {} figures agree, {} differ, {} not known\n",
        if comparison.agrees() {
            "agrees"
        } else {
            "DIFFERS"
        },
        comparison.count(Verdict::Agrees),
        comparison.count(Verdict::Differs),
        comparison.count(Verdict::NotKnown)
    )
}

/// Returns a clause for each domain that is missing or should not be there.
fn domains(comparison: &Comparison) -> Vec<String> {
    let missing = comparison.missing.iter();
    let repeated = comparison.repeated.iter();
    let invented = comparison.invented.iter();
    let ambiguous = comparison.ambiguous.iter();
    missing
        .map(|domain| format!("misses {}", label(domain)))
        .chain(repeated.map(|it| format!("shows {} {} times", label(&it.domain), it.rows)))
        .chain(invented.map(|name| format!("shows '{}', which is not a domain", safe(name))))
        .chain(ambiguous.map(|name| {
            let name = safe(name);
            format!("has no IDs, and several domains have the name '{name}': not compared")
        }))
        .collect()
}

fn label(domain: &DomainRef) -> String {
    match &domain.name {
        Some(name) => format!("domain {} ('{}')", domain.id, safe(name)),
        None => format!("domain {} (without a name)", domain.id),
    }
}

fn figures(comparison: &Comparison, all: bool) -> Table {
    let mut table = Table::new(&[
        ("ID", Align::Right),
        ("NAME", Align::Yielding),
        ("COLUMN", Align::Left),
        ("OURS BEFORE", Align::Right),
        ("THEIRS", Align::Right),
        ("OURS AFTER", Align::Right),
        ("VERDICT", Align::Left),
    ]);
    let is_shown = |figure: &&Figure| all || figure.verdict == Verdict::Differs;
    for figure in comparison.figures.iter().filter(is_shown) {
        let name = figure.domain.name.as_deref().unwrap_or(UNKNOWN);
        table.row(vec![
            figure.domain.id.to_string(),
            safe(name).into_owned(),
            figure.column.to_owned(),
            figure.before.clone(),
            figure.theirs.clone(),
            figure.after.clone(),
            word(figure.verdict).to_owned(),
        ]);
    }
    table
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "agrees",
        Verdict::Differs => "DIFFERS",
        Verdict::NotKnown => "not known",
    }
}

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    time: jiff::Timestamp,
    tool: Tool,
    path: Option<String>,
    version: Option<&'a str>,
    agrees: bool,
    trouble: Option<String>,
    comparison: Option<&'a Comparison>,
}

/// Formats the report as one line of JSON.
pub fn line(report: &Report) -> String {
    let result = report.result.as_ref();
    object(&Line {
        schema: SCHEMA,
        time: report.time,
        tool: report.tool,
        path: report
            .path
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned()),
        version: report.version.as_deref(),
        agrees: report.agrees(),
        trouble: result.err().map(ToString::to_string),
        comparison: result.ok(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compare::{Row, Trouble, compare_rows};
    use crate::fixtures::{SECOND, domain, snapshot};
    use crate::snapshot::DomId;

    fn report(result: Result<Comparison, Trouble>) -> Report {
        Report {
            tool: Tool::Xl,
            path: Some("/usr/sbin/xl".into()),
            version: None,
            time: jiff::Timestamp::UNIX_EPOCH,
            result,
        }
    }

    #[test]
    fn each_figure_has_a_line() {
        let before = snapshot(
            0,
            0,
            vec![domain(5, "web\x1b", 0, SECOND), domain(6, "db", 0, 0)],
        );
        let row = Row {
            id: Some(DomId(5)),
            name: "web".into(),
            cells: ["64", "1", "------", "1.0"].map(str::to_owned).to_vec(),
        };
        let report = report(Ok(compare_rows(Tool::Xl, &[row], &before, &before)));
        let text = sections(&report, true, None);
        assert_eq!(
            text,
            "xl (/usr/sbin/xl): DIFFERS; 3 figures agree, 1 differ, 0 not known\n\
             xl misses domain 6 ('db')\n\n\
             ID  NAME       COLUMN   OURS BEFORE  THEIRS  OURS AFTER  VERDICT\n \
             5  web\\u{1b}  Mem              128      64         128  DIFFERS\n \
             5  web\\u{1b}  VCPUs              1       1           1  agrees\n \
             5  web\\u{1b}  State         ------  ------      ------  agrees\n \
             5  web\\u{1b}  Time(s)          1.0     1.0         1.0  agrees\n"
        );
        let json: serde_json::Value = serde_json::from_str(&line(&report)).unwrap();
        assert!(line(&report).starts_with("{\"schema\":1,"));
        assert_eq!(json["agrees"], false);
        assert_eq!(json["comparison"]["figures"][0]["verdict"], "differs");
        assert_eq!(json["comparison"]["missing"][0]["id"], 6);
    }

    #[test]
    fn failed_tool_has_a_reason() {
        let report = report(Err(Trouble::Killed { signal: 11 }));
        assert_eq!(
            sections(&report, true, None),
            "xl (/usr/sbin/xl): it was killed by signal 11 (it crashed)\n"
        );
        let json: serde_json::Value = serde_json::from_str(&line(&report)).unwrap();
        assert_eq!(json["comparison"], serde_json::Value::Null);
        assert_eq!(json["trouble"], "was killed by signal 11 (it crashed)");
    }
}
