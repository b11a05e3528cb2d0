//! All columns, to choose from.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::view::tui::columns::Column;
use crate::view::tui::context::Context;
use crate::view::tui::theme::Role;

/// One line for each column, the one that the cursor is on reversed.
pub(super) fn lines(context: Context<'_>, at: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(
        "Space shows or hides a column, Enter sorts by it, Esc is done",
        context.style(Role::Dim),
    )];
    lines.extend(Column::all().enumerate().map(|(index, column)| {
        let shape = column.shape();
        let shown = match context.settings.columns.contains(&column) {
            true => "[x]",
            false => "[ ]",
        };
        let sorted = match (context.settings.sort == column, context.settings.descending) {
            (false, _) => "",
            (true, true) => "  sorted by it, the greatest first",
            (true, false) => "  sorted by it, the least first",
        };
        let line = Line::from(vec![
            Span::raw(format!("{shown} {:<10} ", shape.titles.0)),
            Span::raw(shape.doc),
            Span::styled(sorted, context.style(Role::Accent)),
        ]);
        match index == at {
            true => line.style(Style::new().add_modifier(Modifier::REVERSED)),
            false => line,
        }
    }));
    lines
}
