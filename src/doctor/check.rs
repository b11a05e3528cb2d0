//! A check, and how it turned out.

use std::fmt::Display;

use crate::xen;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// Some commands do less than they could.
    Limited,
    /// The host cannot be watched.
    Blocked,
    /// It could not be found out.
    Unknown,
}

impl State {
    /// Returns its name in JSON; a table has `-` for an unknown one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Ok => Some("ok"),
            Self::Limited => Some("limited"),
            Self::Blocked => Some("blocked"),
            Self::Unknown => None,
        }
    }
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, in a word.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// What was found. It may hold text from outside.
    pub found: String,
    /// What to do about it; `None` if nothing needs to be done.
    pub remedy: Option<String>,
}

impl Check {
    pub(super) fn new(name: &'static str, state: State, found: impl Into<String>) -> Self {
        Self {
            name,
            state,
            found: found.into(),
            remedy: None,
        }
    }

    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, State::Ok, found)
    }

    pub(super) fn unknown(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, State::Unknown, found)
    }

    pub(super) fn limited(
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..Self::new(name, State::Limited, found)
        }
    }

    /// Returns the check that this error was met at. An error of Xen says what failed, a semicolon, and what to do.
    pub(super) fn failed(name: &'static str, state: State, error: &xen::Error) -> Self {
        let text = error.to_string();
        match text.rsplit_once("; ") {
            Some((found, remedy)) => Self {
                remedy: Some(remedy.to_owned()),
                ..Self::new(name, state, found)
            },
            None => Self::new(name, state, text),
        }
    }
}

/// Joins words by commas; `none` if there are none.
pub(super) fn list(words: impl IntoIterator<Item = impl Display>, none: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    match words.is_empty() {
        true => none.to_owned(),
        false => words.join(", "),
    }
}
