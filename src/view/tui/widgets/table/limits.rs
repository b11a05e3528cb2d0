//! What limits the rows of the table, and of the panes over all domains.

use crate::filter::Filter;
use crate::text::safe;
use crate::view::tui::context::Context;

/// What limits the rows.
#[derive(Clone, Debug, Default)]
pub(in crate::view::tui) struct Limits {
    pub(in crate::view::tui) filter: Filter,
    /// Whether only domains that suffer are shown.
    pub(in crate::view::tui) hurting: bool,
}

impl Limits {
    /// Returns whether nothing limits them.
    pub(in crate::view::tui) fn is_empty(&self) -> bool {
        self.filter.is_empty() && !self.hurting
    }

    /// Returns whether the domain at this place of the snapshot is shown, or its device with this
    /// name.
    pub(in crate::view::tui) fn pass(
        &self,
        context: Context<'_>,
        place: Option<usize>,
        device: &str,
    ) -> bool {
        let row = || context.row(place?);
        self.is_empty()
            || row().is_some_and(|row| {
                self.filter.matches(row.one, device) && (!self.hurting || row.suffers.is_some())
            })
    }

    /// Formats them, and how many of all rows are shown; `None` if nothing limits them.
    pub(in crate::view::tui) fn text(&self, counts: (usize, usize)) -> Option<String> {
        let mut parts = Vec::new();
        if !self.filter.is_empty() {
            parts.push(format!("/{}", safe(self.filter.text())));
        }
        if self.hurting {
            parts.push("hurting only".to_owned());
        }
        (!parts.is_empty()).then(|| format!("{} ({})", parts.join("  "), found(counts)))
    }
}

/// Formats how many of all are shown, such as `3 of 12`.
pub(in crate::view::tui) fn found((count, all): (usize, usize)) -> String {
    match count {
        0 => "no match".to_owned(),
        count => format!("{count} of {all}"),
    }
}
