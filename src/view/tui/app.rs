//! What the live view shows.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::crossterm::event::{Event, KeyEventKind, MouseButton, MouseEventKind};
use ratatui::layout::{Position, Rect, Size};

use super::action::{Action, Command, suspends};
use super::columns::Column;
use super::context::Context;
use super::history::Histories;
use super::preferences::Settings;
use super::theme::Terminal;
use super::widgets::Widgets;
use crate::feed::Pair;
use crate::rates::Rates;
use crate::snapshot::{Collect, Snapshot};
use crate::view::{DisplayOptions, Sample};

#[cfg(test)]
mod tests;

/// How many lines the mouse wheel scrolls.
const WHEEL: isize = 3;

/// A snapshot, and the rates since the one before.
#[derive(Clone, Debug)]
struct Taken {
    snapshot: Arc<Snapshot>,
    rates: Arc<Rates>,
}

/// What was sampled, up to some time.
#[derive(Clone, Debug, Default)]
struct Record {
    taken: Option<Taken>,
    histories: Arc<Histories>,
}

impl Record {
    /// Adds a sample. Charts begin anew with the first of a boot.
    fn push(&mut self, pair: &Pair) {
        let rates = pair.rates();
        if pair.older.is_none() {
            self.histories = Arc::default();
        }
        Arc::make_mut(&mut self.histories).push(&pair.newer, &rates);
        self.taken = Some(Taken {
            snapshot: Arc::clone(&pair.newer),
            rates: Arc::new(rates),
        });
    }

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
    terminal: Terminal,
    pub(super) settings: Settings,
    display: DisplayOptions,
    pub(super) widgets: Widgets,
    size: Size,
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
    pub fn take(&mut self, pair: &Pair) {
        self.live.push(pair);
        self.changed |= self.widgets.status_line.sampled(None);
        if self.frozen.is_none() {
            self.refresh();
        }
    }

    /// Shows another time: the last of these pairs, with charts of all of them. Shows what it showed
    /// if there is none.
    pub fn jump(&mut self, pairs: &[Pair]) {
        let mut record = Record::default();
        pairs.iter().for_each(|pair| record.push(pair));
        if record.taken.is_some() {
            (self.live, self.frozen) = (record, None);
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

    /// Says what the screen shows but the shown sample lacks.
    fn awaited(&self) -> Option<&'static str> {
        let (wanted, snapshot) = (self.collect(), self.sample()?.snapshot);
        let collected = snapshot.collected;
        let one = wanted.focus.filter(|&one| snapshot.find(one).is_some());
        let shows_table = self.widgets.shows_table();
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
            ..self.widgets.collect()
        };
        shown.and(self.columns_part())
    }

    /// What has to be collected for the columns and their order.
    fn columns_part(&self) -> Collect {
        let columns = self.settings.columns.iter().chain([&self.settings.sort]);
        columns.fold(Collect::default(), |all, column| all.and(column.part()))
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

    /// The newest snapshot.
    #[cfg(test)]
    pub(super) fn newest(&self) -> Option<Arc<Snapshot>> {
        let taken = self.live.taken.as_ref()?;
        Some(Arc::clone(&taken.snapshot))
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
    fn pause(&mut self) {
        self.frozen = match self.frozen {
            Some(_) => None,
            None => Some(self.live.clone()),
        };
        self.refresh();
    }

    /// Makes the rows anew, after a change of what they are made from.
    fn refresh(&mut self) {
        let (context, widgets) = self.parts();
        widgets.table.refresh(context);
        self.changed = true;
    }

    /// Does what an event asks for, and returns what is left to the driver.
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
                // Movements are no reason for a new frame.
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

    /// Does what a widget asks for, and returns what is left to the driver.
    fn apply(&mut self, action: Action) -> Option<Command> {
        let (context, widgets) = self.parts();
        match action {
            Action::Command(command) => return Some(command),
            Action::Show(show) => widgets.show(context, show),
            Action::Move(rows) => widgets.table.go(context, rows),
            Action::Filter(filter) => widgets.table.filter_by(context, &filter),
            Action::Sort(column) => self.sort_by(column),
            Action::Columns(columns) => self.settings.columns = columns,
            Action::Display(display) => self.display = display,
            Action::Interval(interval) => {
                self.settings.interval = interval;
                // On a small screen it stands nowhere else.
                self.tell(format!("every {} s", interval.as_secs_f64()));
            }
            Action::Theme(theme) => {
                self.settings.theme = theme;
                self.tell(format!("theme: {}", theme.name()));
            }
            Action::Pause => self.pause(),
            Action::Tell(message) => self.tell(message),
        }
        None
    }

    /// Sorts by a column, or the other way if the table is sorted by it already.
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

/// Draws the app, which learns how large the screen is.
pub fn draw(app: &mut App, frame: &mut Frame<'_>) {
    app.size = frame.area().as_size();
    let awaited = app.awaited();
    let (context, widgets) = app.parts();
    widgets.draw(context, awaited, frame);
}
