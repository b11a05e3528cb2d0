//! What keys and the mouse ask for.

use std::time::Duration;

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::columns::Column;
use super::theme::Theme;
use crate::snapshot::Identity;
use crate::view::DisplayOptions;

/// What the driver has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End.
    Quit,
    /// Give the terminal back and stop, until continued.
    Suspend,
    /// Draw every cell anew.
    Redraw,
    /// Write the settings down for the next time.
    Save,
}

/// Returns whether this event asks for [`Command::Suspend`], whatever is on the screen.
pub fn suspends(event: &Event) -> bool {
    matches!(event, Event::Key(KeyEvent { code: KeyCode::Char('z'), modifiers, kind, .. })
        if modifiers.contains(KeyModifiers::CONTROL) && *kind != KeyEventKind::Release)
}

/// What a widget asks of the app.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Give the driver a command.
    Command(Command),
    /// Show something else.
    Show(Show),
    /// Move the table's cursor by so many rows, up if they are negative.
    Move(isize),
    /// Show the domains that pass this filter.
    Filter(String),
    /// Sort by a column, or the other way if the table is sorted by it already.
    Sort(Column),
    /// Show these columns.
    Columns(Vec<Column>),
    /// Show this beside the line of each domain.
    Display(DisplayOptions),
    /// Sample at this interval.
    Interval(Duration),
    /// Draw in these colours.
    Theme(Theme),
    /// Hold the sample that is shown, or show the newest one again.
    Pause,
    /// Tell the person something.
    Tell(String),
}

/// What can be shown, as a pane or over one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// The table of all domains.
    Table,
    /// The page of this domain.
    Domain(Identity),
    /// The page of the domain so many rows below the table's cursor, which moves there.
    Neighbour(isize),
    /// The page of the pCPUs.
    Pcpus,
    /// The pane without anything over it.
    PaneAlone,
    /// The keys.
    Help,
    /// The list of all columns, with the cursor on the one in this place.
    Columns(usize),
    /// The question for the filter.
    Filter,
    /// The question for the interval.
    Delay,
}
