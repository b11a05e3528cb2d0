//! An audit as text: a few lines for each finding.

use crate::audit::{Figures, Finding, Relation, Report, Unit, Verdict};
use crate::text::safe;

/// Formats what is not as it should be, or `all` findings, and the number of findings with each verdict.
pub fn lines(report: &Report, all: bool) -> String {
    let is_shown = |finding: &&Finding| all || finding.verdict >= Verdict::Warning;
    let findings = report.findings.iter().filter(is_shown).map(finding);
    let counts: Vec<String> = Verdict::ALL
        .iter()
        .map(|&verdict| format!("{} {}", report.count(verdict), verdict.word()))
        .collect();
    let over = report
        .interval_ns
        .map_or_else(String::new, |ns| format!(", over {:.2} s", ns as f64 / 1e9));
    let sum = format!("{}{over}\n", counts.join(", "));
    findings.chain([sum]).collect()
}

fn finding(finding: &Finding) -> String {
    let verdict = finding.verdict.word();
    let mut out = format!("{verdict:<8} {:<21} {}\n", finding.check, finding.compared);
    let mut add = |line: String| out.push_str(&format!("{:9}{}\n", "", safe(&line)));
    if let Some(figures) = &finding.figures {
        let worst = match (finding.verdict, finding.comparisons) {
            (Verdict::Ok, 2..) => format!(", the closest of {}", finding.comparisons),
            _ => String::new(),
        };
        add(format!("{}{worst}", self::figures(figures)));
    }
    if let Some(from) = finding.tolerance_from {
        add(format!("tolerance: {from}"));
    }
    if let Some(reason) = &finding.reason {
        add(reason.clone());
    }
    out
}

fn figures(figures: &Figures) -> String {
    match figures {
        Figures::Words { expected, observed } => {
            format!("expected {expected}, observed {observed}")
        }
        &Figures::Numbers {
            unit,
            relation,
            expected,
            observed,
            tolerance,
        } => {
            let relation = match relation {
                Relation::Equal => "",
                Relation::AtMost => "at most ",
                Relation::AtLeast => "at least ",
            };
            format!(
                "expected {relation}{}, observed {}, tolerance {}",
                amount(unit, expected),
                amount(unit, observed),
                amount(unit, tolerance)
            )
        }
    }
}

fn amount(unit: Unit, number: i64) -> String {
    match unit {
        Unit::Ns => format!("{:.3} ms", number as f64 / 1e6),
        Unit::Bytes => format!("{} KiB", number / 1024),
        Unit::Count => number.to_string(),
    }
}
