//! What keys and the mouse do.

use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Size;

use super::columns::Column;
use super::draw::Target;
use super::interval;
use super::state::{Asked, Over, State};

/// What the driver has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End.
    Quit,
    /// Give the terminal back and stop, until continued.
    Suspend,
    /// Draw every cell anew.
    Redraw,
}

impl State {
    /// Does what an event asks for, and returns what is left to the driver.
    pub fn handle(&mut self, event: &Event) -> Option<Command> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                self.message = None;
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
                KeyCode::Char('z') => Some(Command::Suspend),
                KeyCode::Char('l') => Some(Command::Redraw),
                _ => None,
            };
        }
        match std::mem::take(&mut self.over) {
            Over::Nothing => self.key_in_table(key.code),
            Over::Help => match key.code {
                KeyCode::Char('Q') => Some(Command::Quit),
                _ => None,
            },
            Over::Prompt(asked, text) => {
                self.key_in_prompt(asked, text, key.code);
                None
            }
        }
    }

    fn key_in_table(&mut self, code: KeyCode) -> Option<Command> {
        match code {
            KeyCode::Char('q' | 'Q') => return Some(Command::Quit),
            KeyCode::Char('?' | 'h') => self.over = Over::Help,
            KeyCode::Char('/') => self.over = Over::Prompt(Asked::Filter, self.filter.clone()),
            KeyCode::Char('d' | 'D') => self.over = Over::Prompt(Asked::Delay, String::new()),
            KeyCode::Char('n' | 'N') => self.below.networks = !self.below.networks,
            KeyCode::Char('b' | 'B') => self.below.vbds = !self.below.vbds,
            KeyCode::Char('v' | 'V') => self.below.vcpus = !self.below.vcpus,
            KeyCode::Char('R') => self.below.repeat_header = !self.below.repeat_header,
            KeyCode::Char('p') | KeyCode::Char(' ') => self.pause(),
            KeyCode::Char('+') => {
                self.settings.interval = interval::longer(self.settings.interval);
            }
            KeyCode::Char('-') => {
                self.settings.interval = interval::shorter(self.settings.interval);
            }
            KeyCode::Char('t') => self.settings.theme = self.settings.theme.next(),
            KeyCode::Char('r') => self.sort_by(self.settings.sort),
            KeyCode::Char('s' | 'S' | '>') => self.sort_by_neighbour(1),
            KeyCode::Char('<') => self.sort_by_neighbour(-1),
            KeyCode::Char(digit @ '0'..='9') => {
                // 1 is the first, 0 the tenth.
                let place = (digit as usize - '0' as usize + 9) % 10;
                if let Some(&column) = self.settings.columns.get(place) {
                    self.sort_by(column);
                }
            }
            KeyCode::Esc if self.filter.is_empty() => self.cursor.leave(),
            KeyCode::Esc => {
                self.filter.clear();
                self.refresh();
            }
            _ => self.go(code),
        }
        None
    }

    /// Moves the cursor.
    fn go(&mut self, code: KeyCode) {
        let page = isize::from(self.size.height as i16 / 2).max(1);
        let by = match code {
            KeyCode::Up | KeyCode::Char('k') => -1,
            KeyCode::Down | KeyCode::Char('j') => 1,
            KeyCode::PageUp => -page,
            KeyCode::PageDown => page,
            KeyCode::Home | KeyCode::Char('g') => isize::MIN,
            KeyCode::End | KeyCode::Char('G') => isize::MAX,
            _ => return,
        };
        self.with_cursor(|cursor, snapshot, rows| match by {
            isize::MIN => cursor.choose(0, snapshot, rows),
            isize::MAX => cursor.choose(usize::MAX, snapshot, rows),
            by => cursor.go(by, snapshot, rows),
        });
    }

    /// Sorts by the column before or after the one that it is sorted by.
    fn sort_by_neighbour(&mut self, by: isize) {
        let columns: Vec<Column> = self
            .settings
            .columns
            .iter()
            .copied()
            .filter(|column| !matches!(column, Column::CpuBar | Column::CpuHistory))
            .collect();
        let Some(count) = isize::try_from(columns.len())
            .ok()
            .filter(|&count| count > 0)
        else {
            return;
        };
        let now = columns
            .iter()
            .position(|&column| column == self.settings.sort);
        let next = now.map_or(0, |now| (now as isize + by).rem_euclid(count) as usize);
        if let Some(&column) = columns
            .get(next)
            .filter(|&&column| column != self.settings.sort)
        {
            self.sort_by(column);
        }
    }

    fn key_in_prompt(&mut self, asked: Asked, mut text: String, code: KeyCode) {
        match code {
            KeyCode::Enter => {
                self.answer(asked, &text);
                return;
            }
            KeyCode::Esc => {
                if asked == Asked::Filter {
                    self.filter.clear();
                    self.refresh();
                }
                return;
            }
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Char(c) => text.push(c),
            KeyCode::Up | KeyCode::Down => self.go(code),
            _ => {}
        }
        if asked == Asked::Filter && self.filter != text {
            self.filter.clone_from(&text);
            self.refresh();
        }
        self.over = Over::Prompt(asked, text);
    }

    fn answer(&mut self, asked: Asked, text: &str) {
        if asked == Asked::Delay && !text.is_empty() {
            match interval::parse(text) {
                Ok(interval) => self.settings.interval = interval,
                Err(why) => self.tell(why),
            }
        }
    }

    fn mouse(&mut self, mouse: MouseEvent) {
        if self.over != Over::Nothing {
            return;
        }
        match mouse.kind {
            MouseEventKind::ScrollDown => {
                self.with_cursor(|cursor, _, rows| cursor.scroll(3, rows));
            }
            MouseEventKind::ScrollUp => {
                self.with_cursor(|cursor, _, rows| cursor.scroll(-3, rows));
            }
            MouseEventKind::Down(MouseButton::Left) => match self.target(mouse.column, mouse.row) {
                Some(Target::Title(column)) => self.sort_by(column),
                Some(Target::Row(row)) => {
                    self.with_cursor(|cursor, snapshot, rows| {
                        cursor.choose(row, snapshot, rows);
                    });
                }
                None => {}
            },
            _ => {}
        }
    }
}
