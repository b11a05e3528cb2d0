//! What the panes over all domains have in common.

use uuid::Uuid;

use super::sort_list::Choice;
use crate::filter;
use crate::snapshot::Identity;
use crate::view::tui::context::{Context, Widget};
use crate::view::tui::widgets::table::Limits;

/// A pane over all domains.
pub(in crate::view::tui::widgets) trait ListPane: Widget {
    /// Rebuilds the rows from the sample, the order and what limits them. Those of the pinned domains, by their UUIDs,
    /// are above all others.
    fn refresh(&mut self, context: Context<'_>, limits: &Limits, pinned: &[Uuid]);

    /// Moves the cursor by rows of `by` to that of another domain, and returns that domain; `None` if there is none.
    fn neighbour(&mut self, context: Context<'_>, by: isize) -> Option<Identity>;

    /// Returns how many rows match the filter, and how many there are.
    fn counts(&self) -> (usize, usize);

    /// Returns why a text is no filter of the rows; `None` if it is one.
    fn problem(&self, text: &str) -> Option<filter::Error>;

    /// Returns what it lists, if the filter compares figures that the rows do not have.
    fn lacks_figures(&self) -> Option<&'static str>;

    /// Returns which rows are visible, such as `rows 1-38 of 300 ↓`; an empty text if all are.
    fn extent(&self, context: Context<'_>) -> String;

    /// Returns whether the rows keep their places.
    fn is_held(&self) -> bool;

    /// Returns the columns that it can be sorted by.
    fn choices(&self, context: Context<'_>) -> Vec<Choice>;

    /// Sorts by the column with this index; reverses the order if the rows are already sorted by it.
    fn sort_by(&mut self, context: Context<'_>, column: usize);

    /// Returns what it lists.
    fn what(&self) -> &'static str;
}
