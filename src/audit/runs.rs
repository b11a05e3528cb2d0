//! What many audits found, in short: findings that are alike are one run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::finding::{Finding, Report, Verdict};
use crate::snapshot::DomId;

/// A run ends if no audit of this many nanoseconds had the finding: what comes and goes all the time is one run.
const GAP_NS: u64 = 60_000_000_000;

/// Audits in a row that found the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The finding at its worst, as it was the last time.
    pub finding: Finding,
    /// When the first and the last audit had it.
    pub from: Timestamp,
    /// See `from`.
    pub to: Timestamp,
    /// How many audits had it.
    pub audits: u64,
}

/// What findings of one run have in common: whether they are wrong, ok or skipped; the check and what it compared; and
/// what they are about.
type Key = (
    Verdict,
    &'static str,
    &'static str,
    Option<DomId>,
    Option<String>,
);

/// A run that may go on.
#[derive(Debug)]
struct Open {
    run: Run,
    /// The number of the last audit that had it, and when that was.
    audit: u64,
    at_ns: u64,
}

/// Merges the findings of audits. Needs memory for what the audits of a minute find, however many there are.
#[derive(Debug)]
pub struct Runs {
    least: Verdict,
    open: BTreeMap<Key, Open>,
    /// The time of the last audit, by the clock of the samples.
    now_ns: u64,
    totals: Totals,
}

impl Runs {
    /// Merges findings that are as bad as `least`, or worse.
    pub fn new(least: Verdict) -> Self {
        Self {
            least,
            open: BTreeMap::new(),
            now_ns: 0,
            totals: Totals::default(),
        }
    }

    /// Adds the next audit. Returns the runs that have ended before it.
    pub fn add(&mut self, report: &Report) -> Vec<Run> {
        self.now_ns = self
            .now_ns
            .saturating_add(report.interval_ns.unwrap_or_default());
        self.totals.add(report);
        let (audit, at_ns) = (self.totals.audits, self.now_ns);
        for finding in report
            .findings
            .iter()
            .filter(|one| one.verdict >= self.least)
        {
            let open = self.open.entry(key(finding)).or_insert_with(|| Open {
                run: Run {
                    finding: finding.clone(),
                    from: report.time,
                    to: report.time,
                    audits: 0,
                },
                audit: 0,
                at_ns,
            });
            // An audit may have several, as of several vCPUs of a domain.
            open.run.audits += u64::from(open.audit != audit);
            (open.audit, open.at_ns, open.run.to) = (audit, at_ns, report.time);
            if finding.verdict >= open.run.finding.verdict {
                open.run.finding.clone_from(finding);
            }
        }
        self.end(|open| at_ns.saturating_sub(open.at_ns) > GAP_NS)
    }

    /// Ends all runs, as at the end of a boot, and returns them.
    pub fn end_all(&mut self) -> Vec<Run> {
        self.end(|_| true)
    }

    /// Returns what all audits found together.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Removes these runs, and returns them, the earliest first.
    fn end(&mut self, is_over: impl Fn(&Open) -> bool) -> Vec<Run> {
        let over = self.open.iter().filter(|(_, open)| is_over(open));
        let over: Vec<Key> = over.map(|(key, _)| key.clone()).collect();
        let removed = over.iter().filter_map(|key| self.open.remove(key));
        let mut runs: Vec<Run> = removed.map(|open| open.run).collect();
        runs.sort_by_key(|run| run.from);
        runs
    }
}

fn key(finding: &Finding) -> Key {
    let is_wrong = finding.verdict >= Verdict::Warning;
    let reason = finding.reason.as_deref().filter(|_| is_wrong);
    (
        match is_wrong {
            true => Verdict::Failed,
            false => finding.verdict,
        },
        finding.check,
        finding.compared,
        // What is closest to its tolerance changes all the time.
        finding.domain.filter(|_| is_wrong),
        reason.map(subject).map(str::to_owned),
    )
}

/// Returns what a reason is about, such as a pool or a vCPU: the few words before a colon, or the first two; none if it
/// begins with a figure.
fn subject(reason: &str) -> &str {
    const FEW: usize = 7;
    if reason.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
        return "";
    }
    let before_colon = reason.split_once(": ").map(|(words, _)| words);
    let few = before_colon.filter(|words| words.split(' ').count() <= FEW);
    let two = || {
        let end = reason.match_indices(' ').nth(1);
        end.map_or(reason, |(end, _)| &reason[..end])
    };
    few.unwrap_or_else(two)
}

/// What many audits found together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// When the first and the last one were; `None` without any.
    pub times: Option<(Timestamp, Timestamp)>,
    /// How many there were.
    pub audits: u64,
    /// How many of them had a failure.
    pub failed: u64,
    /// How many had a warning, but no failure.
    pub warned: u64,
    /// What each check found.
    pub checks: BTreeMap<&'static str, Total>,
}

/// What a check found in many audits.
#[derive(Clone, Debug, PartialEq)]
pub struct Total {
    /// The worst verdict.
    pub worst: Verdict,
    /// How many audits skipped it.
    pub skipped: u64,
    /// Why the last one of these did.
    pub why: Option<String>,
}

impl Totals {
    fn add(&mut self, report: &Report) {
        let first = self.times.map_or(report.time, |(first, _)| first);
        self.times = Some((first, report.time));
        self.audits += 1;
        match report.findings.iter().map(|finding| finding.verdict).max() {
            Some(Verdict::Failed) => self.failed += 1,
            Some(Verdict::Warning) => self.warned += 1,
            _ => {}
        }
        // Whatever else a check compared, it was made.
        let mut worst: BTreeMap<&'static str, &Finding> = BTreeMap::new();
        for finding in &report.findings {
            let known = worst.entry(finding.check).or_insert(finding);
            if finding.verdict > known.verdict {
                *known = finding;
            }
        }
        for (check, finding) in worst {
            let total = self.checks.entry(check).or_insert(Total {
                worst: Verdict::Skipped,
                skipped: 0,
                why: None,
            });
            total.worst = total.worst.max(finding.verdict);
            if finding.verdict == Verdict::Skipped {
                total.skipped += 1;
                total.why.clone_from(&finding.reason);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    fn finding(verdict: Verdict, domain: Option<u16>, reason: &str) -> Finding {
        Finding {
            check: "placement.domains",
            verdict,
            compared: "pools",
            comparisons: 1,
            domain: domain.map(DomId),
            figures: None,
            tolerance_from: None,
            reason: Some(reason.to_owned()),
        }
    }

    /// Adds an audit a second after the one before.
    fn add(runs: &mut Runs, second: i64, findings: Vec<Finding>) -> Vec<Run> {
        runs.add(&Report {
            time: time(second),
            interval_ns: Some(1_000_000_000),
            findings,
        })
    }

    /// Returns when runs began and ended, in how many audits they were, and why.
    fn told(runs: Vec<Run>) -> Vec<(i64, i64, u64, String)> {
        let told = runs.into_iter().map(|run| {
            let [from, to] = [run.from, run.to].map(Timestamp::as_second);
            (from, to, run.audits, run.finding.reason.unwrap_or_default())
        });
        told.collect()
    }

    #[test]
    fn what_is_alike_is_one_run_with_its_last_text() {
        let mut runs = Runs::new(Verdict::Warning);
        let wrong = |verdict, pool, count| {
            finding(
                verdict,
                None,
                &format!("pool {pool} counts {count} domains"),
            )
        };
        for second in 0..10_000 {
            let mut found = vec![
                wrong(Verdict::Failed, 0, second),
                finding(Verdict::Ok, None, ""),
            ];
            match second {
                // It first was a warning.
                10 => found.push(wrong(Verdict::Warning, 1, 1)),
                11..20 => found.push(wrong(Verdict::Failed, 1, second)),
                // A warning is not its worst.
                20 => found.push(wrong(Verdict::Warning, 1, 9)),
                // It is back within a minute, and twice in one audit.
                50 => found.extend([wrong(Verdict::Failed, 1, 7), wrong(Verdict::Failed, 1, 8)]),
                _ => {}
            }
            let ended = told(add(&mut runs, second, found));
            let expected = (second == 111).then(|| (10, 50, 12, "pool 1 counts 8 domains".into()));
            assert_eq!(ended, expected.into_iter().collect::<Vec<_>>(), "{second}");
            assert!(runs.open.len() <= 2);
        }
        let rest = (0, 9_999, 10_000, "pool 0 counts 9999 domains".into());
        assert_eq!(told(runs.end_all()), [rest]);
        assert_eq!(runs.totals().failed, 10_000);
    }

    #[test]
    fn other_subjects_are_other_runs() {
        let failed = |domain, reason| finding(Verdict::Failed, domain, reason);
        for (one, other, same) in [
            (
                failed(Some(1), "domain 1: short"),
                failed(Some(2), "domain 2: short"),
                false,
            ),
            (
                failed(None, "pCPU 1 is in more than one pool"),
                failed(None, "pCPU 2 is in more than one pool"),
                false,
            ),
            (
                failed(Some(1), "domain 1 (a), vCPU 0: x 1"),
                failed(Some(1), "domain 1 (a), vCPU 1: x 2"),
                false,
            ),
            (
                failed(None, "12 ms is not accounted for"),
                failed(None, "9.1 ms is not accounted for"),
                true,
            ),
            (
                failed(None, "-12.000 ms is not accounted for"),
                failed(None, "-9.100 ms is not accounted for"),
                true,
            ),
            (
                failed(
                    None,
                    "the clock of pCPU 3 is behind that of pCPU 17: it counts wrongly",
                ),
                failed(
                    None,
                    "the clock of pCPU 4 is behind that of pCPU 18: it counts wrongly",
                ),
                true,
            ),
            (
                failed(None, "x"),
                finding(Verdict::Ok, Some(DomId::DOM0.0), "x"),
                false,
            ),
            (
                finding(Verdict::Ok, Some(3), "1"),
                finding(Verdict::Ok, Some(4), "2"),
                true,
            ),
        ] {
            assert_eq!(key(&one) == key(&other), same, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_check_is_skipped_if_nothing_of_it_was_compared() {
        let mut runs = Runs::new(Verdict::Warning);
        let skipped = || finding(Verdict::Skipped, None, "no pools");
        let made = || finding(Verdict::Ok, None, "");
        assert!(add(&mut runs, 1, vec![skipped(), made()]).is_empty());
        assert!(add(&mut runs, 2, vec![skipped()]).is_empty());
        let total = Total {
            worst: Verdict::Ok,
            skipped: 1,
            why: Some("no pools".to_owned()),
        };
        let totals = runs.totals();
        assert_eq!(
            totals.checks.get("placement.domains"),
            Some(&total),
            "{totals:?}"
        );
        assert_eq!(totals.times, Some((time(1), time(2))));
        assert_eq!((totals.audits, totals.failed, totals.warned), (2, 0, 0));
    }
}
