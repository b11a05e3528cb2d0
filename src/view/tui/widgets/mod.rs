//! From the state to a frame.

pub(super) mod column_chooser;
pub(super) mod domain_page;
mod header;
pub(super) mod help;
pub(super) mod pcpus;
pub(super) mod prompt;
mod status_line;
pub(super) mod table;
mod text_page;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use super::app::App;
use super::context::{Hint, Widget};
use crate::view::DisplayOptions;
use column_chooser::ColumnChooser;
use domain_page::DomainPage;
use header::Header;
use help::Help;
use pcpus::Pcpus;
use prompt::Prompt;
use status_line::{Beside, StatusLine};
use table::Table;

/// What the screen shows below the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::view::tui) enum Pane {
    /// All domains.
    #[default]
    Table,
    /// One domain.
    Domain(DomainPage),
    /// The pCPUs.
    Pcpus(Pcpus),
}

/// What lies over the pane for the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::view::tui) enum Over {
    #[default]
    Nothing,
    /// The keys.
    Help(Help),
    /// All the columns there are.
    Columns(ColumnChooser),
    /// A question in the last line.
    Prompt(Prompt),
}

/// The widgets, and which of them are on the screen.
#[derive(Debug)]
pub(super) struct Widgets {
    pub(super) header: Header,
    pub(super) status_line: StatusLine,
    pub(super) pane: Pane,
    pub(super) over: Over,
    pub(super) table: Table,
}

impl Widgets {
    pub(super) fn new(display: DisplayOptions) -> Self {
        Self {
            header: Header::default(),
            status_line: StatusLine::default(),
            pane: match display.pcpus {
                true => Pane::Pcpus(Pcpus::default()),
                false => Pane::default(),
            },
            over: Over::default(),
            table: Table::default(),
        }
    }

    /// Returns the keys that are of use here, the most wanted first.
    fn hints(&self) -> &'static [Hint] {
        match (&self.over, &self.pane) {
            (Over::Help(help), _) => help.hints(),
            (Over::Columns(chooser), _) => chooser.hints(),
            (_, Pane::Domain(page)) => page.hints(),
            (_, Pane::Pcpus(pcpus)) => pcpus.hints(),
            (_, Pane::Table) => self.table.hints(),
        }
    }
}

pub use help::help;

/// What is where on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    header: Rect,
    pub(super) pane: Rect,
    status_line: Rect,
}

impl Layout {
    /// Returns the layout of a screen. The less there is of it, the more of it is the pane's.
    pub(super) fn of(size: Size) -> Self {
        let header = match size.height {
            0..4 => 0,
            4..16 => 1,
            _ => 4,
        };
        let status_line = u16::from(size.height >= 3);
        let lines = |y: u16, height: u16| Rect::new(0, y, size.width, height);
        Self {
            header: lines(0, header),
            pane: lines(header, size.height - header - status_line),
            status_line: lines(size.height - status_line, status_line),
        }
    }
}

/// Draws the state; the state learns how large the screen is.
pub fn draw(state: &mut App, frame: &mut Frame<'_>) {
    state.size = frame.area().as_size();
    let awaited = state.awaited();
    let (context, widgets) = state.parts();
    let layout = Layout::of(context.screen);
    let pane = context.within(layout.pane);
    widgets.table.bring_in_sight(pane);

    let buffer = frame.buffer_mut();
    widgets.header.draw(context.within(layout.header), buffer);
    match (&mut widgets.over, &mut widgets.pane) {
        (Over::Help(help), _) => help.draw(pane, buffer),
        (Over::Columns(chooser), _) => chooser.draw(pane, buffer),
        (_, Pane::Domain(page)) => page.draw(pane, buffer),
        (_, Pane::Pcpus(pcpus)) => pcpus.draw(pane, buffer),
        (_, Pane::Table) => widgets.table.draw(pane, buffer),
    }
    let last = context.within(layout.status_line);
    let cursor = match &widgets.over {
        Over::Prompt(prompt) => prompt.draw(last, buffer),
        _ => {
            let beside = Beside {
                filter: widgets.table.found(last),
                awaited,
                hints: widgets.hints(),
            };
            widgets.status_line.draw(last, beside, buffer);
            None
        }
    };
    if !context.terminal.unicode {
        spell_in_ascii(buffer);
    }
    if let Some(x) = cursor {
        frame.set_cursor_position(Position::new(x, layout.status_line.y));
    }
}

/// Replaces what the terminal has no glyph for. Its cells stay: a wide character leaves the one
/// after it blank.
fn spell_in_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        match cell.symbol() {
            "…" => cell.set_char('~'),
            symbol if symbol.is_ascii() => continue,
            _ => cell.set_char('?'),
        };
    }
}
