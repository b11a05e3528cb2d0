//! What the panes over all domains have in common.

use super::sort_list::Choice;
use crate::view::tui::context::{Context, Widget};
use crate::view::tui::widgets::table::Limits;

/// A pane over all domains.
pub(in crate::view::tui::widgets) trait ListPane: Widget {
    /// Rebuilds the rows from the sample, the order and what limits them.
    fn refresh(&mut self, context: Context<'_>, limits: &Limits);

    /// Returns how many rows match the filter, and how many there are.
    fn counts(&self) -> (usize, usize);

    /// Returns the columns that it can be sorted by.
    fn choices(&self, context: Context<'_>) -> Vec<Choice>;

    /// Sorts by the column with this index; reverses the order if the rows are already sorted by it.
    fn sort_by(&mut self, context: Context<'_>, column: usize);

    /// Returns what it lists.
    fn what(&self) -> &'static str;
}
