//! From the state to a frame.

mod column_chooser;
mod domain_page;
mod header;
mod help;
mod pcpus;
mod status_line;
pub(super) mod table;
mod text_page;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Style;

use super::app::App;
use super::columns::Column;
use super::theme::Role;
use crate::snapshot::Identity;
use crate::view::DisplayOptions;
use header::Header;
use table::cursor::Cursor;

/// What a person is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::view::tui) enum Asked {
    /// What the domains are to be like.
    Filter,
    /// The interval.
    Delay,
}

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
    Help,
    /// All the columns there are, and which of them the cursor is on.
    Columns(usize),
    /// A question in the status line, and what was answered so far.
    Prompt(Asked, String),
}

/// The widgets, and which of them are on the screen.
#[derive(Debug)]
pub(super) struct Widgets {
    pub(super) header: Header,
    pub(super) pane: Pane,
    pub(super) over: Over,
    /// How many lines of a long text are above the screen.
    pub(super) scroll: usize,
    pub(super) filter: String,
    pub(super) cursor: Cursor,
    /// The rows of the table: places in the shown snapshot.
    pub(super) rows: Vec<usize>,
}

impl Widgets {
    pub(super) fn new(display: DisplayOptions) -> Self {
        Self {
            header: Header::default(),
            pane: match display.pcpus {
                true => Pane::Pcpus,
                false => Pane::default(),
            },
            over: Over::default(),
            scroll: 0,
            filter: String::new(),
            cursor: Cursor::default(),
            rows: Vec::new(),
        }
    }
}

pub use help::help;

/// What is where on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    header: Rect,
    titles: Rect,
    body: Rect,
    status: Rect,
}

impl Layout {
    /// The less there is of the screen, the more of it is the table's.
    fn of(size: Size) -> Self {
        let header = match size.height {
            0..4 => 0,
            4..16 => 1,
            _ => 4,
        };
        let status = u16::from(size.height >= 3);
        let titles = u16::from(size.height >= 2);
        let line = |y: u16, height: u16| Rect::new(0, y, size.width, height);
        Self {
            header: line(0, header),
            titles: line(header, titles),
            body: line(header + titles, size.height - header - titles - status),
            status: line(size.height - status, status),
        }
    }
}

/// What a person can click at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A column's title.
    Title(Column),
    /// A row of the table.
    Row(usize),
}

/// Draws the state; the state learns how large the screen is.
pub fn draw(state: &mut App, frame: &mut Frame<'_>) {
    let area = frame.area();
    state.size = area.as_size();
    state.bring_in_sight();

    let layout = Layout::of(state.size);
    let buffer = frame.buffer_mut();
    let context = state.context();
    let header = &state.widgets.header;
    header.draw(context.within(layout.header), buffer);
    let whole = layout.titles.union(layout.body);
    let context = context.within(whole);
    let text = match (&state.widgets.over, state.widgets.pane) {
        (Over::Help, _) => Some(help::lines(context)),
        (&Over::Columns(at), _) => {
            // The line with the cursor stays in sight, below the one that tells the keys.
            let last = (at + 2).saturating_sub(usize::from(whole.height));
            state.widgets.scroll = state.widgets.scroll.clamp(last, (at + 1).max(last));
            Some(column_chooser::lines(state.context().within(whole), at))
        }
        (_, Pane::Detail(identity)) => Some(domain_page::lines(context, identity)),
        (_, Pane::Pcpus) => Some(pcpus::lines(context)),
        (_, Pane::Table) => None,
    };
    match text {
        Some(lines) => text_page::draw(state, &lines, whole, buffer),
        None => table::draw(state, layout, buffer),
    }
    let cursor = status_line::draw(state, layout.status, buffer);
    if !state.terminal.unicode {
        spell_in_ascii(buffer);
    }
    if let Some(x) = cursor {
        frame.set_cursor_position(Position::new(x, layout.status.y));
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

impl App {
    /// The style for a role in the theme of this state.
    fn style(&self, role: Role) -> Style {
        self.settings.theme.style(self.terminal.depth, role)
    }
}
