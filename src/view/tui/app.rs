//! The state of the live view: settings, samples and widgets.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::crossterm::event::{Event, KeyEventKind, MouseButton, MouseEventKind};
use ratatui::layout::{Position, Rect, Size};

use super::action::{Action, Command, suspends};
use super::columns::Column;
use super::context::{Context, Shown, VCPUS};
use super::digest::Digest;
use super::history::Histories;
use super::news::News;
use super::settings::Settings;
use super::strip::{self, Strip};
use super::theme::Terminal;
use super::widgets::Widgets;
use super::widgets::domain_page::DomainPage;
use super::widgets::table::device_rows;
use crate::feed::{Hour, Pair};
use crate::pressure;
use crate::rates::Rates;
use crate::snapshot::{Collect, DiskCounter, Snapshot};
use crate::view::{DisplayOptions, Sample};

#[cfg(test)]
mod tests;

/// The number of lines that one step of the mouse wheel scrolls.
const WHEEL: isize = 3;

/// What measuring ready time costs; docs/waits.md has the figures.
const READY_COSTS: &str =
    "measuring ready time: Xen records each switch of a vCPU; its buffers stay until it reboots";

/// The disk counters that the header shows the sums of, besides those of the reasons why domains suffer.
const HEADER_DISK_COUNTERS: [DiskCounter; 2] = [DiskCounter::ReadBytes, DiskCounter::WriteBytes];

/// A snapshot, the rates since the previous one, and what follows from both.
#[derive(Clone, Debug)]
struct Taken {
    snapshot: Arc<Snapshot>,
    rates: Arc<Rates>,
    digest: Arc<Digest>,
}

impl Taken {
    fn of(pair: &Pair) -> Self {
        let (snapshot, rates) = (Arc::clone(&pair.newer), Arc::new(pair.rates()));
        let digest = Digest::of(Sample {
            snapshot: &snapshot,
            rates: &rates,
        });
        Self {
            snapshot,
            rates,
            digest: Arc::new(digest),
        }
    }
}

/// The newest sample up to a certain time, and what happened up to then.
#[derive(Clone, Debug, Default)]
struct Record {
    taken: Option<Taken>,
    histories: Arc<Histories>,
    news: Arc<News>,
}

impl Record {
    /// Adds a sample. The first sample of a boot clears the histories.
    fn push(&mut self, pair: &Pair) {
        if pair.older.is_none() {
            self.histories = Arc::default();
        }
        let taken = Taken::of(pair);
        Arc::make_mut(&mut self.histories).push(&taken.snapshot, &taken.rates);
        Arc::make_mut(&mut self.news).push(&taken.snapshot);
        self.taken = Some(taken);
    }

    /// Returns the newest sample; `None` before the first one.
    fn sample(&self) -> Option<Sample<'_>> {
        let taken = self.taken.as_ref()?;
        Some(Sample {
            snapshot: &taken.snapshot,
            rates: &taken.rates,
        })
    }
}

/// A sample of the past with its charts, which is put together pair by pair.
#[derive(Debug, Default)]
pub struct PastSample(Record);

impl PastSample {
    /// Adds the next pair, which becomes the sample.
    pub fn push(&mut self, pair: &Pair) {
        self.0.push(pair);
    }
}

/// The live view.
#[derive(Debug)]
pub struct App {
    terminal: Terminal,
    pub(super) settings: Settings,
    display: DisplayOptions,
    /// Whether ready time is measured.
    ready: bool,
    pub(super) widgets: Widgets,
    size: Size,
    live: Record,
    /// The digest before the first sample.
    none: Digest,
    /// The record that is shown instead of the live one, unless the newest sample is shown.
    frozen: Option<Record>,
    shown: Shown,
    /// The hour around the shown sample of the past; `None` until it is known.
    strip: Option<Strip>,
    /// The zone of all times.
    zone: TimeZone,
    changed: bool,
}

impl App {
    /// Returns a live view without a sample.
    pub fn new(settings: Settings, display: DisplayOptions, terminal: Terminal) -> Self {
        let filter = settings.filter.clone();
        let mut app = Self {
            terminal,
            settings,
            display,
            ready: false,
            widgets: Widgets::new(display),
            size: Size::default(),
            live: Record::default(),
            none: Digest::default(),
            frozen: None,
            shown: Shown::Newest,
            strip: None,
            zone: TimeZone::UTC,
            changed: true,
        };
        app.filter(&filter);
        app
    }

    /// Shows only domains that match this filter, see [`filter`](super::filter).
    fn filter(&mut self, text: &str) {
        let (context, widgets) = self.parts();
        widgets.filter_by(context, text);
        // A text that is no filter leaves the one before. One for the rows of a pane is not saved.
        let text = self.widgets.table.filter().text();
        text.clone_into(&mut self.settings.filter);
    }

    /// Shows times of this zone instead of UTC.
    pub fn with_zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }

    /// Measures ready time from the start.
    pub fn with_ready(mut self) -> Self {
        self.ready = true;
        self
    }

    /// Adds a new sample, and shows it unless the view is paused or shows the past.
    pub fn take(&mut self, pair: &Pair) {
        self.live.push(pair);
        self.widgets.header.sampled();
        self.changed |= self.widgets.status_line.sampled(None);
        if self.frozen.is_none() {
            self.refresh();
        }
    }

    /// Replaces the newest sample by the same one with more of its parts.
    pub fn fill_in(&mut self, pair: &Pair) {
        self.live.taken = Some(Taken::of(pair));
        if self.frozen.is_none() {
            self.refresh();
        }
    }

    /// Shows the past: the last of these pairs, with charts of all of them. Changes nothing if there are no pairs.
    pub fn jump(&mut self, pairs: &[Pair]) {
        let mut past = PastSample::default();
        pairs.iter().for_each(|pair| past.push(pair));
        self.show_past(past);
    }

    /// Shows a sample of the past. Changes nothing if it has no pair.
    pub fn show_past(&mut self, past: PastSample) {
        if past.0.taken.is_some() {
            self.frozen = Some(past.0);
            self.play(matches!(self.shown, Shown::Past { plays: true }));
        }
    }

    /// Shows the sample after the shown one of the past.
    pub fn follow(&mut self, pair: &Pair) {
        if let Some(record) = &mut self.frozen {
            record.push(pair);
        }
        self.refresh();
    }

    /// Shows that samples of the past follow by themselves, or that they do not.
    pub fn play(&mut self, plays: bool) {
        self.shown = Shown::Past { plays };
        self.refresh();
    }

    /// Shows the newest sample.
    pub fn show_newest(&mut self) {
        (self.frozen, self.shown, self.strip) = (None, Shown::Newest, None);
        self.refresh();
    }

    /// Returns the wall-clock time of the shown sample; `None` before the first one.
    pub fn shown_time(&self) -> Option<Timestamp> {
        self.sample().map(|sample| sample.snapshot.time)
    }

    /// Returns whether the shown sample is of the past.
    pub fn shows_past(&self) -> bool {
        matches!(self.shown, Shown::Past { .. })
    }

    /// Returns how many seconds each column is long of the hour that [`App::show_hour`] shows; `None` if the screen has no
    /// room for it, and before the first frame.
    pub fn hour_column_s(&self) -> Option<u32> {
        // A theme without drawings has no strip.
        let is_drawn = self.settings.theme.draws();
        strip::column_s(self.size).filter(|_| is_drawn)
    }

    /// Shows the CPU use in the hour around the shown sample of the past.
    pub fn show_hour(&mut self, hour: &Hour) {
        self.strip = Some(Strip::of(hour));
        self.changed = true;
    }

    /// Reports in the last line that a sample failed, and why.
    pub fn fail(&mut self, why: String) {
        self.changed |= self.widgets.status_line.sampled(Some(why));
    }

    /// Counts samples that were skipped because the previous one took too long.
    pub fn skip(&mut self, samples: u64) {
        self.widgets.header.skip(samples);
        self.changed = true;
    }

    /// Shows a message in the last line until the next key.
    pub fn tell(&mut self, message: String) {
        self.widgets.status_line.tell(message);
        self.changed = true;
    }

    /// Returns what the screen needs but the shown sample lacks; `None` if it lacks nothing.
    fn missing(&self) -> Option<&'static str> {
        let (wanted, snapshot) = (self.collect(), self.sample()?.snapshot);
        let collected = snapshot.collected;
        let one = wanted.focus.filter(|&one| snapshot.find(one).is_some());
        let shows_table = self.widgets.shows_table();
        let lacks = self.widgets.lacks(collected);
        match one {
            Some(one) if !collected.of(one).covers(DomainPage::DETAILS) => Some("details"),
            None if wanted.vcpus && !collected.vcpus => Some(VCPUS),
            None if lacks.is_some() => lacks,
            None if !collected.covers(self.filter_part()) => Some("figures of the filter"),
            None if shows_table && !collected.covers(device_rows::collect(self.display)) => {
                Some("disks")
            }
            None if shows_table && !collected.covers(self.columns_part()) => Some("columns"),
            _ => None,
        }
    }

    /// Returns the current settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns what the next sample must collect for the current screen.
    pub fn collect(&self) -> Collect {
        let shown = Collect {
            names: true,
            targets: true,
            nics: true,
            driver_domains: true,
            nic_counters: true,
            host: true,
            ..self.widgets.collect()
        };
        shown
            .with_disk_counters(&HEADER_DISK_COUNTERS)
            .with_disk_counters(&pressure::DISK_COUNTERS)
            .and(device_rows::collect(self.display))
            .and(self.columns_part())
            .and(self.filter_part())
            .and(self.ready_part())
    }

    /// Returns what the next sample must collect for the filter, which alone does not trace the host.
    fn filter_part(&self) -> Collect {
        Collect {
            state_times: false,
            ..self.widgets.table.filter().part()
        }
    }

    /// Returns what the next sample must collect for ready time.
    fn ready_part(&self) -> Collect {
        Collect {
            state_times: self.ready,
            scheduling: self.ready,
            ..Collect::default()
        }
    }

    /// Returns what the next sample must collect for the columns and the sort order.
    fn columns_part(&self) -> Collect {
        let columns = self.settings.columns.iter().chain([&self.settings.sort]);
        // A column alone does not trace the host.
        let parts = columns
            .map(|column| column.part())
            .filter(|part| !part.state_times);
        parts.fold(Collect::default(), Collect::and)
    }

    /// Returns whether the screen changed since the last call.
    pub fn changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Marks the screen as changed, so that the next frame is drawn.
    pub fn touch(&mut self) {
        self.changed = true;
    }

    /// Returns the shown sample; `None` before the first one.
    pub(super) fn sample(&self) -> Option<Sample<'_>> {
        self.record().sample()
    }

    /// Returns the newest snapshot; `None` before the first one.
    #[cfg(test)]
    pub(super) fn newest(&self) -> Option<Arc<Snapshot>> {
        let taken = self.live.taken.as_ref()?;
        Some(Arc::clone(&taken.snapshot))
    }

    /// Returns the context of a widget that covers the whole screen, and the widgets.
    pub(super) fn parts(&mut self) -> (Context<'_>, &mut Widgets) {
        // Not `record()`, because it would also borrow the widgets.
        let record = self.frozen.as_ref().unwrap_or(&self.live);
        let taken = record.taken.as_ref();
        let context = Context {
            sample: record.sample(),
            digest: taken.map_or(&self.none, |taken| &taken.digest),
            histories: &record.histories,
            news: &record.news,
            settings: &self.settings,
            display: self.display,
            terminal: self.settings.theme.of(self.terminal),
            shown: self.shown,
            strip: self.strip.as_ref(),
            zone: &self.zone,
            screen: self.size,
            area: Rect::from((Position::ORIGIN, self.size)),
        };
        (context, &mut self.widgets)
    }

    fn record(&self) -> &Record {
        self.frozen.as_ref().unwrap_or(&self.live)
    }

    /// Pauses on the shown sample, or resumes with the newest one.
    fn pause(&mut self) {
        if self.frozen.is_some() {
            return self.show_newest();
        }
        (self.frozen, self.shown) = (Some(self.live.clone()), Shown::Paused);
        self.refresh();
    }

    /// Rebuilds the rows after the sample or the order changed.
    fn refresh(&mut self) {
        let (context, widgets) = self.parts();
        widgets.refresh(context);
        self.changed = true;
    }

    /// Handles an event, and returns the command that the driver must run.
    pub fn handle(&mut self, event: &Event) -> Option<Command> {
        if suspends(event) {
            return Some(Command::Suspend);
        }
        let (context, widgets) = self.parts();
        let actions = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                widgets.status_line.forget();
                widgets.key(context, *key)
            }
            Event::Mouse(mouse) => match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => {
                    widgets.click(context, Position::new(mouse.column, mouse.row))
                }
                MouseEventKind::ScrollDown => {
                    widgets.scroll(WHEEL);
                    Vec::new()
                }
                MouseEventKind::ScrollUp => {
                    widgets.scroll(-WHEEL);
                    Vec::new()
                }
                // A mouse movement needs no new frame.
                _ => return None,
            },
            Event::Resize(width, height) => {
                self.size = Size::new(*width, *height);
                Vec::new()
            }
            _ => return None,
        };
        self.changed = true;
        let commands = actions.into_iter().filter_map(|action| self.apply(action));
        commands.last()
    }

    /// Applies an action of a widget, and returns the command that the driver must run.
    fn apply(&mut self, action: Action) -> Option<Command> {
        let (context, widgets) = self.parts();
        match action {
            Action::Command(command) => return Some(command),
            Action::Show(show) => widgets.show(context, show),
            Action::Move(rows) => widgets.table.go(context, rows),
            Action::Find(text) => {
                if let Some(problem) = widgets.table.find(context, &text) {
                    self.tell(problem);
                }
            }
            Action::Pin(domain) => widgets.pin(context, domain),
            Action::Filter(filter) => self.filter(&filter),
            Action::Hurting => widgets.show_hurting(context),
            Action::Unlimit if widgets.table.limits().has_no_filter() => {
                widgets.show_hurting(context);
            }
            Action::Unlimit => self.filter(""),
            Action::Sort(column) => self.sort_by(column),
            Action::SortList(column) => widgets.sort_list(context, column),
            Action::Columns(columns) => self.settings.columns = columns,
            Action::Display(display) => self.display = display,
            Action::Interval(interval) => {
                self.settings.interval = interval;
                // A small screen shows the interval nowhere else.
                self.tell(format!("every {} s", interval.as_secs_f64()));
            }
            Action::Theme(theme) => {
                self.settings.theme = theme;
                self.tell(format!("theme: {}", theme.name()));
            }
            Action::Pause => self.pause(),
            Action::Ready => {
                self.ready = !self.ready;
                self.tell(match self.ready {
                    true => READY_COSTS.to_owned(),
                    false => "ready time is no longer measured".to_owned(),
                });
            }
            Action::Tell(message) => self.tell(message),
        }
        None
    }

    /// Sorts by a column; reverses the order if the table is already sorted by it.
    pub(super) fn sort_by(&mut self, column: Column) {
        self.widgets.table.release();
        if self.settings.sort == column {
            self.settings.descending = !self.settings.descending;
        } else {
            self.settings.sort = column;
            self.settings.descending = column.descends();
        }
        self.refresh();
    }
}

/// Draws the live view, and records the size of the screen in it.
pub fn draw(app: &mut App, frame: &mut Frame<'_>) {
    app.size = frame.area().as_size();
    let missing = app.missing();
    let (context, widgets) = app.parts();
    widgets.draw(context, missing, frame);
}
