//! What the keys do.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::text::{Line, Span};

use super::text_page::TextPage;
use crate::view::tui::action::{Action, Command, Show};
use crate::view::tui::context::{Context, Hint, Widget};
use crate::view::tui::theme::Role;

const KEYS: [(&str, &str); 40] = [
    ("", "everywhere"),
    ("q  Q  ^C", "quit"),
    ("?  h  F1", "this help; q, Esc or Enter leave it"),
    ("p  space", "pause and resume"),
    ("+  -", "a longer, a shorter interval"),
    ("d  D", "give the interval in seconds"),
    ("P", "how busy each pCPU is, and back"),
    ("t", "the next theme: usual, colour-blind, plain"),
    ("W", "write columns, order, interval and theme to"),
    ("", "  $XDG_CONFIG_HOME/xenscope/config.toml, else"),
    ("", "  ~/.config/xenscope/config.toml"),
    ("^L  ^Z", "draw anew; stop (fg goes on)"),
    ("", "where something is asked for"),
    ("Enter  Esc", "take it; leave it, and show all domains"),
    ("^U  ^W", "take back what was typed, or its last word"),
    ("", "in the table"),
    (
        "arrows  j  k",
        "choose a domain; PgUp, PgDn, Home, End, g and G too",
    ),
    ("Enter", "all about the chosen domain"),
    ("Esc", "show all domains; choose none"),
    (
        "/",
        "domains with this in their name, or whose id or uuid begins so",
    ),
    (
        "s  c",
        "all columns: space shows or hides one, Enter sorts by it",
    ),
    ("S  >  <", "sort by the next column, by the one before"),
    (
        "1 to 9  0",
        "sort by the first to the tenth shown column; again: reverse",
    ),
    ("r", "reverse the order"),
    ("n  N", "each domain's NICs below it"),
    ("b  B", "each domain's disks below it"),
    ("v  V", "each domain's vCPUs below it"),
    ("R", "the titles above each domain"),
    (
        "mouse",
        "click a title to sort, a row to choose; the wheel scrolls",
    ),
    ("", "  with Shift it selects text, as without xenscope"),
    ("", "about one domain"),
    (
        "arrows",
        "up and down scroll; left, right and Tab go to the next domain",
    ),
    ("Esc  Enter", "back to the table"),
    ("", "what is what"),
    (
        "CPU %",
        "of one pCPU: a domain that keeps two busy uses 200 %",
    ),
    (
        "BUSY",
        "of what the domain's vCPUs could use; so is HISTORY",
    ),
    ("RX  TX", "bytes per second that the guest received, sent"),
    ("RD  WR", "bytes per second that the guest read, wrote"),
    ("-", "not known, or not yet: rates need two samples"),
    (
        "skipped",
        "a sample was due while one before was still being taken",
    ),
];

/// What each key does, for the manual page: keys and text. Without keys, a text is a heading, or
/// goes on from the one above if it begins with a space.
pub fn help() -> &'static [(&'static str, &'static str)] {
    &KEYS
}

/// The help.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Help {
    text: TextPage,
}

impl Widget for Help {
    fn draw(&mut self, context: Context<'_>, buffer: &mut Buffer) {
        self.text.draw(context, &lines(context), buffer);
    }

    fn key(&mut self, context: Context<'_>, code: KeyCode) -> Vec<Action> {
        match code {
            KeyCode::Char('Q') => vec![Action::Command(Command::Quit)],
            KeyCode::Esc | KeyCode::Enter | KeyCode::F(1) | KeyCode::Char('q' | '?' | 'h') => {
                vec![Action::Show(Show::PaneAlone)]
            }
            _ => {
                self.text.key(context, code);
                Vec::new()
            }
        }
    }

    fn scroll(&mut self, lines: isize) {
        self.text.scroll(lines);
    }

    fn hints(&self) -> &'static [Hint] {
        &[("Esc", "back"), ("arrows", "move")]
    }
}

/// One line for each key; what has no key is a heading or goes on from the line above.
fn lines(context: Context<'_>) -> Vec<Line<'static>> {
    let line = |&(keys, does): &(&'static str, &'static str)| match keys {
        "" if !does.starts_with(' ') => Line::styled(does, context.style(Role::Dim)),
        keys => Line::from(vec![
            Span::styled(format!("  {keys:<13} "), context.style(Role::Accent)),
            Span::raw(does),
        ]),
    };
    KEYS.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tui::testing::{key, keys, lines, watching};

    #[test]
    fn help_scrolls() {
        let mut app = watching(2);
        keys(&mut app, "?");
        let screen = lines(&mut app, 80, 24);
        assert!(screen[5].contains("quit"), "{screen:?}");
        assert!(screen[22].ends_with(" more"), "{screen:?}");
        let whole = lines(&mut app, 80, 60).join("\n");
        assert!(!whole.contains('…'), "{whole}");
        lines(&mut app, 80, 24);
        key(&mut app, KeyCode::End);
        let screen = lines(&mut app, 80, 24);
        assert!(screen[22].contains("skipped"), "{screen:?}");
        keys(&mut app, "q");
        assert!(lines(&mut app, 80, 24)[4].starts_with(" ID NAME"));
    }
}
