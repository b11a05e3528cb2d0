//! What limits the rows of the table, and of the panes over all domains.

use crate::filter::{Filter, Row};
use crate::text::safe;
use crate::view::tui::context::Context;

/// What limits the rows.
#[derive(Clone, Debug, Default)]
pub(in crate::view::tui) struct Limits {
    /// The filter as it was typed.
    pub(in crate::view::tui) text: String,
    /// The filter for domains; empty if it compares figures that only the rows of a pane have.
    pub(in crate::view::tui) filter: Filter,
    /// Whether only domains that suffer are shown.
    pub(in crate::view::tui) hurting: bool,
}

impl Limits {
    /// Returns whether nothing limits them.
    pub(in crate::view::tui) fn is_empty(&self) -> bool {
        self.has_no_filter() && !self.hurting
    }

    /// Returns whether there is no filter.
    pub(in crate::view::tui) fn has_no_filter(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Returns whether a row is shown that belongs to the domain at this place of the snapshot. `filter` is the one for
    /// such rows.
    pub(in crate::view::tui) fn pass(
        &self,
        context: Context<'_>,
        place: Option<usize>,
        filter: &Filter,
        row: Row<'_>,
    ) -> bool {
        let domain = || context.row(place?);
        self.is_empty()
            || domain().is_some_and(|domain| {
                filter.matches(domain.one, Some(row)) && (!self.hurting || domain.suffers.is_some())
            })
    }

    /// Formats them, and how many of all rows are shown; `None` if nothing limits them. `no_filter_of` are the rows that
    /// lack the figures of the filter.
    pub(in crate::view::tui) fn text(
        &self,
        counts: (usize, usize),
        no_filter_of: Option<&str>,
    ) -> Option<String> {
        let mut parts = Vec::new();
        if !self.has_no_filter() {
            let text = safe(&self.text);
            parts.push(match no_filter_of {
                Some(what) => format!("/{text} (no figure of {what})"),
                None => format!("/{text}"),
            });
        }
        if self.hurting {
            parts.push("hurting only".to_owned());
        }
        match (parts.is_empty(), no_filter_of) {
            (true, _) => None,
            (false, Some(_)) if !self.hurting => Some(parts.join("  ")),
            (false, _) => Some(format!("{} ({})", parts.join("  "), found(counts))),
        }
    }
}

/// Formats how many of all are shown, such as `3 of 12`.
pub(in crate::view::tui) fn found((count, all): (usize, usize)) -> String {
    match count {
        0 => "no match".to_owned(),
        count => format!("{count} of {all}"),
    }
}
