//! What the live view shows.

use std::time::Duration;

use ratatui::layout::{Position, Rect, Size};

use super::columns::Column;
use super::context::Context;
use super::history::Histories;
use super::preferences::Settings;
use super::theme::Terminal;
use super::widgets::{Pane, Widgets};
use crate::rates::Rates;
use crate::snapshot::{Collect, Snapshot};
use crate::view::{DisplayOptions, Sample};

/// A snapshot, and the rates since the one before.
#[derive(Clone, Debug)]
struct Taken {
    snapshot: Snapshot,
    rates: Rates,
}

/// What was sampled, up to some time.
#[derive(Clone, Debug, Default)]
struct Record {
    taken: Option<Taken>,
    histories: Histories,
}

impl Record {
    /// Returns the newest sample.
    fn sample(&self) -> Option<Sample<'_>> {
        let taken = self.taken.as_ref()?;
        Some(Sample {
            snapshot: &taken.snapshot,
            rates: &taken.rates,
        })
    }
}

/// All that is shown.
#[derive(Debug)]
pub struct App {
    pub(super) terminal: Terminal,
    pub(super) settings: Settings,
    pub(super) display: DisplayOptions,
    pub(super) widgets: Widgets,
    pub(super) size: Size,
    live: Record,
    /// What is shown instead while paused.
    frozen: Option<Record>,
    changed: bool,
}

impl App {
    /// A screen without a sample.
    pub fn new(settings: Settings, display: DisplayOptions, terminal: Terminal) -> Self {
        Self {
            terminal,
            settings,
            display,
            widgets: Widgets::new(display),
            size: Size::default(),
            live: Record::default(),
            frozen: None,
            changed: true,
        }
    }

    /// Takes a new sample.
    pub fn take(&mut self, mut snapshot: Snapshot) {
        let before = self.live.taken.take().map(|taken| taken.snapshot);
        if let Some(before) = &before {
            carry_on(before, &mut snapshot);
        }
        let rates = Rates::between(before.as_ref(), &snapshot);
        self.live.histories.push(&snapshot, &rates);
        self.live.taken = Some(Taken { snapshot, rates });
        self.changed |= self.widgets.status_line.sampled(None);
        if self.frozen.is_none() {
            self.refresh();
        }
    }

    /// Takes note that a sample failed.
    pub fn fail(&mut self, why: String) {
        self.changed |= self.widgets.status_line.sampled(Some(why));
    }

    /// Takes note of samples that were left out because one before them took too long.
    pub fn skip(&mut self, samples: u64) {
        self.widgets.header.skip(samples);
        self.changed = true;
    }

    /// Tells the person something, until the next key.
    pub fn tell(&mut self, message: String) {
        self.widgets.status_line.tell(message);
        self.changed = true;
    }

    /// Changes the interval, and tells it: on a small screen it stands nowhere else.
    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.settings.interval = interval;
        self.tell(format!("every {} s", interval.as_secs_f64()));
    }

    /// Says what the screen shows but the shown sample lacks.
    pub(super) fn awaited(&self) -> Option<&'static str> {
        let (wanted, snapshot) = (self.collect(), self.sample()?.snapshot);
        let collected = snapshot.collected;
        let one = wanted.focus.filter(|&one| snapshot.find(one).is_some());
        let shows_table = self.widgets.pane == Pane::Table;
        match one {
            Some(one) if !collected.of(one).covers(wanted.of(one)) => Some("details"),
            None if wanted.vcpus && !collected.vcpus => Some("vCPUs"),
            None if shows_table && !collected.covers(self.columns_part()) => Some("columns"),
            _ => None,
        }
    }

    /// What a person has chosen.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What has to be collected for what is shown.
    pub fn collect(&self) -> Collect {
        let shown = Collect {
            names: true,
            nics: true,
            disks: true,
            vcpus: self.display.vcpus,
            host: matches!(self.widgets.pane, Pane::Pcpus(_)),
            focus: match &self.widgets.pane {
                Pane::Domain(page) => Some(page.identity()),
                _ => None,
            },
            ..Collect::default()
        };
        shown.and(self.columns_part())
    }

    /// What has to be collected for the columns and their order.
    fn columns_part(&self) -> Collect {
        let columns = self.settings.columns.iter().chain([&self.settings.sort]);
        columns.fold(Collect::default(), |all, column| all.and(column.part()))
    }

    /// Shows another pane, from its top on.
    pub(super) fn turn_to(&mut self, pane: Pane) {
        self.widgets.pane = pane;
        self.changed = true;
    }

    /// Whether something changed since this was asked last.
    pub fn changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Makes the next frame a new one whatever happens.
    pub fn touch(&mut self) {
        self.changed = true;
    }

    /// The sample that is shown.
    pub(super) fn sample(&self) -> Option<Sample<'_>> {
        self.shown().sample()
    }

    /// Returns what a widget sees that has the whole screen, and the widgets.
    pub(super) fn parts(&mut self) -> (Context<'_>, &mut Widgets) {
        // Not `shown()`, which would borrow the widgets too.
        let record = self.frozen.as_ref().unwrap_or(&self.live);
        let context = Context {
            sample: record.sample(),
            histories: &record.histories,
            settings: &self.settings,
            display: self.display,
            terminal: self.terminal,
            paused: self.frozen.is_some(),
            screen: self.size,
            area: Rect::from((Position::ORIGIN, self.size)),
        };
        (context, &mut self.widgets)
    }

    fn shown(&self) -> &Record {
        self.frozen.as_ref().unwrap_or(&self.live)
    }

    /// Holds what is shown, or goes on with the newest sample.
    pub(super) fn pause(&mut self) {
        self.frozen = match self.frozen {
            Some(_) => None,
            None => Some(self.live.clone()),
        };
        self.refresh();
    }

    /// Makes the rows anew, after a change of what they are made from.
    pub(super) fn refresh(&mut self) {
        let (context, widgets) = self.parts();
        widgets.table.refresh(context);
        self.changed = true;
    }

    /// Sorts by a column, or the other way when it is sorted by it already.
    pub(super) fn sort_by(&mut self, column: Column) {
        if self.settings.sort == column {
            self.settings.descending = !self.settings.descending;
        } else {
            self.settings.sort = column;
            self.settings.descending = column.descends();
        }
        self.refresh();
    }
}

/// What is asked for only once, or only now and then, stays as it was: where the pCPUs are, and
/// in what pools. Figures do not: those of the nodes are not known.
fn carry_on(before: &Snapshot, snapshot: &mut Snapshot) {
    let (old, new) = (&before.host, &mut snapshot.host);
    if new.pools.is_some() || old.pcpu.len() != new.pcpu.len() {
        return;
    }
    new.pools.clone_from(&old.pools);
    new.nodes.clone_from(&old.nodes);
    for node in new.nodes.iter_mut().flatten() {
        (node.memory_bytes, node.memory_free_bytes) = (None, None);
    }
    for (old, new) in old.pcpu.iter().zip(&mut new.pcpu) {
        (new.socket, new.core, new.node) = (old.socket, old.core, old.node);
    }
}
