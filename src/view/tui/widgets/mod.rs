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
use super::context::{Context, Hint};
use super::theme::Role;
use crate::snapshot::Identity;
use crate::text::safe;
use crate::view::DisplayOptions;
use header::Header;
use status_line::{Beside, StatusLine};
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
    pub(super) status_line: StatusLine,
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
            status_line: StatusLine::default(),
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

    /// Returns what the table was filtered by, and how many domains passed.
    fn found(&self, context: Context<'_>) -> Option<String> {
        if self.filter.is_empty() {
            return None;
        }
        let all = context.sample.map_or(0, |s| s.snapshot.domains.len());
        let filter = safe(&self.filter);
        Some(format!("/{filter} ({} of {all})", self.rows.len()))
    }

    /// Returns the keys that are of use here, the most wanted first.
    fn hints(&self) -> &'static [Hint] {
        match (&self.over, self.pane) {
            (Over::Help | Over::Columns(_), _) => &[("Esc", "back"), ("arrows", "move")],
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
    let (context, widgets) = (state.context().within(layout.status), &state.widgets);
    let cursor = match &widgets.over {
        Over::Prompt(asked, text) => status_line::question(context, *asked, text, buffer),
        _ => {
            let beside = Beside {
                filter: widgets.found(context),
                awaited: state.awaited(),
                hints: widgets.hints(),
            };
            widgets.status_line.draw(context, beside, buffer);
            None
        }
    };
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
