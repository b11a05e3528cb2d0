//! The widgets of the screen, and which of them handles an event.

mod column_chooser;
pub(super) mod domain_page;
mod events;
mod header;
mod help;
mod listing;
mod pcpus;
mod pressure;
mod prompt;
mod status_line;
mod strip;
pub(super) mod table;
mod tabs;
#[cfg(test)]
mod tests;
mod text_page;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Position, Rect, Size};

use super::action::{Action, Command, List, Show, Step};
use super::columns;
use super::context::{Context, Hint, Shown, Widget};
use crate::interval;
use crate::snapshot::{Collect, Identity};
use crate::view::DisplayOptions;
use column_chooser::ColumnChooser;
use domain_page::DomainPage;
use events::EventsPage;
use header::Header;
use help::Help;
use listing::{Lists, SortList};
use pcpus::Pcpus;
use pressure::PressurePage;
use prompt::Prompt;
use status_line::{Extras, StatusLine};
use table::Table;
use tabs::neighbour;

pub use help::help;

/// The keys to show in the last line while the past is shown.
const PAST: [Hint; 7] = [
    ("?", "help"),
    ("q", "quit"),
    ("[ ]", "step"),
    ("{ }", "minute"),
    ("End", "newest"),
    ("space", "play"),
    ("t", "time"),
];

/// The pane below the header.
#[derive(Clone, Debug, Default)]
enum Pane {
    /// All domains.
    #[default]
    Table,
    /// One domain.
    Domain(DomainPage),
    /// The pCPUs.
    Pcpus(Pcpus),
    /// The domains that suffer.
    Pressure(PressurePage),
    /// What happened to domains.
    Events(EventsPage),
    /// All vCPUs, pCPUs, NICs or disks.
    List(List),
}

/// A list, page or prompt that is open over the pane.
#[derive(Clone, Debug, Default)]
enum Overlay {
    #[default]
    Nothing,
    /// The help.
    Help(Help),
    /// The list of all columns.
    Columns(ColumnChooser),
    /// The columns of a list, to sort by one.
    Sort(SortList),
    /// A prompt in the last line, which leaves the pane visible.
    Prompt(Prompt),
}

/// The widgets, and which of them are visible.
#[derive(Debug, Default)]
pub(super) struct Widgets {
    pub(super) header: Header,
    /// The table keeps its state while another pane is shown.
    pub(super) table: Table,
    pub(super) status_line: StatusLine,
    lists: Lists,
    pane: Pane,
    /// The pane that the page of a domain was opened from.
    behind: Pane,
    /// The pane before the one that a key shows and leaves again, such as `w`, and the one behind that.
    before: (Pane, Pane),
    overlay: Overlay,
}

impl Widgets {
    /// Returns the widgets of the first screen.
    pub(super) fn new(display: DisplayOptions) -> Self {
        Self {
            pane: match display.pcpus {
                true => Pane::Pcpus(Pcpus::default()),
                false => Pane::Table,
            },
            ..Self::default()
        }
    }

    /// Returns whether the pane is the table.
    pub(super) fn shows_table(&self) -> bool {
        matches!(self.pane, Pane::Table)
    }

    /// Returns what a sample must collect for the pane.
    pub(super) fn collect(&self) -> Collect {
        match &self.pane {
            Pane::Table => self.table.collect(),
            Pane::Domain(page) => page.collect(),
            Pane::Pcpus(pcpus) => pcpus.collect(),
            Pane::Pressure(page) => page.collect(),
            Pane::Events(page) => page.collect(),
            Pane::List(list) => self.lists.of(*list).collect(),
        }
    }

    /// Returns what a list shows but was not collected; `None` if it lacks nothing or no list is
    /// shown.
    pub(super) fn lacks(&self, collected: Collect) -> Option<&'static str> {
        match self.pane {
            Pane::List(list) => {
                let list = self.lists.of(list);
                (!collected.covers(list.collect())).then(|| list.what())
            }
            _ => None,
        }
    }

    /// Adapts the table and the shown list to another sample or order.
    pub(super) fn refresh(&mut self, context: Context<'_>) {
        self.table.refresh(context);
        if let Pane::List(list) = self.pane {
            let (limits, pinned) = (self.table.limits(), self.table.pinned());
            self.lists.of_mut(list).refresh(context, limits, pinned);
        }
    }

    /// Puts a domain above all others, or back.
    pub(super) fn pin(&mut self, context: Context<'_>, domain: Identity) {
        self.table.pin(domain);
        self.refresh(context);
    }

    /// Sorts the shown list by the column with this index.
    pub(super) fn sort_list(&mut self, context: Context<'_>, column: usize) {
        if let Pane::List(list) = self.pane {
            self.lists.of_mut(list).sort_by(context, column);
        }
    }

    /// Shows only what suffers, or all again.
    pub(super) fn show_hurting(&mut self, context: Context<'_>) {
        self.table.show_hurting();
        self.refresh(context);
    }

    /// Shows only what matches this filter.
    pub(super) fn filter_by(&mut self, context: Context<'_>, filter: &str) {
        let problem = match self.pane {
            Pane::List(list) => self.lists.of(list).problem(filter),
            _ => columns::filter(filter).err(),
        };
        self.table.filter_by(filter, problem);
        self.refresh(context);
    }

    /// Returns the visible widget below the header.
    fn front(&mut self) -> &mut dyn Widget {
        match (&mut self.overlay, &mut self.pane) {
            (Overlay::Help(help), _) => help,
            (Overlay::Columns(chooser), _) => chooser,
            (Overlay::Sort(list), _) => list,
            (Overlay::Nothing | Overlay::Prompt(_), Pane::Table) => &mut self.table,
            (Overlay::Nothing | Overlay::Prompt(_), Pane::Domain(page)) => page,
            (Overlay::Nothing | Overlay::Prompt(_), Pane::Pcpus(pcpus)) => pcpus,
            (Overlay::Nothing | Overlay::Prompt(_), Pane::Pressure(page)) => page,
            (Overlay::Nothing | Overlay::Prompt(_), Pane::Events(page)) => page,
            (Overlay::Nothing | Overlay::Prompt(_), Pane::List(list)) => self.lists.of_mut(*list),
        }
    }

    /// Returns the keys to show in the last line. In the past, a pane keeps the two that matter most to it.
    fn hints(&mut self, context: Context<'_>) -> Vec<Hint> {
        let is_table = matches!(self.pane, Pane::Table);
        let has_overlay = !matches!(self.overlay, Overlay::Nothing);
        let own = self.front().hints().iter();
        match context.is_past() && !has_overlay {
            true if is_table => PAST.to_vec(),
            true => own.take(2).chain(&PAST).copied().collect(),
            false => own.copied().collect(),
        }
    }

    /// Draws the screen. `missing` names what the pane needs but the sample lacks.
    pub(super) fn draw(
        &mut self,
        context: Context<'_>,
        missing: Option<&'static str>,
        frame: &mut Frame<'_>,
    ) {
        let layout = self.layout(context);
        let pane = context.within(layout.pane);
        let last = context.within(layout.status_line);
        let buffer = frame.buffer_mut();
        self.header.draw(context.within(layout.header), buffer);
        strip::draw(context.within(layout.strip), buffer);
        if matches!(
            (&self.overlay, &self.pane),
            (Overlay::Nothing | Overlay::Prompt(_), Pane::Table)
        ) {
            self.table.bring_in_sight(pane);
        }
        self.front().draw(pane, buffer);
        if let Some(tab) = self.shown_tab(context.screen) {
            let extent = match self.pane {
                Pane::List(list) => self.lists.of(list).extent(pane),
                // They show it elsewhere.
                _ => String::new(),
            };
            tabs::draw(context.within(layout.tabs), tab, &extent, buffer);
        }
        let cursor = match &self.overlay {
            Overlay::Prompt(prompt) => {
                let is_empty = self.table.limits().has_no_filter();
                let found = match (self.table.problem(), is_empty) {
                    (Some(problem), _) => Err(problem.to_string()),
                    (None, true) => Ok(None),
                    (None, false) => Ok(Some(self.counts(pane))),
                };
                prompt.draw(last, found, buffer)
            }
            Overlay::Nothing | Overlay::Help(_) | Overlay::Columns(_) | Overlay::Sort(_) => {
                let extras = Extras {
                    // A list or page that covers the rows has nothing to do with them.
                    filter: match self.overlay {
                        Overlay::Nothing => self.found(pane),
                        _ => None,
                    },
                    missing,
                    hints: self.hints(context),
                };
                self.status_line.draw(last, extras, buffer);
                None
            }
        };
        // A screen reader reads the line of the cursor.
        let line = match (cursor, context.draws()) {
            (None, false) => Some(self.front().chosen_line(pane).unwrap_or(0)),
            _ => None,
        };
        if !context.terminal.unicode {
            spell_in_ascii(buffer);
        }
        if let Some(x) = cursor {
            frame.set_cursor_position(Position::new(x, layout.status_line.y));
        }
        let line = line.and_then(|line| u16::try_from(line).ok());
        if let Some(line) = line.filter(|&line| line < layout.pane.height) {
            frame.set_cursor_position(Position::new(layout.pane.x, layout.pane.y + line));
        }
    }

    /// Returns how many rows match the filter, and how many there are.
    fn counts(&self, context: Context<'_>) -> (usize, usize) {
        match self.pane {
            Pane::List(list) => self.lists.of(list).counts(),
            _ => self.table.counts(context),
        }
    }

    /// Returns what limits the rows, for the last line; `None` if nothing does.
    fn found(&self, context: Context<'_>) -> Option<String> {
        match self.pane {
            Pane::Table => self.table.found(context),
            Pane::List(list) => {
                let limits = match list {
                    // Nothing limits them.
                    List::Pcpus => None,
                    _ => {
                        let no_filter_of = self.lists.of(list).lacks_figures();
                        let limits = self.table.limits();
                        limits.text(self.counts(context), no_filter_of)
                    }
                };
                let is_held = self.lists.of(list).is_held();
                let held = is_held.then(|| table::HELD.to_owned());
                let pinned = self.table.pinned_text(context);
                let pinned = pinned.filter(|_| list != List::Pcpus);
                let parts: Vec<String> = limits.into_iter().chain(held).chain(pinned).collect();
                (!parts.is_empty()).then(|| parts.join("  "))
            }
            // They show everything.
            Pane::Domain(_) | Pane::Pcpus(_) | Pane::Pressure(_) | Pane::Events(_) => None,
        }
    }

    /// Handles a key, and returns the actions that it requests from the app.
    pub(super) fn key(&mut self, context: Context<'_>, key: KeyEvent) -> Vec<Action> {
        let context = context.within(self.layout(context).pane);
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match (key.code, &mut self.overlay) {
                (KeyCode::Char('c'), _) => vec![Action::Command(Command::Quit)],
                (KeyCode::Char('l'), _) => vec![Action::Command(Command::Redraw)],
                // Some terminals send these for Backspace and Enter.
                (KeyCode::Char('h'), _) => self.plain_key(context, KeyCode::Backspace),
                (KeyCode::Char('j'), _) => self.plain_key(context, KeyCode::Enter),
                (KeyCode::Char('u'), Overlay::Prompt(prompt)) => prompt.erase(false),
                (KeyCode::Char('w'), Overlay::Prompt(prompt)) => prompt.erase(true),
                _ => Vec::new(),
            };
        }
        if key.modifiers.contains(KeyModifiers::ALT) {
            return Vec::new();
        }
        self.plain_key(context, key.code)
    }

    fn plain_key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        match &mut self.overlay {
            // A text that is no filter stays, to be mended.
            Overlay::Prompt(prompt)
                if code == KeyCode::Enter && prompt.filters() && self.table.problem().is_some() =>
            {
                Vec::new()
            }
            Overlay::Prompt(prompt) => prompt.key(context, code),
            Overlay::Help(_) | Overlay::Columns(_) | Overlay::Sort(_) => {
                self.front().key(context, code)
            }
            Overlay::Nothing => {
                let code = of_htop(code);
                match self.key_of_all_panes(context, code) {
                    Some(action) => vec![action],
                    None if matches!(code, KeyCode::F(_)) => {
                        let message = format!("{code} does nothing here; ? shows the keys");
                        vec![Action::Tell(message)]
                    }
                    None => self.front().key(context, code),
                }
            }
        }
    }

    /// Returns the action of a key that works in every pane; `None` for other keys.
    fn key_of_all_panes(&mut self, context: Context<'_>, code: KeyCode) -> Option<Action> {
        let settings = context.settings;
        Some(match code {
            KeyCode::Char('q' | 'Q') => Action::Command(Command::Quit),
            KeyCode::Char('W') => Action::Command(Command::Save),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => Action::Show(Show::Help),
            KeyCode::Char('d' | 'D') => Action::Show(Show::Delay),
            KeyCode::Char('p' | ' ') => match context.shown {
                Shown::Past { .. } => Action::Command(Command::Go(Step::Play)),
                Shown::Newest | Shown::Paused => Action::Pause,
            },
            KeyCode::Char('[') => Action::Command(Command::Go(Step::Previous)),
            KeyCode::Char(']') => Action::Command(Command::Go(Step::Next)),
            KeyCode::Char('{') => Action::Command(Command::Go(Step::Seconds(-60))),
            KeyCode::Char('}') => Action::Command(Command::Go(Step::Seconds(60))),
            KeyCode::End if matches!(context.shown, Shown::Past { .. }) => {
                Action::Command(Command::Go(Step::Newest))
            }
            KeyCode::Char('t') => Action::Show(Show::Time),
            KeyCode::Char('+') => Action::Interval(interval::longer(settings.interval)),
            KeyCode::Char('-') => Action::Interval(interval::shorter(settings.interval)),
            KeyCode::Char('T') => Action::Theme(settings.theme.next()),
            KeyCode::Char('P') => Action::Show(match self.pane {
                Pane::Pcpus(_) => Show::Before,
                _ => {
                    self.remember();
                    Show::Pcpus
                }
            }),
            KeyCode::Char('w') => Action::Show(self.or_back(Show::Pressure)),
            KeyCode::Char('e') => Action::Show(self.or_back(Show::Events)),
            KeyCode::Char('C') => Action::Show(self.or_back(Show::List(List::Vcpus))),
            KeyCode::Char('U') => Action::Show(self.or_back(Show::List(List::Pcpus))),
            KeyCode::Char('I') => Action::Show(self.or_back(Show::List(List::Nics))),
            KeyCode::Char('X') => Action::Show(self.or_back(Show::List(List::Disks))),
            KeyCode::Tab => Action::Show(neighbour(self.leave_by_tab()?, 1)),
            KeyCode::BackTab => Action::Show(neighbour(self.leave_by_tab()?, -1)),
            KeyCode::Char('R') => match context.shown {
                Shown::Past { .. } if context.is_traced() => {
                    Action::Tell("ready time is as it was recorded".to_owned())
                }
                Shown::Past { .. } => Action::Tell(context.without_ready().to_owned()),
                Shown::Newest | Shown::Paused => Action::Ready,
            },
            _ => return None,
        })
    }

    /// Returns the tab of the pane; `None` for the page of a domain, where Tab shows another one.
    fn tab(&self) -> Option<Show> {
        match self.pane {
            Pane::Table => Some(Show::Table),
            Pane::Domain(_) => None,
            // The grid has no tab: it is before the list of the pCPUs.
            Pane::Pcpus(_) => Some(Show::List(List::Vcpus)),
            Pane::Pressure(_) => Some(Show::Pressure),
            Pane::Events(_) => Some(Show::Events),
            Pane::List(list) => Some(Show::List(list)),
        }
    }

    /// Returns the tab to mark in the line of tabs; `None` if there is no such line.
    fn shown_tab(&self, screen: Size) -> Option<Show> {
        let is_covered = !matches!(self.overlay, Overlay::Nothing | Overlay::Prompt(_));
        let least = match self.pane {
            Pane::Domain(_) | Pane::Pcpus(_) => return None,
            // On a small screen, its rows need the line.
            Pane::Table => 30,
            Pane::Pressure(_) | Pane::Events(_) | Pane::List(_) => 6,
        };
        self.tab().filter(|_| !is_covered && screen.height >= least)
    }

    /// Returns the layout of a screen. On a small screen the header shrinks, and the pane gets its lines.
    fn layout(&self, context: Context<'_>) -> Layout {
        let size = context.screen;
        let heights = [
            Header::height(size.height),
            strip::height(context),
            u16::from(self.shown_tab(size).is_some()),
        ];
        let status_line = u16::from(size.height >= 3);
        let mut y = 0;
        let mut lines = |height: u16| {
            let lines = Rect::new(0, y, size.width, height);
            y += height;
            lines
        };
        let [header, strip, tabs] = heights.map(&mut lines);
        Layout {
            header,
            strip,
            tabs,
            pane: lines(size.height - heights.iter().sum::<u16>() - status_line),
            status_line: lines(status_line),
        }
    }

    /// Returns this pane, or the one before if this pane is shown.
    fn or_back(&mut self, pane: Show) -> Show {
        // The grid of the pCPUs has the tab of another pane.
        if self.tab() == Some(pane) && !matches!(self.pane, Pane::Pcpus(_)) {
            return Show::Before;
        }
        self.remember();
        pane
    }

    /// Remembers where the key of the next pane goes back to.
    fn remember(&mut self) {
        self.before = (self.pane.clone(), self.behind.clone());
    }

    /// Returns the tab of the pane that Tab or a click on another tab leaves. The key of the next pane then goes back to
    /// the table.
    fn leave_by_tab(&mut self) -> Option<Show> {
        let tab = self.tab()?;
        self.before = Default::default();
        Some(tab)
    }

    /// Scrolls by this many lines; a negative number scrolls up.
    pub(super) fn scroll(&mut self, lines: isize) {
        self.front().scroll(lines);
    }

    /// Handles a click, and returns the actions that it requests from the app.
    pub(super) fn click(&mut self, context: Context<'_>, at: Position) -> Vec<Action> {
        let layout = self.layout(context);
        match self.shown_tab(context.screen) {
            Some(tab) if layout.tabs.contains(at) => {
                self.before = Default::default();
                let tab = tabs::at(tab, layout.tabs, at.x);
                tab.map(Action::Show).into_iter().collect()
            }
            _ => self.front().click(context.within(layout.pane), at),
        }
    }

    /// Returns the domain that is `by` rows after the shown one in the pane that its page was opened from, and chooses
    /// it there; `None` if there is none.
    fn neighbour(&mut self, context: Context<'_>, by: isize) -> Option<Identity> {
        match &mut self.behind {
            Pane::List(list) => {
                let (limits, pinned) = (self.table.limits(), self.table.pinned());
                let list = self.lists.of_mut(*list);
                // It was not refreshed behind the page.
                list.refresh(context, limits, pinned);
                list.neighbour(context, by)
            }
            Pane::Pressure(page) => {
                let Pane::Domain(shown) = &self.pane else {
                    return None;
                };
                page.neighbour(context, shown.domain(), by)
            }
            _ => {
                self.table.go(context, by);
                self.table.chosen()
            }
        }
    }

    /// Shows another pane, list or prompt.
    pub(super) fn show(&mut self, context: Context<'_>, show: Show) {
        match show {
            Show::Table => self.pane = Pane::Table,
            Show::Domain(identity) => {
                let page = Pane::Domain(DomainPage::of(identity));
                self.behind = std::mem::replace(&mut self.pane, page);
            }
            Show::Back => {
                self.pane = std::mem::take(&mut self.behind);
                self.refresh(context);
            }
            Show::Before => {
                (self.pane, self.behind) = std::mem::take(&mut self.before);
                self.refresh(context);
            }
            Show::List(list) => {
                self.pane = Pane::List(list);
                self.refresh(context);
            }
            Show::Neighbour(rows) => {
                if let Some(domain) = self.neighbour(context, rows) {
                    self.pane = Pane::Domain(DomainPage::of(domain));
                }
            }
            Show::Pcpus => self.pane = Pane::Pcpus(Pcpus::default()),
            Show::Pressure => self.pane = Pane::Pressure(PressurePage::default()),
            Show::Events => self.pane = Pane::Events(EventsPage::default()),
            Show::PaneOnly => self.overlay = Overlay::Nothing,
            Show::Help => self.overlay = Overlay::Help(Help::default()),
            Show::Columns(index) => self.overlay = Overlay::Columns(ColumnChooser::at(index)),
            Show::Sort(list) => {
                let choices = self.lists.of(list).choices(context);
                self.overlay = Overlay::Sort(SortList::of(choices));
            }
            Show::Filter => {
                self.overlay = Overlay::Prompt(Prompt::filter(&self.table.limits().text))
            }
            Show::Find => self.overlay = Overlay::Prompt(Prompt::find()),
            Show::Time => self.overlay = Overlay::Prompt(Prompt::time()),
            Show::Delay => self.overlay = Overlay::Prompt(Prompt::delay()),
        }
    }
}

/// Returns the key that does here what this key does in htop.
fn of_htop(code: KeyCode) -> KeyCode {
    match code {
        KeyCode::F(2) => KeyCode::Char('c'),
        KeyCode::F(3) => KeyCode::Char('f'),
        KeyCode::F(4) => KeyCode::Char('/'),
        KeyCode::F(6) => KeyCode::Char('s'),
        KeyCode::F(10) => KeyCode::Char('q'),
        code => code,
    }
}

/// The areas of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    header: Rect,
    strip: Rect,
    tabs: Rect,
    pane: Rect,
    status_line: Rect,
}

/// Replaces characters outside ASCII. The columns do not move: a wide character becomes one `?`
/// and a blank.
fn spell_in_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        match cell.symbol() {
            "…" => cell.set_char('~'),
            symbol if symbol.is_ascii() => continue,
            _ => cell.set_char('?'),
        };
    }
}
