//! The keys of the table of domains.

use ratatui::crossterm::event::KeyCode;

use crate::snapshot::Snapshot;
use crate::view::tui::app::App;
use crate::view::tui::columns::Column;
use crate::view::tui::widgets::column_chooser::ColumnChooser;
use crate::view::tui::widgets::domain_page::DomainPage;
use crate::view::tui::widgets::prompt::Prompt;
use crate::view::tui::widgets::table::{Cursor, shown_columns};
use crate::view::tui::widgets::{Over, Pane};

impl App {
    pub(super) fn key_in_table(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char('/') => {
                self.widgets.over = Over::Prompt(Prompt::filter(self.widgets.table.filter()))
            }
            KeyCode::Char('c') => self.widgets.over = Over::Columns(ColumnChooser::at(0)),
            KeyCode::Char('s') => {
                self.widgets.over = Over::Columns(ColumnChooser::at(self.settings.sort.place()))
            }
            KeyCode::Char('S' | '>') => self.sort_by_neighbour(1),
            KeyCode::Char('<') => self.sort_by_neighbour(-1),
            KeyCode::Char('r') => self.sort_by(self.settings.sort),
            KeyCode::Char('n' | 'N') => self.display.networks = !self.display.networks,
            KeyCode::Char('b' | 'B') => self.display.vbds = !self.display.vbds,
            KeyCode::Char('v' | 'V') => self.display.vcpus = !self.display.vcpus,
            KeyCode::Char('R') => self.display.repeat_header = !self.display.repeat_header,
            KeyCode::Char(digit @ '0'..='9') => {
                // 1 is the first, 0 the tenth.
                let place = (digit as usize - '0' as usize + 9) % 10;
                if let Some(&column) = self.shown_columns().get(place) {
                    self.sort_by(column);
                }
            }
            KeyCode::Enter => self.open(),
            KeyCode::Esc if self.widgets.table.filter().is_empty() => {
                self.with_cursor(|cursor, _, _| cursor.leave())
            }
            KeyCode::Esc => {
                self.filter_by("");
            }
            _ => self.go(code),
        }
    }

    /// Shows all about the chosen domain, or about the first one in sight.
    fn open(&mut self) {
        self.with_cursor(|cursor, snapshot, rows| {
            let row = cursor.row(snapshot, rows).unwrap_or(cursor.top);
            cursor.choose(row, snapshot, rows);
        });
        if let Some(chosen) = self
            .widgets
            .table
            .chosen()
            .filter(|_| !self.widgets.table.rows().is_empty())
        {
            self.turn_to(Pane::Domain(DomainPage::of(chosen)));
        }
    }

    /// Does something with the cursor.
    pub(in crate::view::tui) fn with_cursor(
        &mut self,
        work: impl FnOnce(&mut Cursor, &Snapshot, &[usize]),
    ) {
        let (context, widgets) = self.parts();
        widgets.table.with_cursor(context, work);
        self.touch();
    }

    /// Shows the domains that pass this filter.
    pub(super) fn filter_by(&mut self, filter: &str) {
        let (context, widgets) = self.parts();
        widgets.table.filter_by(context, filter);
        self.touch();
    }

    /// Returns the columns that fit.
    pub(in crate::view::tui) fn shown_columns(&mut self) -> Vec<Column> {
        shown_columns(self.parts().0)
    }

    /// Moves the cursor.
    pub(super) fn go(&mut self, code: KeyCode) {
        let page = isize::try_from(self.parts().0.page()).unwrap_or(1);
        let by = match code {
            KeyCode::Up | KeyCode::Char('k') => -1,
            KeyCode::Down | KeyCode::Char('j') => 1,
            KeyCode::PageUp => -page,
            KeyCode::PageDown => page,
            KeyCode::Home | KeyCode::Char('g') => {
                self.with_cursor(|cursor, snapshot, rows| cursor.choose(0, snapshot, rows));
                return;
            }
            KeyCode::End | KeyCode::Char('G') => {
                self.with_cursor(|cursor, snapshot, rows| {
                    cursor.choose(usize::MAX, snapshot, rows);
                });
                return;
            }
            _ => return,
        };
        self.with_cursor(|cursor, snapshot, rows| cursor.go(by, snapshot, rows));
    }

    /// Sorts by the column before or after the one that it is sorted by.
    fn sort_by_neighbour(&mut self, by: isize) {
        let drawn = |column: &Column| matches!(*column, Column::CPU_BAR | Column::CPU_HISTORY);
        let columns = self.settings.columns.iter().copied();
        let columns: Vec<Column> = columns.filter(|column| !drawn(column)).collect();
        let now = columns
            .iter()
            .position(|&column| column == self.settings.sort);
        let next = match now {
            Some(now) => (now + columns.len()).saturating_add_signed(by) % columns.len(),
            None => 0,
        };
        // `sort_by` would turn the order around.
        if let Some(&column) = columns.get(next).filter(|_| now != Some(next)) {
            self.sort_by(column);
        }
    }
}
