//! From the state to a frame.

pub(super) mod column_chooser;
mod domain_page;
mod header;
pub(super) mod help;
mod pcpus;
pub(super) mod prompt;
mod status_line;
pub(super) mod table;
pub(super) mod text_page;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use super::app::App;
use super::columns::Column;
use super::context::{Hint, Widget};
use crate::snapshot::Identity;
use crate::view::DisplayOptions;
use column_chooser::ColumnChooser;
use header::Header;
use help::Help;
use prompt::Prompt;
use status_line::{Beside, StatusLine};
use table::Table;
use text_page::TextPage;

/// What the screen shows below the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::view::tui) enum Pane {
    /// All domains.
    #[default]
    Table,
    /// One domain.
    Detail(Identity),
    /// The pCPUs.
    Pcpus,
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
    /// Where the pane or what lies over it is scrolled to, if it is a text.
    pub(super) text: TextPage,
}

impl Widgets {
    pub(super) fn new(display: DisplayOptions) -> Self {
        Self {
            header: Header::default(),
            status_line: StatusLine::default(),
            pane: match display.pcpus {
                true => Pane::Pcpus,
                false => Pane::default(),
            },
            over: Over::default(),
            table: Table::default(),
            text: TextPage::default(),
        }
    }

    /// Returns the keys that are of use here, the most wanted first.
    fn hints(&self) -> &'static [Hint] {
        match (&self.over, self.pane) {
            (Over::Help(help), _) => help.hints(),
            (Over::Columns(chooser), _) => chooser.hints(),
            (_, Pane::Detail(_)) => &[
                ("Esc", "back"),
                ("arrows", "scroll"),
                ("Tab", "next domain"),
                ("p", "pause"),
                ("?", "help"),
                ("q", "quit"),
            ],
            (_, Pane::Pcpus) => &[
                ("P", "back"),
                ("arrows", "scroll"),
                ("p", "pause"),
                ("?", "help"),
                ("q", "quit"),
            ],
            (_, Pane::Table) => &[
                ("?", "help"),
                ("q", "quit"),
                ("/", "filter"),
                ("s", "sort"),
                ("Enter", "detail"),
                ("P", "pCPUs"),
                ("p", "pause"),
                ("+-", "interval"),
                ("c", "columns"),
            ],
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

/// What a person can click at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::view::tui) enum Target {
    /// A column's title.
    Title(Column),
    /// A row of the table.
    Row(usize),
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
    let text = match (&mut widgets.over, widgets.pane) {
        (Over::Help(help), _) => {
            help.draw(pane, buffer);
            None
        }
        (Over::Columns(chooser), _) => {
            chooser.draw(pane, buffer);
            None
        }
        (_, Pane::Detail(identity)) => Some(domain_page::lines(pane, identity)),
        (_, Pane::Pcpus) => Some(pcpus::lines(pane)),
        (_, Pane::Table) => {
            widgets.table.draw(pane, buffer);
            None
        }
    };
    if let Some(lines) = text {
        widgets.text.draw(pane, &lines, buffer);
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
