//! What keys and the mouse do.

use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::{Position, Size};

use super::action::{Action, Command, Show, suspends};
use super::app::App;
use super::context::Widget;
use super::widgets::column_chooser::ColumnChooser;
use super::widgets::domain_page::DomainPage;
use super::widgets::help::Help;
use super::widgets::pcpus::Pcpus;
use super::widgets::prompt::Prompt;
use super::widgets::{Layout, Over, Pane};
use crate::interval;

impl App {
    /// Does what an event asks for, and returns what is left to the driver.
    pub fn handle(&mut self, event: &Event) -> Option<Command> {
        match event {
            _ if suspends(event) => Some(Command::Suspend),
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                self.widgets.status_line.forget();
                self.touch();
                self.key(*key)
            }
            Event::Mouse(mouse) => {
                self.mouse(*mouse);
                None
            }
            Event::Resize(width, height) => {
                self.size = Size::new(*width, *height);
                self.touch();
                None
            }
            _ => None,
        }
    }

    fn key(&mut self, key: KeyEvent) -> Option<Command> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Some(Command::Quit),
                KeyCode::Char('l') => Some(Command::Redraw),
                // As some terminals have these keys.
                KeyCode::Char('h') => self.plain_key(KeyCode::Backspace),
                KeyCode::Char('j') => self.plain_key(KeyCode::Enter),
                KeyCode::Char(c @ ('u' | 'w')) => match &mut self.widgets.over {
                    Over::Prompt(prompt) => {
                        let actions = prompt.erase(c == 'w');
                        self.apply(actions)
                    }
                    _ => None,
                },
                _ => None,
            };
        }
        if key.modifiers.contains(KeyModifiers::ALT) {
            return None;
        }
        self.plain_key(key.code)
    }

    /// Does what a widget asks for, and returns what is left to the driver.
    fn apply(&mut self, actions: Vec<Action>) -> Option<Command> {
        let mut command = None;
        for action in actions {
            match action {
                Action::Command(one) => command = Some(one),
                Action::Close => self.widgets.over = Over::Nothing,
                Action::Show(show) => self.show(show),
                Action::Move(rows) => {
                    let (context, widgets) = self.parts();
                    widgets.table.go(context, rows);
                }
                Action::Filter(filter) => {
                    let (context, widgets) = self.parts();
                    widgets.table.filter_by(context, &filter);
                }
                Action::Display(display) => self.display = display,
                Action::Interval(interval) => self.set_interval(interval),
                Action::Sort(column) => self.sort_by(column),
                Action::Columns(columns) => self.settings.columns = columns,
                Action::Tell(message) => self.tell(message),
            }
        }
        command
    }

    fn plain_key(&mut self, code: KeyCode) -> Option<Command> {
        match std::mem::take(&mut self.widgets.over) {
            Over::Nothing => self.key_in_pane(code),
            Over::Help(mut help) => {
                let actions = help.key(self.parts().0, code);
                self.widgets.over = Over::Help(help);
                self.apply(actions)
            }
            Over::Columns(mut chooser) => {
                let actions = chooser.key(self.parts().0, code);
                self.widgets.over = Over::Columns(chooser);
                self.apply(actions)
            }
            Over::Prompt(mut prompt) => {
                let actions = prompt.key(code);
                self.widgets.over = Over::Prompt(prompt);
                self.apply(actions)
            }
        }
    }

    /// The keys that mean the same in every pane.
    fn key_in_pane(&mut self, code: KeyCode) -> Option<Command> {
        match code {
            KeyCode::Char('q' | 'Q') => return Some(Command::Quit),
            KeyCode::Char('W') => return Some(Command::Save),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => {
                self.widgets.over = Over::Help(Help::default());
            }
            KeyCode::Char('d' | 'D') => self.widgets.over = Over::Prompt(Prompt::delay()),
            KeyCode::Char('p' | ' ') => self.pause(),
            KeyCode::Char('+') => {
                self.set_interval(interval::longer(self.settings.interval));
            }
            KeyCode::Char('-') => {
                self.set_interval(interval::shorter(self.settings.interval));
            }
            KeyCode::Char('t') => {
                self.settings.theme = self.settings.theme.next();
                self.tell(format!("theme: {}", self.settings.theme.name()));
            }
            KeyCode::Char('P') => self.turn_to(match self.widgets.pane {
                Pane::Pcpus(_) => Pane::Table,
                Pane::Table | Pane::Domain(_) => Pane::Pcpus(Pcpus::default()),
            }),
            _ => {
                let (context, widgets) = self.parts();
                let actions = match &mut widgets.pane {
                    Pane::Domain(page) => page.key(context, code),
                    Pane::Pcpus(pcpus) => pcpus.key(context, code),
                    Pane::Table => widgets.table.key(context, code),
                };
                return self.apply(actions);
            }
        }
        None
    }

    /// Shows something else.
    fn show(&mut self, show: Show) {
        let (context, widgets) = self.parts();
        match show {
            Show::Table => widgets.pane = Pane::Table,
            Show::Domain(identity) => widgets.pane = Pane::Domain(DomainPage::of(identity)),
            Show::Neighbour(rows) => {
                widgets.table.go(context, rows);
                if let Some(chosen) = widgets.table.chosen() {
                    widgets.pane = Pane::Domain(DomainPage::of(chosen));
                }
            }
            Show::Columns(place) => widgets.over = Over::Columns(ColumnChooser::at(place)),
            Show::Filter => widgets.over = Over::Prompt(Prompt::filter(widgets.table.filter())),
        }
    }

    fn mouse(&mut self, mouse: MouseEvent) {
        let by: isize = match mouse.kind {
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::ScrollUp => -3,
            MouseEventKind::Down(MouseButton::Left) => {
                self.click(mouse.column, mouse.row);
                return;
            }
            // Movements are no reason for a new frame.
            _ => return,
        };
        match (&mut self.widgets.over, &mut self.widgets.pane) {
            (Over::Help(help), _) => help.scroll(by),
            (Over::Columns(chooser), _) => chooser.scroll(by),
            (_, Pane::Domain(page)) => page.scroll(by),
            (_, Pane::Pcpus(pcpus)) => pcpus.scroll(by),
            (_, Pane::Table) => self.widgets.table.scroll(by),
        }
        self.touch();
    }

    /// Whether the table can be seen; a question in the last line hides nothing of it.
    fn shows_table(&self) -> bool {
        self.widgets.pane == Pane::Table
            && matches!(self.widgets.over, Over::Nothing | Over::Prompt(..))
    }

    fn click(&mut self, x: u16, y: u16) {
        if !self.shows_table() {
            return;
        }
        let (context, widgets) = self.parts();
        let context = context.within(Layout::of(context.screen).pane);
        let actions = widgets.table.click(context, Position::new(x, y));
        self.apply(actions);
        self.touch();
    }
}
