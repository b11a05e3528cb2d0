//! The context that widgets draw in, and the trait that they implement.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;

use super::action::Action;
use super::cells::Row;
use super::columns::{Column, shown};
use super::digest::Digest;
use super::glyphs::nothing;
use super::history::Histories;
use super::news::News;
use super::settings::Settings;
use super::strip::Strip;
use super::theme::{Role, Terminal};
use crate::events::Event;
use crate::snapshot::Collect;
use crate::view::domain::SCHEDULER_NOT_RECORDED;
use crate::view::events::line_at;
use crate::view::{DisplayOptions, Sample};

/// A key and its effect.
pub(super) type Hint = (&'static str, &'static str);

/// What a recording may lack, as the screen calls it.
pub(super) const VCPUS: &str = "vCPUs";
/// The same of scheduling parameters.
pub(super) const SCHEDULER: &str = "scheduler";

/// Which sample is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shown {
    /// The newest one.
    #[default]
    Newest,
    /// The one on which the view was paused.
    Paused,
    /// One of a recording.
    Past {
        /// Whether the next ones follow by themselves.
        plays: bool,
    },
}

/// The data that a widget gets to draw a frame or to handle an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// The shown sample; `None` before the first one.
    pub(super) sample: Option<Sample<'a>>,
    /// What follows from it.
    pub(super) digest: &'a Digest,
    /// The measurements up to this sample.
    pub(super) histories: &'a Histories,
    /// What happened up to this sample.
    pub(super) news: &'a News,
    pub(super) settings: &'a Settings,
    pub(super) display: DisplayOptions,
    pub(super) terminal: Terminal,
    pub(super) shown: Shown,
    /// The CPU use around the shown time; `None` unless it is of the past.
    pub(super) strip: Option<&'a Strip>,
    /// The zone of all times.
    pub(super) zone: &'a TimeZone,
    /// The size of the whole screen.
    pub(super) screen: Size,
    /// The widget's part of the screen.
    pub(super) area: Rect,
}

impl<'a> Context<'a> {
    /// Returns the same context for a widget in this area.
    pub(super) fn within(self, area: Rect) -> Self {
        Self { area, ..self }
    }

    /// Returns the columns of the table that the shown sample has something for, and those for which there may be room.
    pub(super) fn columns(self) -> (Vec<Column>, Vec<Column>) {
        let (mut chosen, mut more) = shown(&self.settings.columns, self.is_traced());
        let sort = self.settings.sort;
        // Nobody understands the order of rows without it.
        if !chosen.contains(&sort) && !self.lacks(sort) {
            more.retain(|&column| column != sort);
            let after = |shown: &Column| *shown > sort;
            let place = chosen.iter().position(after).unwrap_or(chosen.len());
            chosen.insert(place, sort);
        }
        if !self.draws() {
            chosen.retain(|column| !column.is_drawn());
        }
        (chosen, more)
    }

    /// Returns whether the shown sample has nothing for a column: it was not traced, or of the past and not recorded.
    pub(super) fn lacks(self, column: Column) -> bool {
        let part = column.part();
        let is_known = |sample: Sample<'_>| sample.snapshot.collected.covers(part);
        (part.state_times || self.is_past()) && !self.sample.is_some_and(is_known)
    }

    /// Formats an event as one line, with its time in the zone of the header.
    pub(super) fn happened(self, event: &Event) -> String {
        let time = self.local(event.time, "%Y-%m-%d %H:%M:%S");
        line_at(&time, event).trim_end().to_owned()
    }

    /// Formats a time as `strftime` does, in the zone of the header.
    pub(super) fn local(self, time: Timestamp, format: &str) -> String {
        let time = time.to_zoned(self.zone.clone());
        time.strftime(format).to_string()
    }

    /// Returns the action that shows the names of domains whole, or no longer.
    pub(super) fn toggle_full_names(self) -> Action {
        Action::Display(DisplayOptions {
            full_name: !self.display.full_name,
            ..self.display
        })
    }

    /// Returns whether it shows the past.
    pub(super) fn is_past(self) -> bool {
        matches!(self.shown, Shown::Past { .. })
    }

    /// Says why there is no ready time, and how to get it.
    pub(super) fn without_ready(self) -> &'static str {
        match self.is_past() {
            true => "ready time was not recorded ('xenscope record --ready' does that)",
            false => "ready time is not measured: R turns it on",
        }
    }

    /// Returns whether bars and charts are drawn.
    pub(super) fn draws(self) -> bool {
        self.settings.theme.draws()
    }

    /// Returns the text for a figure that is zero.
    pub(super) fn nothing(self) -> &'static str {
        match self.draws() {
            true => nothing(self.terminal.unicode),
            false => "0",
        }
    }

    /// Returns whether the shown sample has ready time.
    pub(super) fn is_traced(self) -> bool {
        self.sample
            .is_some_and(|sample| sample.snapshot.collected.state_times)
    }

    /// Returns each domain of the shown sample, in its order.
    pub(super) fn rows(self) -> impl Iterator<Item = Row<'a>> {
        (0..).map_while(move |place| self.row(place))
    }

    /// Returns the domain at this place of the shown sample; `None` past the last one.
    pub(super) fn row(self, place: usize) -> Option<Row<'a>> {
        let one = self.sample?.domain(place)?;
        Some(Row {
            one,
            past: self.histories.of(one.domain.identity()),
            suffers: self.digest.at(place),
        })
    }

    /// Returns the style of a role in the chosen theme.
    pub(super) fn style(self, role: Role) -> Style {
        self.settings.theme.style(self.terminal.depth, role)
    }

    /// Returns the number of lines that a page key moves: half the screen.
    pub(super) fn page(self) -> usize {
        usize::from(self.screen.height / 2).max(1)
    }

    /// Returns when `what`, which the shown sample lacks, will be shown, or how it is recorded.
    pub(super) fn when_shown(self, what: &str) -> &'static str {
        match (self.shown, what) {
            (Shown::Newest, _) => "with the next sample",
            (Shown::Paused, _) => "not in the paused sample",
            (Shown::Past { .. }, VCPUS) => "not recorded ('xenscope record --vcpus' does that)",
            (Shown::Past { .. }, SCHEDULER) => SCHEDULER_NOT_RECORDED,
            (Shown::Past { .. }, _) => "not recorded",
        }
    }
}

/// A widget between the header and the last line.
pub(super) trait Widget {
    /// Draws the widget in its area.
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer);

    /// Handles a key, and returns the actions that it requests from the app.
    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action>;

    /// Scrolls by this many lines; a negative number scrolls up.
    fn scroll(&mut self, lines: isize);

    /// Handles a click, and returns the actions that it requests from the app.
    fn click(&mut self, _context: Context<'_>, _at: Position) -> Vec<Action> {
        Vec::new()
    }

    /// Returns the line of its area that has what is chosen; `None` if nothing is.
    fn chosen_line(&self, _context: Context<'_>) -> Option<usize> {
        None
    }

    /// Returns what a sample must collect for this widget, in addition to the table's columns.
    fn collect(&self) -> Collect {
        Collect::default()
    }

    /// Returns the keys to show in the last line, the most useful first.
    fn hints(&self) -> &'static [Hint];
}
