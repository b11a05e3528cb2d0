//! Reads the keys, and puts escape sequences together that arrive in two parts.
//!
//! Over a slow line, ESC may arrive before the rest of the sequence of an arrow key. crossterm
//! reports it as the Esc key at once, and then the rest as characters.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{
    self, Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

/// How long after ESC, and after each part of a sequence, the next part may arrive. The Esc key
/// takes effect after this time.
const PART: Duration = Duration::from_millis(100);

/// The longest sequence, a click far to the right.
const MAX_LENGTH: usize = 16;

/// The input, and the events that were read too early.
pub(super) struct Input<R> {
    /// Reads an event within this time; `None` if there is none.
    read: R,
    early: VecDeque<Event>,
}

/// Reads from the terminal; waits without limit if `limit` is `None`.
pub(super) fn read(limit: Option<Duration>) -> io::Result<Option<Event>> {
    match limit {
        Some(limit) if !event::poll(limit)? => Ok(None),
        _ => event::read().map(Some),
    }
}

impl<R: FnMut(Option<Duration>) -> io::Result<Option<Event>>> Input<R> {
    pub(super) fn new(read: R) -> Self {
        Self {
            read,
            early: VecDeque::new(),
        }
    }

    /// Returns the next event, for which it waits.
    ///
    /// # Errors
    /// If the terminal cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Event> {
        loop {
            if let Some(event) = self.early.pop_front() {
                return Ok(event);
            }
            let Some(event) = (self.read)(None)? else {
                continue;
            };
            if event != Event::Key(KeyCode::Esc.into()) {
                return Ok(event);
            }
            match self.rest()? {
                Rest::Sequence(text) => self.early.extend(meaning(&text)),
                Rest::Others(events) => {
                    self.early.push_back(event);
                    self.early.extend(events);
                }
            }
        }
    }

    /// Reads what follows ESC.
    fn rest(&mut self) -> io::Result<Rest> {
        let mut text = String::new();
        let mut events = Vec::new();
        while let Some(event) = (self.read)(Some(PART))? {
            let character = character(&event);
            events.push(event);
            let Some(character) = character else {
                break;
            };
            text.push(character);
            match state(&text) {
                State::Whole => return Ok(Rest::Sequence(text)),
                State::Part => {}
                State::Other => break,
            }
        }
        Ok(Rest::Others(events))
    }
}

/// What follows ESC.
enum Rest {
    /// The rest of a sequence.
    Sequence(String),
    /// Events that belong to no sequence.
    Others(Vec<Event>),
}

/// What a text after ESC is.
enum State {
    /// A sequence.
    Whole,
    /// The start of a sequence.
    Part,
    /// Nothing that a key sends.
    Other,
}

/// Returns what a text after ESC is, by the forms of ECMA-48: `O` and a letter, or `[`, parameters
/// and a final character. F1 on Linux's console is `[[A`.
fn state(text: &str) -> State {
    let (start, last) = (text.get(..1), text.chars().next_back());
    match (start, text.len(), last) {
        (Some("[" | "O"), 1, _) => State::Part,
        (Some("["), 2, Some('[')) => State::Part,
        (Some("O"), 2, Some('A'..='Z')) => State::Whole,
        (Some("["), _, Some('@'..='~')) => State::Whole,
        (Some("["), 2..MAX_LENGTH, Some(' '..='?')) => State::Part,
        _ => State::Other,
    }
}

/// Returns the character that was typed; `None` for other events.
fn character(event: &Event) -> Option<char> {
    match event {
        Event::Key(KeyEvent {
            code: KeyCode::Char(character),
            modifiers: KeyModifiers::NONE | KeyModifiers::SHIFT,
            ..
        }) => Some(*character),
        _ => None,
    }
}

/// Returns the event of a sequence; `None` if the live view does not use it.
fn meaning(text: &str) -> Option<Event> {
    let code = match text {
        "[A" | "OA" => KeyCode::Up,
        "[B" | "OB" => KeyCode::Down,
        "[C" | "OC" => KeyCode::Right,
        "[D" | "OD" => KeyCode::Left,
        "[H" | "OH" | "[1~" | "[7~" => KeyCode::Home,
        "[F" | "OF" | "[4~" | "[8~" => KeyCode::End,
        "[5~" => KeyCode::PageUp,
        "[6~" => KeyCode::PageDown,
        "OP" | "[11~" | "[[A" => KeyCode::F(1),
        "[Z" => {
            return Some(Event::Key(KeyEvent::new(
                KeyCode::BackTab,
                KeyModifiers::SHIFT,
            )));
        }
        _ => return mouse(text),
    };
    Some(Event::Key(code.into()))
}

/// Returns the event of a click or of the wheel, such as `[<0;80;24M`.
fn mouse(text: &str) -> Option<Event> {
    let numbers = text.strip_prefix("[<")?.strip_suffix('M')?;
    let mut numbers = numbers.split(';').map(|number| number.parse::<u16>().ok());
    let mut next = || numbers.next().flatten();
    let (button, column, row) = (next()?, next()?, next()?);
    Some(Event::Mouse(MouseEvent {
        kind: match button {
            0 => MouseEventKind::Down(MouseButton::Left),
            64 => MouseEventKind::ScrollUp,
            65 => MouseEventKind::ScrollDown,
            _ => return None,
        },
        // The terminal counts from 1.
        column: column.checked_sub(1)?,
        row: row.checked_sub(1)?,
        modifiers: KeyModifiers::NONE,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::io::Write;
    use std::thread::sleep;

    use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};

    use super::super::pty_tests;
    use super::*;

    /// Returns the events of an input in which `None` is a pause.
    fn events(input: &[Option<Event>]) -> Vec<Event> {
        let mut rest = input.iter().cloned();
        let mut input = Input::new(|limit| match (rest.next(), limit) {
            (Some(event @ Some(_)), _) | (Some(event), Some(_)) => Ok(event),
            (Some(None), None) => Ok(None),
            (None, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        });
        std::iter::from_fn(|| input.next().ok()).collect()
    }

    fn key(code: KeyCode) -> Event {
        Event::Key(code.into())
    }

    fn typed(text: &str) -> impl Iterator<Item = Option<Event>> {
        text.chars().map(|character| match character {
            '\x1b' => Some(key(KeyCode::Esc)),
            ' ' => None,
            character => Some(key(KeyCode::Char(character))),
        })
    }

    #[test]
    fn esc_and_other_keys_stay_what_they_are() {
        for (text, expected) in [
            ("\x1b ", "\x1b"),
            ("\x1b q", "\x1bq"),
            ("\x1bq ", "\x1bq"),
            ("\x1b\x1b ", "\x1b\x1b"),
            ("\x1b [A ", "\x1b[A"),
            ("\x1b[ A ", "\x1b[A"),
            ("\x1bO j ", "\x1bOj"),
            ("\x1b[1\x1b ", "\x1b[1\x1b"),
            // No part of a sequence that a key sends, and one that is not used.
            ("\x1b[12345678901234567890A ", "\x1b[12345678901234567890A"),
            ("a\x1b[24~b ", "ab"),
        ] {
            let input: Vec<_> = typed(text).collect();
            let expected: Vec<_> = typed(expected).flatten().collect();
            assert_eq!(events(&input), expected, "{text:?}");
        }
        let resized = Event::Resize(80, 24);
        let input = [Some(key(KeyCode::Esc)), Some(resized.clone())];
        assert_eq!(events(&input), [key(KeyCode::Esc), resized]);
    }

    /// What follows ESC in the sequences of the keys and of the mouse.
    const SEQUENCES: [&str; 21] = [
        "[A",
        "[B",
        "[C",
        "[D",
        "[H",
        "[F",
        "[Z",
        "[1~",
        "[4~",
        "[5~",
        "[6~",
        "[7~",
        "[8~",
        "[11~",
        "[[A",
        "OA",
        "OD",
        "OP",
        "[<0;80;24M",
        "[<64;1;1M",
        "[<65;200;60M",
    ];

    #[test]
    fn sequences_in_two_parts_are_the_same_keys() {
        const TEST: &str = "sequences_in_two_parts_are_the_same_keys";
        if pty_tests::task().is_some() {
            enable_raw_mode().unwrap();
            let mut input = Input::new(read);
            print!("ready\r\n");
            loop {
                let event = input.next().unwrap();
                if event == key(KeyCode::Char('q')) {
                    disable_raw_mode().unwrap();
                    return;
                }
                print!("{event:?}\r\n");
            }
        }
        let press = |pause: Option<Duration>| {
            let type_all = |keyboard: &mut dyn Write| {
                for sequence in SEQUENCES {
                    let parts = [b"\x1b", sequence.as_bytes()];
                    let Some(pause) = pause else {
                        keyboard.write_all(&parts.concat()).unwrap();
                        continue;
                    };
                    keyboard.write_all(parts[0]).unwrap();
                    sleep(pause);
                    keyboard.write_all(parts[1]).unwrap();
                }
                keyboard.write_all(b"q").unwrap();
            };
            let left = pty_tests::run_typing(module_path!(), TEST, "ready", type_all);
            assert!(left.status.success());
            let shown = String::from_utf8(left.shown).unwrap();
            let (_, events) = shown.split_once("ready\r\n").unwrap();
            let events = events.lines().filter(|line| line.contains("Event {"));
            events.map(str::to_owned).collect::<Vec<String>>()
        };
        let whole = press(None);
        assert_eq!(whole.len(), SEQUENCES.len(), "{whole:#?}");
        // On a busy machine, a pause may become too long; then Esc and the rest are keys of their own.
        let mut in_parts = (0..20).map(|_| press(Some(Duration::from_millis(30))));
        assert!(in_parts.any(|in_parts| in_parts == whole));
    }
}
