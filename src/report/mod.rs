//! What a host was like over a time: figures in columns, events, verdicts of the audit, and who suffered.

mod axis;
mod figure;
mod gaps;
mod happened;
mod key;
mod troubles;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use enum_map::EnumMap;
use jiff::{SignedDuration, Timestamp};

use crate::audit::{self, Verdict};
use crate::events::Event;
use crate::feed::Pair;
use crate::pressure;
use crate::rates::Rates;
use crate::sample::Sample;
use crate::selector::Selector;
use crate::snapshot::{DomId, Snapshot};
use crate::waits::waited_ns::occupant;

use figure::values;
use gaps::Gaps;
use happened::Happened;
use key::Key;

pub use axis::{Axis, COLUMNS, Series};
pub use figure::Figure;
pub use happened::{LeftOut, is_mark};
pub use troubles::{Trouble, Troubles};

/// The time that a sample is about.
#[derive(Clone, Copy)]
struct Interval {
    /// When the sample before was taken: rates are means since then.
    from: Timestamp,
    /// Since when states were as they are now, as far as that is known: if recording paused, it is not for all of the
    /// time since then.
    states_from: Timestamp,
}

/// A domain over the time of a report.
#[derive(Clone, Debug)]
pub struct Course {
    /// Its last ID.
    pub id: DomId,
    /// Its last known name.
    pub name: Option<Arc<str>>,
    /// Its figures.
    pub figures: EnumMap<Figure, Series>,
    /// What it suffered from.
    pub troubles: Troubles,
}

/// The verdicts of a check over time.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The worst of each column; `None` if it was not made. Columns after the last are missing.
    pub verdicts: Vec<Option<Verdict>>,
    /// Why it was not OK at its worst, first of all.
    pub reason: Option<(Verdict, Timestamp, String)>,
}

/// What a host was like over a time.
pub struct Report {
    /// The times that it is about.
    since: Timestamp,
    until: Timestamp,
    axis: Axis,
    wanted: Vec<Selector>,
    domains: BTreeMap<Key, Course>,
    /// The use of each pCPU in per cent.
    pcpus: Vec<Series>,
    memory: Series,
    memory_free: Series,
    checks: BTreeMap<&'static str, Checked>,
    audits: audit::Series,
    happened: Happened,
    samples: usize,
    /// How many of them have figures.
    measured: usize,
    gaps: Gaps,
    /// How many samples were left out, because their time is outside the span.
    left_out: usize,
    /// The last sample before the span, until the first one in it.
    before: Option<Arc<Snapshot>>,
    /// The first pair, until the next one: whether there was a pause before it is known then.
    first: Option<Pair>,
    /// The time between the two samples before, in nanoseconds.
    before_ns: i64,
    last: Arc<Snapshot>,
    /// The latest time of a sample.
    end: Timestamp,
}

/// Returns the time between the two samples of a pair; the wall clock may have been set between them.
fn interval_ns(rates: &Rates) -> Option<i64> {
    rates.interval_ns.and_then(|ns| i64::try_from(ns).ok())
}

impl Report {
    /// Begins with the first pair of a span of time, for the domains that one of these matches, or for all if there
    /// are none. Samples whose time is outside the span are left out: the clock was wrong when they were taken. `before`
    /// is the snapshot before the span.
    pub fn new(
        first: &Pair,
        before: Option<Arc<Snapshot>>,
        (since, until): (Timestamp, Timestamp),
        wanted: Vec<Selector>,
    ) -> Self {
        let mut report = Self {
            since,
            until,
            axis: Axis::new(since),
            happened: Happened::new(wanted.clone()),
            wanted,
            domains: BTreeMap::new(),
            pcpus: Vec::new(),
            memory: Series::default(),
            memory_free: Series::default(),
            checks: BTreeMap::new(),
            audits: audit::Series::default(),
            samples: 0,
            measured: 0,
            gaps: Gaps::default(),
            left_out: 0,
            before,
            first: None,
            before_ns: i64::MAX,
            last: Arc::clone(&first.newer),
            end: since,
        };
        report.add(first);
        report
    }

    /// Adds the next pair.
    pub fn add(&mut self, pair: &Pair) {
        if self.first.is_none() && self.samples == 0 {
            self.begin(pair);
            self.first = Some(pair.clone());
            return;
        }
        if let Some(first) = self.first.take() {
            self.before_ns = interval_ns(&pair.rates()).unwrap_or(i64::MAX);
            self.count(&first);
        }
        self.count(pair);
    }

    /// Adds what a pair says.
    fn count(&mut self, pair: &Pair) {
        let Pair { older, newer } = pair;
        let rates = &pair.rates();
        let interval = interval_ns(rates);
        self.add_gap(newer.time, interval);
        self.samples += 1;
        self.end = self.end.max(newer.time);
        self.last = Arc::clone(newer);
        self.happened.update(newer);
        let (Some(older), Some(interval)) = (older, interval) else {
            self.audits = audit::Series::default();
            return;
        };
        self.measured += 1;
        let before = std::mem::replace(&mut self.before_ns, interval);
        let known = interval.min(before.saturating_mul(2));
        let [from, states_from] = [interval, known].map(|ns| {
            let before = newer.time.saturating_sub(SignedDuration::from_nanos(ns));
            before.unwrap_or(Timestamp::MIN)
        });
        let interval = Interval { from, states_from };
        for _ in 0..self.axis.reach(newer.time) {
            self.double();
        }
        let (doubled, put_before) = self.axis.reach_back(from.max(self.since).min(newer.time));
        for _ in 0..doubled {
            self.double();
        }
        if put_before > 0 {
            self.put_before(put_before);
        }
        let snapshot = &**newer;
        self.figures(Sample { snapshot, rates }, older, interval);
        self.verdicts(older, newer, states_from);
    }

    /// Begins with the first sample in the span.
    fn begin(&mut self, pair: &Pair) {
        let newer = &pair.newer;
        // The clock may have been set since the sample before.
        let interval = interval_ns(&pair.rates());
        let interval = SignedDuration::from_nanos(interval.unwrap_or(0));
        let before = newer.time.saturating_sub(interval);
        self.axis = Axis::new(before.unwrap_or(self.since).max(self.since));
        if let Some(before) = self.before.take() {
            self.happened.begin(&before);
        }
    }

    /// Adds the time since the sample before, which is this many nanoseconds if both are of one boot.
    fn add_gap(&mut self, time: Timestamp, interval: Option<i64>) {
        let from = match interval {
            Some(ns) => time.saturating_sub(SignedDuration::from_nanos(ns)),
            None if self.samples > 0 => Ok(self.last.time),
            None => Ok(self.since),
        };
        self.gaps.add(from.unwrap_or(time).max(self.since), time);
    }

    /// Ends the report: events that were held back are reported.
    pub fn finish(&mut self, left_out: usize) {
        self.left_out = left_out;
        if let Some(first) = self.first.take() {
            self.count(&first);
        }
        self.gaps.add(self.end, self.until);
        self.happened.finish();
    }

    /// Returns all figures.
    fn all(&mut self) -> impl Iterator<Item = &mut Series> {
        let domains = self.domains.values_mut();
        let figures = domains.flat_map(|domain| domain.figures.values_mut());
        let host = [&mut self.memory, &mut self.memory_free];
        figures.chain(&mut self.pcpus).chain(host)
    }

    fn put_before(&mut self, columns: usize) {
        self.all().for_each(|series| series.put_before(columns));
        for check in self.checks.values_mut() {
            check.verdicts.splice(0..0, vec![None; columns]);
        }
    }

    fn double(&mut self) {
        self.all().for_each(Series::double);
        for check in self.checks.values_mut() {
            let pairs = check.verdicts.chunks(2);
            check.verdicts = pairs
                .map(|pair| pair.iter().copied().max().flatten())
                .collect();
        }
    }

    fn figures(
        &mut self,
        sample: Sample<'_>,
        older: &Snapshot,
        Interval { from, states_from }: Interval,
    ) {
        let to = sample.snapshot.time;
        let host = &sample.snapshot.host;
        self.pcpus
            .resize_with(host.pcpu.len().max(self.pcpus.len()), Series::default);
        for (column, ns) in self.axis.over(from, to) {
            for (series, pcpu) in self.pcpus.iter_mut().zip(sample.host().pcpus()) {
                series.add(column, pcpu.cpu_percent.map(|rate| rate.value), ns);
            }
        }
        for (column, ns) in self.axis.over(states_from, to) {
            self.memory.add(column, Some(host.memory_bytes as f64), ns);
            self.memory_free
                .add(column, Some(host.memory_free_bytes as f64), ns);
        }
        let mut troubles = pressure::sufferers(sample);
        troubles.sort_by_key(|one| one.place);
        let mut troubles = troubles.into_iter().peekable();
        let mut keys = BTreeSet::new();
        for (place, one) in sample.domains().enumerate() {
            let trouble = troubles.next_if(|trouble| trouble.place == place);
            let domain = one.domain;
            let name = domain.name.as_deref();
            let is_wanted = |wanted: &Selector| wanted.matches(domain.identity(), name);
            if !self.wanted.is_empty() && !self.wanted.iter().any(is_wanted) {
                continue;
            }
            let course = self
                .domains
                .entry(Key::among(domain, &mut keys))
                .or_insert_with(|| Course {
                    id: domain.id,
                    name: None,
                    figures: EnumMap::default(),
                    troubles: Troubles::default(),
                });
            course.id = domain.id;
            if domain.name.is_some() {
                course.name.clone_from(&domain.name);
            }
            let values = values(one);
            for (figure, value) in values {
                let from = match figure {
                    Figure::Memory => states_from,
                    _ => from,
                };
                for (column, ns) in self.axis.over(from, to) {
                    course.figures[figure].add(column, value, ns);
                }
            }
            if let Some(trouble) = trouble {
                // Before the span, it is none of this report.
                let from = states_from.max(self.since);
                let ns = to.as_nanosecond() - from.as_nanosecond();
                let who = |id| occupant(id, older, sample.snapshot);
                course.troubles.add(trouble, to, ns as f64, who);
            }
        }
    }

    fn verdicts(&mut self, older: &Arc<Snapshot>, newer: &Arc<Snapshot>, from: Timestamp) {
        let Some(found) = self.audits.audit(Some(older), newer) else {
            return;
        };
        let columns: Vec<usize> = self
            .axis
            .over(from, newer.time)
            .map(|(column, _)| column)
            .collect();
        for finding in found.findings {
            if finding.verdict == Verdict::Skipped {
                continue;
            }
            let check = self.checks.entry(finding.check).or_default();
            for &column in &columns {
                if check.verdicts.len() <= column {
                    check.verdicts.resize(column + 1, None);
                }
                let verdict = &mut check.verdicts[column];
                *verdict = (*verdict).max(Some(finding.verdict));
            }
            let before = check.reason.as_ref().map(|(verdict, ..)| *verdict);
            if let Some(reason) = finding.reason
                && finding.verdict >= Verdict::Warning
                && Some(finding.verdict) > before
            {
                check.reason = Some((finding.verdict, newer.time, reason));
            }
        }
    }

    /// Returns the columns.
    pub fn axis(&self) -> &Axis {
        &self.axis
    }

    /// Returns the domains that were seen.
    pub fn domains(&self) -> impl Iterator<Item = &Course> {
        self.domains.values()
    }

    /// Returns the domains with the most of a figure over the whole time, the first with the most; those without any
    /// are left out.
    pub fn most(&self, figure: Figure) -> Vec<&Course> {
        let total = |course: &&Course| course.figures[figure].total();
        let mut all: Vec<&Course> = self
            .domains()
            .filter(|course| total(course) > 0.0)
            .collect();
        all.sort_by(|one, other| total(other).total_cmp(&total(one)));
        all
    }

    /// Returns whether the figure of any domain is known at any time.
    pub fn knows(&self, figure: Figure) -> bool {
        self.domains()
            .any(|course| course.figures[figure].mean().is_some())
    }

    /// Returns the domains that suffered, the worst first: by how much and how long they suffered.
    pub fn sufferers(&self) -> Vec<&Course> {
        let suffers = |course: &&Course| !course.troubles.is_empty();
        let mut all: Vec<&Course> = self.domains().filter(suffers).collect();
        let order = |course: &Course| (course.troubles.severity, course.troubles.any_ns);
        all.sort_by(|one, other| {
            let ((severity, any), (others, other_any)) = (order(one), order(other));
            others.total_cmp(&severity).then(other_any.total_cmp(&any))
        });
        all
    }

    /// Returns the use of each pCPU in per cent.
    pub fn pcpus(&self) -> &[Series] {
        &self.pcpus
    }

    /// Returns the host's memory in bytes, and how much of it is free.
    pub fn memory(&self) -> (&Series, &Series) {
        (&self.memory, &self.memory_free)
    }

    /// Returns the verdicts of each check that was made.
    pub fn checks(&self) -> &BTreeMap<&'static str, Checked> {
        &self.checks
    }

    /// Returns what happened, and how many more events were left out: the first 2,000 that are marks are kept, see
    /// [`is_mark`], and the first 400 others.
    pub fn events(&self) -> (&[Event], LeftOut) {
        self.happened.events()
    }

    /// Returns the selectors that it is restricted to; none if it is about all domains.
    pub fn wanted(&self) -> &[Selector] {
        &self.wanted
    }

    /// Returns the times that it was asked about.
    pub fn asked(&self) -> (Timestamp, Timestamp) {
        (self.since, self.until)
    }

    /// Returns the times of these in which nothing was recorded: those that are longer than usual between samples.
    pub fn gaps(&self) -> Vec<(Timestamp, Timestamp)> {
        self.gaps.all()
    }

    /// Returns how many snapshots follow another one of the same boot, so that figures are known.
    pub fn measured(&self) -> usize {
        self.measured
    }

    /// Returns how many snapshots it is made of.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Returns how many snapshots were left out, because their time is outside the span.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Returns the latest time of a snapshot.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// Returns the last snapshot.
    pub fn last(&self) -> &Snapshot {
        &self.last
    }
}
