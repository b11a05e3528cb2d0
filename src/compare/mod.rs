//! Our figures held against those of the tools that people trust.
//!
//! A tool runs between two of our own snapshots. Every figure that it prints has to lie between
//! what it would print of ours before and of ours after; what stands still has to be equal.

mod xentop;
mod xl;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use crate::snapshot::{DomId, Domain, Snapshot};
use crate::text::UNKNOWN;

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
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xentop => "xentop",
            Self::Xl => "xl",
        }
    }

    /// What it is called with, to list all domains once.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Xentop => &["-b", "-f", "-i", "1"],
            Self::Xl => &["list"],
        }
    }

    /// Reads what it printed.
    ///
    /// # Errors
    /// When this is not the layout that the tool has on Xen 4.17 to 4.20.
    pub fn read(self, text: &str) -> Result<Vec<Row>, UnknownLayout> {
        match self {
            Self::Xentop => xentop::rows(text),
            Self::Xl => xl::rows(text),
        }
    }

    /// What it would print of our figures: its columns in their order.
    fn ours(self, domain: &Domain, snapshot: &Snapshot) -> Vec<(&'static str, String)> {
        match self {
            Self::Xentop => xentop::ours(domain, snapshot),
            Self::Xl => xl::ours(domain),
        }
    }
}

/// What a tool printed is not what it is known to print.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line} has a layout that is not known: {why}")]
pub struct UnknownLayout {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// A domain as a tool printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id; `None` where the tool prints none.
    pub id: Option<DomId>,
    /// Its name.
    pub name: String,
    /// The cells of the columns that are compared, in their order.
    pub cells: Vec<String>,
}

/// A domain as we know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DomainRef {
    /// Its id.
    pub id: DomId,
    /// Its name; `None` when it has none.
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

/// One figure of a tool's, between two of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// The domain.
    #[serde(flatten)]
    pub domain: DomainRef,
    /// The tool's heading.
    pub column: &'static str,
    /// What the tool printed.
    pub theirs: String,
    /// What it would have printed of our figure before; `-` when that is not known.
    pub before: String,
    /// The same for our figure after.
    pub after: String,
    /// Whether theirs lies between ours.
    pub verdict: Verdict,
}

/// Whether a figure lies where it has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Agrees,
    /// It does not.
    Differs,
    /// Ours is not known, so there is nothing to hold it against.
    NotKnown,
}

/// A domain that is there more often than it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repeated {
    /// The domain.
    #[serde(flatten)]
    pub domain: DomainRef,
    /// In how many of the tool's rows it is.
    pub rows: usize,
}

/// Everything that a tool printed, held against two snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Domains that the tool does not show.
    pub missing: Vec<DomainRef>,
    /// Names, or ids, in rows of the tool's that no domain has.
    pub invented: Vec<String>,
    /// Domains that the tool shows more than once.
    pub repeated: Vec<Repeated>,
    /// Names that several domains bear, where the tool's rows can't be told apart.
    pub ambiguous: BTreeSet<String>,
    /// Every other figure.
    pub figures: Vec<Figure>,
}

impl Comparison {
    /// Whether the tool and we say the same.
    pub fn agrees(&self) -> bool {
        self.missing.is_empty()
            && self.invented.is_empty()
            && self.repeated.is_empty()
            && self.count(Verdict::Differs) == 0
    }

    /// How many figures have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let figures = self.figures.iter();
        figures.filter(|figure| figure.verdict == verdict).count()
    }
}

/// Why there is nothing to compare with.
#[derive(Debug, Error)]
pub enum Trouble {
    /// No such program.
    #[error("is not in PATH; it comes with Xen's tools (Debian: xen-utils)")]
    NotFound,
    /// It did not end by itself.
    #[error("had not ended after {} s, and was killed", .0.as_secs())]
    TimedOut(Duration),
    /// It crashed.
    #[error("was ended by signal {signal}{}", if *signal == libc::SIGSEGV { " (it crashed)" } else { "" })]
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// It failed, with this code and these last words.
    #[error("failed with exit code {0}: {1}")]
    Failed(i64, String),
    /// It could not be run.
    #[error("could not be run: {0}")]
    NotRun(std::io::Error),
    /// It prints something unknown.
    #[error("printed something else than expected: {0}")]
    Layout(#[from] UnknownLayout),
}

/// How one run of a tool went.
#[derive(Debug)]
pub struct Report {
    /// The tool.
    pub tool: Tool,
    /// The program that ran; `None` when none was found.
    pub path: Option<PathBuf>,
    /// What the program says of its version; `None` when it says nothing.
    pub version: Option<String>,
    /// When it had run.
    pub time: jiff::Timestamp,
    /// What came of it.
    pub result: Result<Comparison, Trouble>,
}

impl Report {
    /// Whether the tool ran, and agrees.
    pub fn agrees(&self) -> bool {
        self.result.as_ref().is_ok_and(Comparison::agrees)
    }
}

/// Holds a tool's rows against what we knew before it ran and after.
pub fn hold(tool: Tool, rows: &[Row], before: &Snapshot, after: &Snapshot) -> Comparison {
    let mut by_key: BTreeMap<Key<'_>, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_key.entry(Key::of_row(row)).or_default().push(row);
    }
    let mut comparison = Comparison::default();
    let mut bearers: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    let stays = |domain: &&Domain| after.find(domain.identity()).is_some();
    for domain in before.domains.iter().filter(stays) {
        *bearers.entry(Key::of(tool, domain)).or_default() += 1;
    }
    for domain in &before.domains {
        let Some(later) = after.find(domain.identity()) else {
            continue;
        };
        let key = Key::of(tool, domain);
        let subject = DomainRef::of(domain);
        let there = by_key.get(&key).map_or(&[][..], Vec::as_slice);
        let expected = bearers.get(&key).copied().unwrap_or(1);
        if there.len() < expected {
            comparison.missing.push(subject);
        } else if expected > 1 {
            comparison.ambiguous.insert(key.to_string());
        } else if let [row] = there {
            let figures = figures(tool, row, (domain, before), (later, after));
            comparison.figures.extend(figures);
        } else {
            let rows = there.len();
            comparison.repeated.push(Repeated {
                domain: subject,
                rows,
            });
        }
    }
    // A domain that came or went meanwhile may be there or not.
    let known: BTreeSet<Key<'_>> = [before, after]
        .iter()
        .flat_map(|snapshot| &snapshot.domains)
        .map(|domain| Key::of(tool, domain))
        .collect();
    let invented = by_key.keys().filter(|key| !known.contains(key));
    comparison.invented = invented.map(Key::to_string).collect();
    comparison
}

/// What a tool's row is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Id(DomId),
    Name(&'a str),
    /// A domain that a tool without ids can't show.
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
        // Memory may shrink as well as grow.
        [Some(old), Some(their), Some(new)] => old.min(new) <= their && their <= old.max(new),
        _ => theirs == before || theirs == after,
    };
    match between {
        true => Verdict::Agrees,
        false => Verdict::Differs,
    }
}

/// Whether a cell is a number as tools print them: digits, and a point between digits at most.
fn is_number(cell: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, "0"));
    is_digits(whole) && is_digits(fraction)
}

/// Whether a cell is a tool's letters for a domain's state: each in its place, or a dash there.
fn is_state(cell: &str, letters: &str) -> bool {
    cell.len() == letters.len()
        && cell
            .bytes()
            .zip(letters.bytes())
            .all(|(shown, letter)| shown == b'-' || shown == letter)
}

/// Of a tool's letters for a domain's state, those that do not change from one moment to the next.
fn lasting(letters: &str) -> String {
    letters.replace(['b', 'r'], "-")
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

    /// A domain that has run from 3.0 s to 3.26 s while the tool ran.
    fn two() -> (Snapshot, Snapshot) {
        let web = |at, time| domain(5, "web", at, time);
        (
            snapshot(0, 0, vec![web(0, 3 * SECOND)]),
            snapshot(SECOND, 0, vec![web(SECOND, 3_260_000_000)]),
        )
    }

    fn held(rows: &[Row]) -> Comparison {
        let (before, after) = two();
        hold(Tool::Xl, rows, &before, &after)
    }

    #[test]
    fn a_figure_between_ours_agrees_and_another_differs() {
        for (time, verdict) in [
            ("2.9", Verdict::Differs),
            ("3.0", Verdict::Agrees),
            ("3.2", Verdict::Agrees),
            // 3.26 s is printed as 3.3.
            ("3.3", Verdict::Agrees),
            ("3.4", Verdict::Differs),
            ("x", Verdict::Differs),
        ] {
            let held = held(&[row(5, "web", ["128", "1", "------", time])]);
            assert_eq!(held.figures[3].verdict, verdict, "{time}");
            assert_eq!(held.agrees(), verdict == Verdict::Agrees);
        }
        let memory = held(&[row(5, "web", ["127", "1", "------", "3.0"])]);
        assert_eq!(memory.count(Verdict::Differs), 1);
    }

    #[test]
    fn domains_that_are_missed_invented_or_there_twice_are_named() {
        let web = row(5, "web", ["128", "1", "------", "3.0"]);
        let missed = held(&[]);
        assert_eq!(missed.missing[0].id, DomId(5));
        let twice = held(&[web.clone(), web.clone()]);
        assert_eq!(twice.repeated[0].rows, 2);
        let invented = held(&[web.clone(), row(6, "ghost", ["1", "1", "------", "0.0"])]);
        assert_eq!(invented.invented, ["6"]);
        assert!(held(&[web]).agrees());
        for wrong in [missed, twice, invented] {
            assert!(!wrong.agrees());
        }
    }

    #[test]
    fn a_domain_that_came_or_went_meanwhile_may_be_there_or_not() {
        let (before, mut after) = two();
        after.domains.push(domain(6, "new", SECOND, 0));
        let web = row(5, "web", ["128", "1", "------", "3.1"]);
        let new = row(6, "new", ["128", "1", "------", "0.0"]);
        for rows in [&[web.clone()][..], &[web.clone(), new]] {
            assert!(hold(Tool::Xl, rows, &before, &after).agrees());
        }
        assert!(hold(Tool::Xl, &[web], &after, &before).agrees());
    }

    #[test]
    fn where_names_are_all_there_is_the_nameless_are_missed_and_the_same_can_not_be_told_apart() {
        let mut nameless = domain(7, "", 0, 0);
        nameless.name = None;
        let twins = [8, 9].map(|id| domain(id, "twin", 0, 0));
        let [first, second] = twins;
        let before = snapshot(0, 0, vec![nameless, first, second]);
        let mut twin = row(0, "twin", ["0"; 4]);
        twin.id = None;
        let held = hold(Tool::Xentop, &[twin.clone(), twin], &before, &before);
        assert_eq!(held.missing.len(), 1);
        assert_eq!(held.missing[0].id, DomId(7));
        assert!(held.ambiguous.contains("twin"));
        assert!(held.figures.is_empty());
    }

    #[test]
    fn what_is_not_known_is_held_against_nothing() {
        assert_eq!(verdict("-", "7", "8"), Verdict::NotKnown);
        assert_eq!(verdict("no limit", "no limit", "no limit"), Verdict::Agrees);
        assert_eq!(verdict("no limit", "7", "no limit"), Verdict::Differs);
        // Ballooned down.
        assert_eq!(verdict("9", "8", "7"), Verdict::Agrees);
    }
}
