//! What a widget sees of the rest, and what it can do.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;

use super::action::Action;
use super::history::Histories;
use super::preferences::Settings;
use super::theme::{Role, Terminal};
use crate::snapshot::Collect;
use crate::view::{DisplayOptions, Sample};

/// A key, and what it does.
pub(super) type Hint = (&'static str, &'static str);

/// What a widget sees of the rest while it draws a frame or answers an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// The sample that is shown; `None` before the first one.
    pub(super) sample: Option<Sample<'a>>,
    /// What was measured up to this sample.
    pub(super) histories: &'a Histories,
    pub(super) settings: &'a Settings,
    pub(super) display: DisplayOptions,
    pub(super) terminal: Terminal,
    /// Whether the sample is held while newer ones arrive.
    pub(super) paused: bool,
    /// The size of the whole screen.
    pub(super) screen: Size,
    /// The widget's part of the screen.
    pub(super) area: Rect,
}

impl Context<'_> {
    /// Returns the same for a widget in this area.
    pub(super) fn within(self, area: Rect) -> Self {
        Self { area, ..self }
    }

    /// Returns the style of a role in the chosen theme.
    pub(super) fn style(self, role: Role) -> Style {
        self.settings.theme.style(self.terminal.depth, role)
    }

    /// Returns how many lines a page key moves: half the screen.
    pub(super) fn page(self) -> usize {
        usize::from(self.screen.height / 2).max(1)
    }

    /// Says when what the shown sample lacks will be there.
    pub(super) fn comes(self) -> &'static str {
        match self.paused {
            true => "not in the sample that is held",
            false => "with the next sample",
        }
    }
}

/// What has the area between the header and the last line.
pub(super) trait Widget {
    /// Draws the widget in its area.
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer);

    /// Does what a key asks for, and returns what it asks of the app.
    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action>;

    /// Scrolls by so many lines, up if they are negative.
    fn scroll(&mut self, lines: isize);

    /// Does what a click asks for, and returns what it asks of the app.
    fn click(&mut self, _context: Context<'_>, _at: Position) -> Vec<Action> {
        Vec::new()
    }

    /// Returns what has to be collected for it, beyond what the table needs.
    fn collect(&self) -> Collect {
        Collect::default()
    }

    /// Returns the keys that are of use, the most wanted first.
    fn hints(&self) -> &'static [Hint];
}
