//! Compares our figures with those of xentop and xl.
//!
//! A tool runs between two of our snapshots. Each figure that it prints must lie between what it
//! would print of the snapshot before and of the snapshot after. A figure that did not change must
//! be equal.

mod row;
mod xentop;
mod xl;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use crate::snapshot::{DomId, Domain, Identity, Snapshot};
use crate::text::UNKNOWN;

pub use row::{Row, UnknownLayout};

/// A tool to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// One block of `xentop`.
    Xentop,
    /// `xl list`.
    Xl,
}

impl Tool {
    /// Returns the program's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xentop => "xentop",
            Self::Xl => "xl",
        }
    }

    /// Returns the arguments that make it list all domains once.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Xentop => &["-b", "-f", "-i", "1"],
            Self::Xl => &["list"],
        }
    }

    /// Reads what the tool printed.
    ///
    /// ```
    /// use xenscope::compare::Tool;
    ///
    /// let list = "Name  ID  Mem  VCPUs  State  Time(s)\nweb  5  128  1  r-----  75.4\n";
    /// let rows = Tool::Xl.read(list)?;
    /// assert_eq!(rows[0].name, "web");
    /// assert_eq!(rows[0].cells, ["128", "1", "------", "75.4"]);
    /// # Ok::<(), xenscope::compare::UnknownLayout>(())
    /// ```
    ///
    /// # Errors
    /// If this is not the layout that the tool has on Xen 4.17 to 4.22.
    pub fn read(self, text: &str) -> Result<Vec<Row>, UnknownLayout> {
        match self {
            Self::Xentop => xentop::rows(text),
            Self::Xl => xl::rows(text),
        }
    }

    /// Returns what the tool would print of our figures: its columns in their order.
    fn ours(self, domain: &Domain, snapshot: &Snapshot) -> Vec<(&'static str, String)> {
        match self {
            Self::Xentop => xentop::ours(domain, snapshot),
            Self::Xl => xl::ours(domain),
        }
    }
}

/// A domain in our snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DomainRef {
    /// Its ID.
    pub id: DomId,
    /// Its name; `None` if it has none.
    pub name: Option<Arc<str>>,
}

impl DomainRef {
    fn of(domain: &Domain) -> Self {
        Self {
            id: domain.id,
            name: domain.name.clone(),
        }
    }
}

/// One figure of a tool, between two of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// The domain.
    #[serde(flatten)]
    pub domain: DomainRef,
    /// The tool's heading.
    pub column: &'static str,
    /// What the tool printed.
    pub theirs: String,
    /// What it would have printed of our figure before; `-` if that is unknown.
    pub before: String,
    /// What it would have printed of our figure after; `-` if that is unknown.
    pub after: String,
    /// Whether the tool's figure lies between ours.
    pub verdict: Verdict,
}

/// The verdict of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The tool's figure lies between ours.
    Agrees,
    /// The tool's figure does not lie between ours.
    Differs,
    /// Our figure is unknown, so nothing was compared.
    NotKnown,
}

/// A domain that a tool shows more than once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repeated {
    /// The domain.
    #[serde(flatten)]
    pub domain: DomainRef,
    /// The number of the tool's rows with it.
    pub rows: usize,
}

/// A tool's output compared with two snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Domains that the tool does not show.
    pub missing: Vec<DomainRef>,
    /// Names or IDs in the tool's rows that no domain has.
    pub invented: Vec<String>,
    /// Domains that the tool shows more than once.
    pub repeated: Vec<Repeated>,
    /// Names of several domains, if the tool's rows have no IDs to distinguish them.
    pub ambiguous: BTreeSet<String>,
    /// The figures of all other domains.
    pub figures: Vec<Figure>,
}

impl Comparison {
    /// Returns whether the tool agrees with us.
    pub fn agrees(&self) -> bool {
        self.missing.is_empty()
            && self.invented.is_empty()
            && self.repeated.is_empty()
            && self.count(Verdict::Differs) == 0
    }

    /// Returns the number of figures with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let figures = self.figures.iter();
        figures.filter(|figure| figure.verdict == verdict).count()
    }
}

/// Why a tool's output could not be compared.
#[derive(Debug, Error)]
pub enum Trouble {
    /// The program does not exist.
    #[error("is not in PATH; install Xen's tools (Debian: xen-utils)")]
    NotFound,
    /// It did not end in time.
    #[error("timed out after {} s and was killed", .0.as_secs())]
    TimedOut(Duration),
    /// A signal ended it.
    #[error("was killed by signal {signal}{}", if *signal == libc::SIGSEGV { " (it crashed)" } else { "" })]
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// It failed with this exit code and this last line on stderr.
    #[error("failed with exit code {0}: {1}")]
    Failed(i64, String),
    /// It could not be run.
    #[error("cannot be run: {0}")]
    NotRun(std::io::Error),
    /// Its output has an unknown layout.
    #[error("printed an unknown layout: {0}")]
    Layout(#[from] UnknownLayout),
}

/// One run of a tool.
#[derive(Debug)]
pub struct Report {
    /// The tool.
    pub tool: Tool,
    /// The path of the program; `None` if it was not found.
    pub path: Option<PathBuf>,
    /// The program's version; `None` if it does not print one.
    pub version: Option<String>,
    /// When it ended.
    pub time: jiff::Timestamp,
    /// The comparison, or why there is none.
    pub result: Result<Comparison, Trouble>,
}

impl Report {
    /// Returns whether the tool ran and agrees with us.
    pub fn agrees(&self) -> bool {
        self.result.as_ref().is_ok_and(Comparison::agrees)
    }
}

/// Compares a tool's rows with the snapshots before and after it ran.
pub fn compare_rows(tool: Tool, rows: &[Row], before: &Snapshot, after: &Snapshot) -> Comparison {
    let mut by_key: BTreeMap<Key<'_>, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_key.entry(Key::of_row(row)).or_default().push(row);
    }
    // A domain that was created, named, renamed or destroyed meanwhile may be in the rows or not.
    let mut possible: BTreeMap<Key<'_>, BTreeSet<Identity>> = BTreeMap::new();
    for domain in before.domains.iter().chain(&after.domains) {
        let domains = possible.entry(Key::of(tool, domain)).or_default();
        domains.insert(domain.identity());
    }
    let lasts = |domain: &Domain| {
        let later = after.find(domain.identity());
        later.filter(|later| Key::of(tool, later) == Key::of(tool, domain))
    };
    let mut comparison = Comparison::default();
    let mut counts: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    for domain in before.domains.iter().filter(|one| lasts(one).is_some()) {
        *counts.entry(Key::of(tool, domain)).or_default() += 1;
    }
    for domain in &before.domains {
        let Some(later) = lasts(domain) else {
            continue;
        };
        let key = Key::of(tool, domain);
        let subject = DomainRef::of(domain);
        let rows = by_key.get(&key).map_or(&[][..], Vec::as_slice);
        let expected = counts.get(&key).copied().unwrap_or(1);
        if rows.len() < expected {
            comparison.missing.push(subject);
        } else if let ([row], 1) = (rows, expected) {
            let figures = figures(tool, row, (domain, before), (later, after));
            comparison.figures.extend(figures);
        } else if expected > 1 || rows.len() <= possible.get(&key).map_or(0, BTreeSet::len) {
            comparison.ambiguous.insert(key.to_string());
        } else {
            let rows = rows.len();
            comparison.repeated.push(Repeated {
                domain: subject,
                rows,
            });
        }
    }
    let invented = by_key.keys().filter(|key| !possible.contains_key(key));
    comparison.invented = invented.map(Key::to_string).collect();
    comparison
}

/// What identifies a domain in a tool's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Id(DomId),
    Name(&'a str),
    /// A domain without a name, which a tool without IDs cannot show.
    Nameless(DomId),
}

impl<'a> Key<'a> {
    fn of_row(row: &'a Row) -> Self {
        row.id.map_or(Self::Name(&row.name), Self::Id)
    }

    fn of(tool: Tool, domain: &'a Domain) -> Self {
        match (tool, &domain.name) {
            (Tool::Xl, _) => Self::Id(domain.id),
            (Tool::Xentop, Some(name)) => Self::Name(name),
            (Tool::Xentop, None) => Self::Nameless(domain.id),
        }
    }
}

impl std::fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) | Self::Nameless(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

fn figures(
    tool: Tool,
    row: &Row,
    (domain, before): (&Domain, &Snapshot),
    (later, after): (&Domain, &Snapshot),
) -> Vec<Figure> {
    let old = tool.ours(domain, before);
    let new = tool.ours(later, after);
    old.into_iter()
        .zip(new)
        .zip(&row.cells)
        .map(|(((column, before), (_, after)), theirs)| Figure {
            domain: DomainRef::of(domain),
            column,
            verdict: verdict(&before, theirs, &after),
            theirs: theirs.clone(),
            before,
            after,
        })
        .collect()
}

fn verdict(before: &str, theirs: &str, after: &str) -> Verdict {
    if before == UNKNOWN || after == UNKNOWN {
        return Verdict::NotKnown;
    }
    let number = |text: &str| text.parse::<f64>().ok();
    let between = match [before, theirs, after].map(number) {
        // Memory can shrink as well as grow.
        [Some(old), Some(their), Some(new)] => old.min(new) <= their && their <= old.max(new),
        _ => theirs == before || theirs == after,
    };
    match between {
        true => Verdict::Agrees,
        false => Verdict::Differs,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{SECOND, domain, snapshot};

    fn row(id: u16, name: &str, cells: [&str; 4]) -> Row {
        Row {
            id: Some(DomId(id)),
            name: name.into(),
            cells: cells.map(str::to_owned).to_vec(),
        }
    }

    /// Two snapshots of a domain whose CPU time was 3.0 s before the tool ran and 3.26 s after.
    fn two() -> (Snapshot, Snapshot) {
        let web = |at, time| domain(5, "web", at, time);
        (
            snapshot(0, 0, vec![web(0, 3 * SECOND)]),
            snapshot(SECOND, 0, vec![web(SECOND, 3_260_000_000)]),
        )
    }

    fn compared(rows: &[Row]) -> Comparison {
        let (before, after) = two();
        compare_rows(Tool::Xl, rows, &before, &after)
    }

    #[test]
    fn figure_between_ours_agrees() {
        for (time, verdict) in [
            ("2.9", Verdict::Differs),
            ("3.0", Verdict::Agrees),
            ("3.2", Verdict::Agrees),
            // 3.26 s is printed as 3.3.
            ("3.3", Verdict::Agrees),
            ("3.4", Verdict::Differs),
            ("x", Verdict::Differs),
        ] {
            let comparison = compared(&[row(5, "web", ["128", "1", "------", time])]);
            assert_eq!(comparison.figures[3].verdict, verdict, "{time}");
            assert_eq!(comparison.agrees(), verdict == Verdict::Agrees);
        }
        let memory = compared(&[row(5, "web", ["127", "1", "------", "3.0"])]);
        assert_eq!(memory.count(Verdict::Differs), 1);
    }

    #[test]
    fn missing_invented_and_repeated_domains_are_named() {
        let web = row(5, "web", ["128", "1", "------", "3.0"]);
        let missed = compared(&[]);
        assert_eq!(missed.missing[0].id, DomId(5));
        let twice = compared(&[web.clone(), web.clone()]);
        assert_eq!(twice.repeated[0].rows, 2);
        let invented = compared(&[web.clone(), row(6, "ghost", ["1", "1", "------", "0.0"])]);
        assert_eq!(invented.invented, ["6"]);
        assert!(compared(&[web]).agrees());
        for wrong in [missed, twice, invented] {
            assert!(!wrong.agrees());
        }
    }

    #[test]
    fn short_lived_domains_are_optional() {
        let (before, mut after) = two();
        after.domains.push(domain(6, "new", SECOND, 0));
        let web = row(5, "web", ["128", "1", "------", "3.1"]);
        let new = row(6, "new", ["128", "1", "------", "0.0"]);
        for rows in [&[web.clone()][..], &[web.clone(), new]] {
            assert!(compare_rows(Tool::Xl, rows, &before, &after).agrees());
        }
        assert!(compare_rows(Tool::Xl, &[web], &after, &before).agrees());
    }

    #[test]
    fn a_name_that_changed_meanwhile_is_not_compared() {
        let named = |id, name: Option<&str>| Domain {
            name: name.map(Into::into),
            ..domain(id, "", 0, 0)
        };
        let rows = |names: &[&str]| -> Vec<Row> {
            let row = |name: &&str| Row {
                id: None,
                name: (*name).to_owned(),
                cells: Vec::new(),
            };
            names.iter().map(row).collect()
        };
        // Named, renamed, and joined by a domain of the same name.
        let before = vec![
            named(5, None),
            named(6, Some("old")),
            named(7, Some("twin")),
        ];
        let after = vec![
            named(5, Some("web")),
            named(6, Some("new")),
            named(7, Some("twin")),
            named(8, Some("twin")),
        ];
        let (before, after) = (snapshot(0, 0, before), snapshot(0, 0, after));
        for shown in [
            &["twin"][..],
            &["web", "old", "twin"],
            &["new", "twin", "twin"],
        ] {
            let comparison = compare_rows(Tool::Xentop, &rows(shown), &before, &after);
            assert!(comparison.agrees(), "{comparison:?}");
        }
        let thrice = rows(&["twin", "twin", "twin"]);
        let comparison = compare_rows(Tool::Xentop, &thrice, &before, &after);
        assert_eq!(comparison.repeated[0].rows, 3);
    }

    #[test]
    fn without_ids_only_unique_names_are_compared() {
        let mut nameless = domain(7, "", 0, 0);
        nameless.name = None;
        let twins = [8, 9].map(|id| domain(id, "twin", 0, 0));
        let [first, second] = twins;
        let before = snapshot(0, 0, vec![nameless, first, second]);
        let mut twin = row(0, "twin", ["0"; 4]);
        twin.id = None;
        let comparison = compare_rows(Tool::Xentop, &[twin.clone(), twin], &before, &before);
        assert_eq!(comparison.missing.len(), 1);
        assert_eq!(comparison.missing[0].id, DomId(7));
        assert!(comparison.ambiguous.contains("twin"));
        assert!(comparison.figures.is_empty());
    }

    #[test]
    fn unknown_figures_are_not_compared() {
        assert_eq!(verdict("-", "7", "8"), Verdict::NotKnown);
        assert_eq!(verdict("no limit", "no limit", "no limit"), Verdict::Agrees);
        assert_eq!(verdict("no limit", "7", "no limit"), Verdict::Differs);
        // Ballooned down.
        assert_eq!(verdict("9", "8", "7"), Verdict::Agrees);
    }
}
