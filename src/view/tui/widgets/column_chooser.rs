//! All columns, to choose from.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::view::tui::app::App;
use crate::view::tui::columns::Column;
use crate::view::tui::theme::Role;

/// One line for each column, the one that the cursor is on reversed.
pub(super) fn lines(state: &App, at: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(
        "Space shows or hides a column, Enter sorts by it, Esc is done",
        state.style(Role::Dim),
    )];
    lines.extend(Column::all().enumerate().map(|(index, column)| {
        let shape = column.shape();
        let shown = match state.settings.columns.contains(&column) {
            true => "[x]",
            false => "[ ]",
        };
        let sorted = match (state.settings.sort == column, state.settings.descending) {
            (false, _) => "",
            (true, true) => "  sorted by it, the greatest first",
            (true, false) => "  sorted by it, the least first",
        };
        let line = Line::from(vec![
            Span::raw(format!("{shown} {:<10} ", shape.titles.0)),
            Span::raw(shape.doc),
            Span::styled(sorted, state.style(Role::Accent)),
        ]);
        match index == at {
            true => line.style(Style::new().add_modifier(Modifier::REVERSED)),
            false => line,
        }
    }));
    lines
}
