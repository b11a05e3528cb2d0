//! The actions that keys and the mouse request.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::columns::Column;
use super::theme::Theme;
use crate::snapshot::Identity;
use crate::view::DisplayOptions;

/// A command that the driver of the terminal runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End the program.
    Quit,
    /// Restore the terminal and stop the process until SIGCONT.
    Suspend,
    /// Redraw every cell.
    Redraw,
    /// Save the settings to the configuration file.
    Save,
    /// Show another time.
    Go(Step),
}

/// A step to another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the recorded sample before.
    Previous,
    /// To the recorded sample after.
    Next,
    /// By this many seconds; a negative number goes back.
    Seconds(i64),
    /// To the newest recorded sample up to this time.
    To(Timestamp),
    /// To the newest sample there is.
    Newest,
    /// To one recorded sample after the other, or no longer.
    Play,
}

/// Returns whether this event is ^Z, which suspends xenscope in every pane and prompt.
pub fn suspends(event: &Event) -> bool {
    matches!(event, Event::Key(KeyEvent { code: KeyCode::Char('z'), modifiers, kind, .. })
        if modifiers.contains(KeyModifiers::CONTROL) && *kind != KeyEventKind::Release)
}

/// A change that a widget requests from the app.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Pass a command to the driver.
    Command(Command),
    /// Show another pane, list or prompt.
    Show(Show),
    /// Move the table's cursor by this many rows; a negative number moves it up.
    Move(isize),
    /// Show only the domains that match this filter.
    Filter(String),
    /// Show only domains that suffer, or all again.
    Hurting,
    /// Remove the filter; without one, show also domains that do not suffer.
    Unlimit,
    /// Put this domain above all others in the table and the panes, or back.
    Pin(Identity),
    /// Move the table's cursor to the next domain with this in its name; an empty text is the last one again.
    Find(String),
    /// Sort by a column; reverse the order if the table is already sorted by it.
    Sort(Column),
    /// Sort the shown list by the column with this index; reverse the order if it already is.
    SortList(usize),
    /// Show these columns.
    Columns(Vec<Column>),
    /// Set what the table shows besides one line per domain.
    Display(DisplayOptions),
    /// Set the interval between samples.
    Interval(Duration),
    /// Set the theme.
    Theme(Theme),
    /// Pause on the shown sample, or resume with the newest one.
    Pause,
    /// Begin or end to measure ready time.
    Ready,
    /// Show a message in the last line.
    Tell(String),
}

/// A pane, or a list or prompt that covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// The table of all domains.
    Table,
    /// The page of this domain.
    Domain(Identity),
    /// The page of the domain this many rows below, in the pane that the page was opened from; its cursor moves there.
    Neighbour(isize),
    /// The pane that the page of a domain was opened from.
    Back,
    /// The pane before the one that a key shows and leaves again.
    Before,
    /// The list of all vCPUs, pCPUs, NICs or disks.
    List(List),
    /// The page of the pCPUs.
    Pcpus,
    /// The page of the domains that suffer.
    Pressure,
    /// The page of what happened to domains.
    Events,
    /// The pane, without a list or prompt over it.
    PaneOnly,
    /// The help.
    Help,
    /// The list of all columns, with the cursor on the column with this index.
    Columns(usize),
    /// The columns of a list, to sort by one.
    Sort(List),
    /// The prompt for the filter.
    Filter,
    /// The prompt for the name to find.
    Find,
    /// The prompt for the interval.
    Delay,
    /// The prompt for the time to show.
    Time,
}

/// What a pane over all domains lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Vcpus,
    Pcpus,
    Nics,
    Disks,
}
