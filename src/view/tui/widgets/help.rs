//! The help: the keys and what they do.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::text::{Line, Span};

use super::text_page::TextPage;
use crate::view::tui::action::{Action, Command, Show};
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::theme::Role;

const KEYS: &[(&str, &str)] = &[
    ("", "everywhere"),
    ("q  Q  ^C", "quit"),
    (
        "?  h  F1",
        "show this help, and what the screen shows (Tab)",
    ),
    ("p  space", "pause and resume"),
    ("+  -", "lengthen, shorten the interval"),
    ("d  D", "enter the interval in seconds"),
    ("P", "show the use of each pCPU; again: go back"),
    ("w", "pressure: which domains hurt, and why; again: go back"),
    ("e", "show what happened to domains; again: go back"),
    (
        "R",
        "measure how long vCPUs wait for a pCPU; again: stop that",
    ),
    ("T", "next theme: usual, colour-blind, plain, screen-reader"),
    ("W", "save columns, order, filter, interval and theme to"),
    ("", "  $XDG_CONFIG_HOME/xenscope/config.toml, or to"),
    ("", "  ~/.config/xenscope/config.toml"),
    ("^L  ^Z", "redraw; suspend (fg resumes)"),
    ("", "in the recording of 'xenscope record'"),
    ("[  ]", "show the sample before, after; {, }: a minute"),
    ("t", "enter the time to show: 03:00, yesterday 14:05, -2h"),
    ("space  End", "play and stop; go back to now"),
    ("", "in a prompt"),
    (
        "Enter  Esc",
        "accept the text; cancel (in the filter: clear it)",
    ),
    ("^U  ^W", "delete the text, or its last word"),
    ("", "in the table"),
    (
        "Up Down  j  k",
        "choose a domain; also PgUp, PgDn, Home, End, g and G",
    ),
    (
        "Right  Left",
        "show columns that there was no room for; go back",
    ),
    ("Enter", "show the page of the chosen domain"),
    ("Esc", "clear the filter, then 'F', then the choice"),
    (
        "/",
        "filter: web, idle, crashed, cpu>50, pool:1; !, &, |, ()",
    ),
    (
        "f",
        "go to the next domain with a text in its name; Enter: again",
    ),
    ("F", "show only domains that hurt; again: all"),
    ("o", "let rows keep their places; again: sort them"),
    (
        "m",
        "keep the chosen domain above all others; again: no longer",
    ),
    (
        "s  c",
        "list all columns: Space shows or hides, Enter sorts",
    ),
    (
        "S  >  <",
        "sort by the next (S, >) or the previous (<) column",
    ),
    (
        "1 to 9  0",
        "sort by the first to tenth shown column; again: reverse",
    ),
    ("r", "reverse the order"),
    ("n  N", "show or hide each domain's NICs"),
    ("b  B", "show or hide each domain's disks"),
    ("v  V", "show or hide each domain's vCPUs"),
    ("H", "show or hide the titles above each domain"),
    (
        "L",
        "show names whole, or as wide as there is room for; also in panes",
    ),
    (
        "mouse",
        "click a title to sort, a row to choose; wheel scrolls",
    ),
    ("", "  hold Shift to select text in the terminal"),
    ("", "all vCPUs, pCPUs, NICs, disks"),
    (
        "Tab",
        "domains, vCPUs, pCPUs, NICs, disks, pressure, events",
    ),
    ("Shift-Tab", "  and backwards; a click on a name too"),
    (
        "C  U  I  X",
        "show all vCPUs, pCPUs, NICs, disks; again: go back",
    ),
    (
        "s  S  >  <",
        "list all columns to sort by; sort by the next, previous",
    ),
    ("1 to 0  r", "sort by the first to tenth column; reverse"),
    ("/  F  o  m", "as in the table"),
    ("", "  /longest>1ms: of the row; else of its domain"),
    ("Enter  Esc", "show the page of the row's domain; go back"),
    ("", "on the page of a domain"),
    (
        "arrows",
        "up, down: scroll; left, right, Tab: the next of the list",
    ),
    ("Esc  Enter", "go back to where it was opened from"),
    ("", "what the screen shows"),
    (
        "HURT",
        "domains that hurt, the worst first, each with its worst reason",
    ),
    ("VCPU", "vCPUs that are online"),
    (
        "CPU%",
        "per cent of one pCPU: 200 % is two pCPUs fully used",
    ),
    (
        "VCP%",
        "the same of its vCPUs: 100 % is all that it can use",
    ),
    (
        "BUSY  PAST",
        "CPU use of its vCPUs, now and over time (HISTORY)",
    ),
    (
        "RAN LOST",
        "the same, then the time in which its vCPUs could not run",
    ),
    (
        "MEAN  PEAK",
        "CPU%: its mean, and the most, over the time that is kept",
    ),
    ("TIME", "CPU time since it was created"),
    (
        "MEM  MAX",
        "memory that it has, that it may have; MEM%: of the host's",
    ),
    (
        "GAP",
        "how far its memory is below its target; in WHY: short",
    ),
    (
        "WHY",
        "why it hurts: cpu: ready; cap: throttled; mem: below target;",
    ),
    ("", "  slot: no free disk slot; disk: slow; net: drops;"),
    ("", "  steal: dom0's steal; crash: has crashed; +: more"),
    (
        "for NAME 9%",
        "of the time it was ready, that domain had the pCPU",
    ),
    (
        "queued",
        "vCPUs that waited for a pCPU, in the mean, not for their cap",
    ),
    ("+", "before an ID: created in the last minute"),
    (
        "RDY%",
        "READY %: time its vCPUs waited for a pCPU: 100 is one vCPU",
    ),
    ("THR%", "time its cap kept its vCPUs from running"),
    (
        "LOST",
        "share of the time they wanted that vCPUs could not run",
    ),
    ("RX  TX", "bytes per second that the guest receives, sends"),
    ("RD  WR", "bytes per second that the guest reads, writes"),
    ("RDS  WRS", "reads and writes per second"),
    (
        "NSLT",
        "NO SLOT/s: requests per second that found no free disk slot",
    ),
    (
        "DROP",
        "packets that NICs dropped, in both directions, per second",
    ),
    ("-", "unknown, or no rate yet: a rate needs two samples"),
    (
        "skipped",
        "a sample was due while the previous one was in progress",
    ),
];

/// Returns the keys and what they do, for the manual page. A text without keys is a heading, or
/// continues the text above if it begins with a space.
pub fn help() -> &'static [(&'static str, &'static str)] {
    KEYS
}

/// The heading of the second page.
const MEANINGS: &str = "what the screen shows";

/// The width from which the help has two columns.
const TWO_COLUMNS: u16 = 150;

/// The help: a page of keys, and one of what the screen shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Help {
    text: TextPage,
    /// Whether the second page is shown.
    meanings: bool,
}

impl Help {
    fn lines(&self, context: Context<'_>) -> Vec<Line<'static>> {
        let split = KEYS.iter().position(|&(_, does)| does == MEANINGS);
        let (keys, meanings) = KEYS.split_at(split.unwrap_or(KEYS.len()));
        let page = if self.meanings { meanings } else { keys };
        let lines: Vec<Line<'static>> = page.iter().map(|entry| line(context, entry)).collect();
        match context.area.width {
            ..TWO_COLUMNS => lines,
            width => side_by_side(lines, usize::from(width / 2)),
        }
    }
}

impl Widget for Help {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        let lines = self.lines(context);
        self.text.draw(context, &lines, buffer);
    }

    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Char('Q') => vec![Action::Command(Command::Quit)],
            KeyCode::Esc | KeyCode::Enter | KeyCode::F(1) | KeyCode::Char('q' | '?' | 'h') => {
                vec![Action::Show(Show::PaneOnly)]
            }
            KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right => {
                *self = Self {
                    text: TextPage::default(),
                    meanings: !self.meanings,
                };
                Vec::new()
            }
            _ => self.text.key(context, code),
        }
    }

    fn scroll(&mut self, lines: isize) {
        self.text.scroll(lines);
    }

    fn hints(&self) -> &'static [Hint] {
        &[
            ("Esc", "back"),
            ("Tab", "keys, or what the screen shows"),
            ("arrows", "move"),
        ]
    }
}

/// Returns the line of an entry of [`KEYS`].
fn line(context: Context<'_>, &(keys, does): &(&'static str, &'static str)) -> Line<'static> {
    match keys {
        "" if !does.starts_with(' ') => Line::styled(does, context.style(Role::Dim)),
        keys => Line::from(vec![
            Span::styled(format!("  {keys:<13} "), context.style(Role::Accent)),
            Span::raw(does),
        ]),
    }
}

/// Returns the lines in two columns, the second half beside the first one.
fn side_by_side(mut lines: Vec<Line<'static>>, width: usize) -> Vec<Line<'static>> {
    let right = lines.split_off(lines.len().div_ceil(2));
    for (left, right) in lines.iter_mut().zip(right) {
        let blank = " ".repeat(width.saturating_sub(left.width()));
        left.push_span(Span::raw(blank));
        let style = right.style;
        left.extend(right.into_iter().map(|span| span.patch_style(style)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tui::columns::Column;
    use crate::view::tui::testing::{key, keys, lines, watching};

    #[test]
    fn what_columns_show_is_said() {
        let said = || KEYS.iter().flat_map(|(keys, _)| keys.split_whitespace());
        for column in Column::defaults().chain(Column::of_wide_screens()) {
            let short = column.shape().titles.1;
            let title = short.strip_suffix("/s").unwrap_or(short);
            let explains_itself = ["ID", "NAME", "TYPE", "STATE", "POOL", "UUID", "MEM%"];
            let is_said = explains_itself.contains(&title) || said().any(|word| word == title);
            assert!(is_said, "{title}");
        }
    }

    #[test]
    fn help_scrolls() {
        let mut app = watching(2);
        keys(&mut app, "?");
        let screen = lines(&mut app, 80, 24);
        assert!(screen[5].contains("quit"), "{screen:?}");
        assert!(screen[22].ends_with(" more"), "{screen:?}");
        let wide = lines(&mut app, 160, 45).join("\n");
        assert!(
            wide.contains("quit") && wide.contains("in the table"),
            "{wide}"
        );
        assert!(!wide.contains(" more"), "{wide}");
        let whole = lines(&mut app, 80, 70).join("\n");
        assert!(!whole.contains('…'), "{whole}");
        lines(&mut app, 80, 24);
        key(&mut app, KeyCode::Tab);
        let screen = lines(&mut app, 80, 24).join("\n");
        assert!(screen.contains("what the screen shows"), "{screen}");
        key(&mut app, KeyCode::End);
        let screen = lines(&mut app, 80, 24);
        assert!(
            screen[4..].iter().any(|line| line.contains("skipped")),
            "{screen:?}"
        );
        keys(&mut app, "q");
        assert!(lines(&mut app, 80, 24)[4].starts_with(" ID NAME"));
    }
}
