//! The list of all columns, to show, hide and sort by.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::table::shown_columns;
use super::text_page::TextPage;
use crate::view::Sample;
use crate::view::tui::action::{Action, Show};
use crate::view::tui::columns::Column;
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::settings::Settings;
use crate::view::tui::theme::Role;

/// The list of all columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnChooser {
    /// The index of the column under the cursor.
    at: usize,
    text: TextPage,
}

impl ColumnChooser {
    /// Returns the list with the cursor on the column with this index.
    pub(super) fn at(index: usize) -> Self {
        Self {
            at: index,
            text: TextPage::default(),
        }
    }
}

impl Widget for ColumnChooser {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        // The cursor's line stays visible, below the line of keys.
        let line = self.at + 1;
        self.text.keep_visible(line, line, context.area.height);
        self.text.draw(context, &lines(context, self.at), buffer);
    }

    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        let last = Column::all().len() - 1;
        let column = Column::all().nth(self.at);
        self.at = match (code, column) {
            (KeyCode::Esc | KeyCode::Char('c' | 's' | 'q'), _) => {
                return vec![Action::Show(Show::PaneOnly)];
            }
            (KeyCode::Enter, Some(column)) => return sort_by(context, column),
            (KeyCode::Char(' '), Some(column)) => return toggle(context, column),
            (KeyCode::Up | KeyCode::Char('k'), _) => self.at.saturating_sub(1),
            (KeyCode::Down | KeyCode::Char('j'), _) => (self.at + 1).min(last),
            (KeyCode::PageUp | KeyCode::Home, _) => 0,
            (KeyCode::PageDown | KeyCode::End, _) => last,
            _ => self.at,
        };
        Vec::new()
    }

    fn scroll(&mut self, lines: isize) {
        self.text.scroll(lines);
    }

    fn chosen_line(&self, _context: Context<'_>) -> Option<usize> {
        (self.at + 1).checked_sub(self.text.above())
    }

    fn hints(&self) -> &'static [Hint] {
        &[("Esc", "back"), ("arrows", "move")]
    }
}

/// Sorts by a column. Keeps the order if the table is already sorted by it.
fn sort_by(context: Context<'_>, column: Column) -> Vec<Action> {
    let mut actions = vec![Action::Show(Show::PaneOnly)];
    let mut settings = context.settings.clone();
    if settings.sort != column {
        settings.sort = column;
        actions.push(Action::Sort(column));
    }
    if !shows(context, &settings, column) {
        let title = column.shape().titles.0;
        let message = format!("sorted by {title}, which is not shown");
        actions.push(Action::Tell(message));
    }
    actions
}

/// Shows a column, in display order, or hides it. The last shown column cannot be hidden. The columns that the screen
/// shows by itself are then chosen as well, so that no other column goes.
fn toggle(context: Context<'_>, column: Column) -> Vec<Action> {
    let mut settings = context.settings.clone();
    let columns = &mut settings.columns;
    // The sorted column goes when the order changes, unless a wide screen shows it anyway.
    let are_usual = Column::defaults().eq(columns.iter().copied());
    let stays = |one: Column| {
        one != settings.sort || (are_usual && Column::of_wide_screens().any(|wide| wide == one))
    };
    let by_itself = shown_columns(context, 0).into_iter();
    let by_itself: Vec<Column> = by_itself
        .filter(|one| stays(*one) && !columns.contains(one))
        .collect();
    if !by_itself.is_empty() {
        columns.extend(by_itself);
        columns.sort_unstable();
    }
    match columns.iter().position(|&shown| shown == column) {
        Some(_) if columns.len() == 1 => Vec::new(),
        Some(place) => {
            columns.remove(place);
            let mut actions = vec![Action::Columns(settings.columns)];
            if column == settings.sort {
                let title = column.shape().titles.0;
                let message = format!("{title} is shown while the table is sorted by it");
                actions.push(Action::Tell(message));
            }
            actions
        }
        None => {
            let after = |shown: &Column| shown.index() > column.index();
            let place = columns.iter().position(after).unwrap_or(columns.len());
            columns.insert(place, column);
            let fits = shows(context, &settings, column);
            let mut actions = vec![Action::Columns(settings.columns)];
            let title = column.shape().titles.0;
            let traced = |sample: Sample<'_>| sample.snapshot.collected.state_times;
            if column.part().state_times && !context.sample.is_some_and(traced) {
                let message = format!("no {title}: {}", context.without_ready());
                actions.push(Action::Tell(message));
            } else if column.is_drawn() && !settings.theme.draws() {
                let message = format!("this theme does not draw {title}: T changes it");
                actions.push(Action::Tell(message));
            } else if !fits {
                let message =
                    format!("no room for {title}: hide a column, or press Right in the table");
                actions.push(Action::Tell(message));
            }
            actions
        }
    }
}

/// Returns whether the table has room for a column with these settings.
fn shows(context: Context<'_>, settings: &Settings, column: Column) -> bool {
    let context = Context {
        settings,
        ..context
    };
    shown_columns(context, 0).contains(&column)
}

/// Returns the line of keys, and one line for each column; the cursor's line is reversed.
fn lines(context: Context<'_>, at: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(
        "Space shows or hides, Enter sorts, Esc closes; [+] is shown if there is room",
        context.style(Role::Dim),
    )];
    let by_itself = shown_columns(context, 0);
    lines.extend(Column::all().enumerate().map(|(index, column)| {
        let shape = column.shape();
        let shown = match context.settings.columns.contains(&column) {
            true => "[x]",
            false if by_itself.contains(&column) => "[+]",
            false => "[ ]",
        };
        let sorted = match (context.settings.sort == column, context.settings.descending) {
            (false, _) => "",
            (true, true) => "  sorted, highest first",
            (true, false) => "  sorted, lowest first",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::at_work;
    use crate::view::tui::Settings;
    use crate::view::tui::testing::{self, column, key, keys, last, lines, take, watching};

    #[test]
    fn space_shows_and_hides_a_column() {
        let mut app = watching(2);
        keys(&mut app, "cjj ");
        assert!(lines(&mut app, 80, 24)[7].starts_with("[x] TYPE"));
        key(&mut app, KeyCode::Esc);
        let titles = lines(&mut app, 200, 24)[4].clone();
        assert!(titles.contains(" TYPE   VCPUS"), "{titles}");
        keys(&mut app, "c");
        for _ in Column::all() {
            keys(&mut app, " j");
        }
        assert_eq!(
            app.settings().columns.len(),
            Column::all().len() - Column::defaults().count() - 1
        );
        let mut one = testing::app(Settings {
            columns: vec![Column::ID],
            ..Settings::default()
        });
        keys(&mut one, "c ");
        assert_eq!(
            one.settings().columns,
            [Column::ID],
            "the last column stays"
        );
    }

    #[test]
    fn a_change_takes_no_other_column_away() {
        let mut app = watching(2);
        lines(&mut app, 200, 60);
        let titles = |app: &mut crate::view::tui::App| {
            let shown = shown_columns(app.parts().0, 0).into_iter();
            shown.map(Column::key).collect::<Vec<_>>()
        };
        let before = titles(&mut app);
        assert!(
            before.contains(&"type") && before.contains(&"pool"),
            "{before:?}"
        );
        keys(&mut app, "cjj");
        let list = lines(&mut app, 200, 60).join("\n");
        assert!(
            list.contains("[+] TYPE") && list.contains("[ ] STATE") && list.contains("[x] NAME"),
            "{list}"
        );
        keys(&mut app, "j ");
        key(&mut app, KeyCode::Esc);
        let mut after = titles(&mut app);
        assert!(after.contains(&"state"), "{after:?}");
        after.retain(|title| *title != "state");
        assert_eq!(after, before);
        // Nor does it if it is the sorted one.
        let pool = column("pool");
        let mut sorted = testing::app(Settings {
            sort: pool,
            ..Settings::default()
        });
        let (old, new) = at_work(2);
        take(&mut sorted, old);
        take(&mut sorted, new);
        lines(&mut sorted, 200, 60);
        keys(&mut sorted, "cjjj ");
        assert!(sorted.settings().columns.contains(&pool));
        // One that was shown by itself can be hidden.
        keys(&mut app, "cjj ");
        key(&mut app, KeyCode::Esc);
        let after = titles(&mut app);
        assert!(!after.contains(&"type"), "{after:?}");
        assert_eq!(after.len(), before.len());
    }

    #[test]
    fn column_without_room_is_reported() {
        let mut app = watching(12);
        lines(&mut app, 80, 24);
        // TYPE replaces the history.
        keys(&mut app, "cjj ");
        key(&mut app, KeyCode::Esc);
        let titles = lines(&mut app, 80, 24)[4].clone();
        assert!(
            titles.contains(" TYPE ") && !titles.contains("PAST"),
            "{titles}"
        );
        assert!(last(&mut app).starts_with("? help"));
        keys(&mut app, "c");
        for _ in 0..column("uuid").index() {
            keys(&mut app, "j");
        }
        keys(&mut app, " ");
        assert_eq!(
            last(&mut app),
            "no room for UUID: hide a column, or press Right in the table"
        );
        assert!(lines(&mut app, 200, 24)[23].starts_with("no room"));
        key(&mut app, KeyCode::Esc);
        let titles = lines(&mut app, 80, 24)[4].clone();
        assert!(
            titles.contains(" TYPE ") && !titles.contains("UUID"),
            "{titles}"
        );
    }

    #[test]
    fn chosen_column_is_shown_or_reported() {
        use crate::view::tui::widgets::table::shown_columns;
        for added in Column::all() {
            if Column::defaults().any(|default| default == added) {
                continue;
            }
            let mut app = watching(12);
            lines(&mut app, 80, 24);
            keys(&mut app, "c");
            for _ in 0..added.index() {
                keys(&mut app, "j");
            }
            keys(&mut app, " ");
            let told = last(&mut app);
            let reported = told.starts_with("no room") || told.ends_with("R turns it on");
            let expected = added == column("uuid") || added.part().state_times;
            assert_eq!(reported, expected, "{added:?}");
            assert_ne!(reported, shown_columns(app.parts().0, 0).contains(&added));
        }
    }
}
