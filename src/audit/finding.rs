//! What an audit finds.

use crate::snapshot::DomId;

/// The result of an audit.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// When the newer sample was taken.
    pub time: jiff::Timestamp,
    /// Nanoseconds between the two samples; `None` if the clock did not advance.
    pub interval_ns: Option<u64>,
    /// At least one for each check: those that are not OK, or else the one closest to its
    /// tolerance.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns the number of findings with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let same = |finding: &&Finding| finding.verdict == verdict;
        self.findings.iter().filter(same).count()
    }
}

/// A finding of one check.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The check's name, such as `cpu.conservation`.
    pub check: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// What was compared with what.
    pub compared: &'static str,
    /// The number of comparisons that the check made.
    pub comparisons: usize,
    /// The domain that it is about; `None` for the host.
    pub domain: Option<DomId>,
    /// What was expected and observed; `None` if nothing could be compared.
    pub figures: Option<Figures>,
    /// The reason for the tolerance; `None` if nothing could be compared.
    pub tolerance_from: Option<&'static str>,
    /// What is wrong, or why nothing was compared. Names from XenStore in it are not escaped.
    pub reason: Option<String>,
}

/// The verdict of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing could be compared.
    Skipped,
    /// Correct.
    Ok,
    /// Not correct, but maybe temporary.
    Warning,
    /// Not correct.
    Failed,
}

impl Verdict {
    /// All verdicts, the worst first.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Warning, Self::Ok, Self::Skipped];

    /// Returns its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What was expected and observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figures {
    /// Numbers.
    Numbers {
        /// The unit of the numbers.
        unit: Unit,
        /// How the observed number must compare to the expected one.
        relation: Relation,
        /// The expected number.
        expected: i64,
        /// The observed number.
        observed: i64,
        /// The tolerance.
        tolerance: i64,
    },
    /// Texts, which agree or differ.
    Words {
        /// The expected text.
        expected: String,
        /// The observed text.
        observed: String,
    },
}

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
    /// A count.
    Count,
}

/// How an observed number must compare to the expected one, within the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Equal,
    /// At most the expected number.
    AtMost,
    /// At least the expected number.
    AtLeast,
}
