//! The report of an audit in JSON.

use serde::Serialize;

use crate::audit::{self, Figures, Relation, Report, Unit};
use crate::fields::SCHEMA;
use crate::snapshot::DomId;

#[derive(Serialize)]
pub(super) struct Record<'a> {
    schema: u32,
    time: jiff::Timestamp,
    interval_ns: Option<u64>,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    check: &'a str,
    verdict: &'a str,
    compared: &'a str,
    comparisons: usize,
    domain: Option<DomId>,
    unit: Option<&'a str>,
    relation: Option<&'a str>,
    expected: Option<Value<'a>>,
    observed: Option<Value<'a>>,
    tolerance: Option<i64>,
    tolerance_from: Option<&'a str>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Number(i64),
    Text(&'a str),
}

/// Returns the report of an audit as a record.
pub(super) fn record(report: &Report) -> Record<'_> {
    Record {
        schema: SCHEMA,
        time: report.time,
        interval_ns: report.interval_ns,
        findings: report.findings.iter().map(finding).collect(),
    }
}

fn finding(finding: &audit::Finding) -> Finding<'_> {
    let (expected, observed) = match &finding.figures {
        Some(Figures::Words { expected, observed }) => {
            (Some(Value::Text(expected)), Some(Value::Text(observed)))
        }
        Some(Figures::Numbers {
            expected, observed, ..
        }) => (
            Some(Value::Number(*expected)),
            Some(Value::Number(*observed)),
        ),
        None => (None, None),
    };
    let (unit, relation, tolerance) = match finding.figures {
        Some(Figures::Numbers {
            unit,
            relation,
            tolerance,
            ..
        }) => (
            Some(self::unit(unit)),
            Some(self::relation(relation)),
            Some(tolerance),
        ),
        _ => (None, None, None),
    };
    Finding {
        check: finding.check,
        verdict: finding.verdict.word(),
        compared: finding.compared,
        comparisons: finding.comparisons,
        domain: finding.domain,
        unit,
        relation,
        expected,
        observed,
        tolerance,
        tolerance_from: finding.tolerance_from,
        reason: finding.reason.as_deref(),
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Ns => "ns",
        Unit::Bytes => "bytes",
        Unit::Count => "count",
    }
}

fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "equal",
        Relation::AtMost => "at_most",
        Relation::AtLeast => "at_least",
    }
}
