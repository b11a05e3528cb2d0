//! Audits as text: a few lines for each finding.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use crate::audit::{Figures, Finding, Relation, Report, Run, Totals, Unit, Verdict};
use crate::text::safe;

/// Formats what is not as it should be, or `all` findings, and the number of findings with each verdict.
pub fn lines(report: &Report, all: bool) -> String {
    let is_shown = |finding: &&Finding| all || finding.verdict >= Verdict::Warning;
    let findings = report.findings.iter().filter(is_shown);
    let findings = findings.map(|one| finding(one, None));
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

/// Formats times of a span in a time zone.
pub struct Times {
    zone: TimeZone,
    /// The date and the offset of the whole span; `None` if it has several.
    day: Option<(Date, Offset)>,
}

impl Times {
    /// Makes one for the times between these two.
    pub fn new(zone: TimeZone, span: Option<(Timestamp, Timestamp)>) -> Self {
        let day = |time: Timestamp| {
            let time = time.to_zoned(zone.clone());
            (time.date(), time.offset())
        };
        let days = span.map(|(first, last)| (day(first), day(last)));
        let day = days.and_then(|(first, last)| (first == last).then_some(first));
        Self { zone, day }
    }

    /// Formats a time, with the date and the offset from UTC unless all of the span has the same.
    fn short(&self, time: Timestamp) -> String {
        let zoned = time.to_zoned(self.zone.clone());
        match self.day == Some((zoned.date(), zoned.offset())) {
            true => zoned.strftime("%H:%M:%S").to_string(),
            false => self.long(time),
        }
    }

    fn long(&self, time: Timestamp) -> String {
        let zoned = time.to_zoned(self.zone.clone());
        zoned.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

/// Formats a finding of several audits, and when these were.
pub fn run(run: &Run, times: &Times) -> String {
    let [from, to] = [run.from, run.to].map(|time| times.short(time));
    let when = match run.audits {
        1 => format!("at {from}"),
        audits => format!("from {from} to {to}, in {audits} audits"),
    };
    finding(&run.finding, Some(when))
}

/// Formats what many audits found together: how many failed, how many checks passed, and which were skipped and why.
pub fn totals(totals: &Totals, times: &Times) -> String {
    let &Totals {
        audits,
        failed,
        warned,
        ref checks,
        ..
    } = totals;
    let span = totals.times.map_or_else(String::new, |(first, last)| {
        format!(" from {} to {}", times.long(first), times.long(last))
    });
    let passed = checks.values().filter(|check| check.worst == Verdict::Ok);
    let made = checks
        .values()
        .filter(|check| check.worst != Verdict::Skipped);
    let mut out = format!(
        "{audits} audits{span}: {failed} failed, {warned} had a warning\n\
         {} of {} checks were ok each time that they were made\n",
        passed.count(),
        made.count(),
    );
    for (check, total) in checks.iter().filter(|(_, total)| total.skipped > 0) {
        let part = match total.skipped {
            all if all == audits => String::new(),
            1 => "in 1 audit: ".to_owned(),
            some => format!("in {some} audits: "),
        };
        let why = safe(total.why.as_deref().unwrap_or_default());
        out.push_str(&format!("skipped  {check:<21} {part}{why}\n"));
    }
    out
}

/// Formats a finding, with a line that says when it was.
fn finding(finding: &Finding, when: Option<String>) -> String {
    let verdict = finding.verdict.word();
    let mut out = format!("{verdict:<8} {:<21} {}\n", finding.check, finding.compared);
    let mut add = |line: String| out.push_str(&format!("{:9}{}\n", "", safe(&line)));
    if let Some(when) = when {
        add(when);
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn times_have_a_date_if_the_span_has_several() {
        let zone = TimeZone::fixed(Offset::constant(1));
        let [day, night, next] = ["01:30:00", "22:59:59", "23:00:00"]
            .map(|time| format!("2026-11-28T{time}Z").parse::<Timestamp>().unwrap());
        let within = Times::new(zone.clone(), Some((day, night)));
        assert_eq!(within.short(day), "02:30:00");
        // The clock was wrong.
        assert_eq!(within.short(next), "2026-11-29 00:00:00 +01:00");
        let over = Times::new(zone, Some((day, next)));
        assert_eq!(over.short(day), "2026-11-28 02:30:00 +01:00");
    }
}
