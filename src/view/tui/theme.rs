//! Colours and glyphs, chosen for the terminal and for colour vision.

use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Serialize};

use crate::snapshot::DomainState;

#[cfg(test)]
mod tests;

/// A set of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// Green, yellow and red.
    #[default]
    Usual,
    /// Blue, orange and vermilion, which are distinct for every type of colour vision.
    ColourBlind,
    /// No colour.
    Plain,
    /// For screen readers and braille: text alone, in ASCII, with the terminal's cursor on the chosen line.
    ScreenReader,
}

/// The colour depth of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// No colours.
    None,
    /// The 16 ANSI colours.
    Sixteen,
    /// The palette of 256 colours.
    Palette,
    /// 24-bit colours.
    True,
}

/// The capabilities of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// The colour depth.
    pub depth: Depth,
    /// Whether it can show characters beyond ASCII.
    pub unicode: bool,
}

impl Terminal {
    /// Returns the capabilities of a terminal with these environment variables: `NO_COLOR`, `TERM`,
    /// `COLORTERM` and the locale.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let depth = if set("NO_COLOR").is_some() || term.starts_with("vt") {
            Depth::None
        } else if set("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit")
            || term.ends_with("-direct")
        {
            Depth::True
        } else if term.contains("256color") {
            Depth::Palette
        } else {
            Depth::Sixteen
        };
        // The first variable that is set decides, as in the C library.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let locale = locale.unwrap_or_default().to_lowercase();
        Self {
            depth,
            unicode: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }
}

/// The meaning of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Normal, or a low load.
    Calm,
    /// A high load, or a domain that waits or is paused.
    Busy,
    /// A load near the maximum, or a failure.
    Alarm,
    /// Labels and keys.
    Accent,
    /// Unimportant text.
    Dim,
}

impl Theme {
    /// Returns the next theme.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Usual => Self::ColourBlind,
            Self::ColourBlind => Self::Plain,
            Self::Plain => Self::ScreenReader,
            Self::ScreenReader => Self::Usual,
        }
    }

    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::ColourBlind => "colour-blind",
            Self::Plain => "plain",
            Self::ScreenReader => "screen-reader",
        }
    }

    /// Returns whether bars and charts are drawn, and zeros are dots. Without, there are only words and figures.
    pub(super) fn draws(self) -> bool {
        self != Self::ScreenReader
    }

    /// Returns what this theme uses of a terminal.
    pub(super) fn of(self, terminal: Terminal) -> Terminal {
        match self.draws() {
            true => terminal,
            false => Terminal {
                depth: Depth::None,
                unicode: false,
            },
        }
    }

    /// Returns the style of a role. An alarm is also bold, so that it is visible without colour.
    pub(super) fn style(self, depth: Depth, role: Role) -> Style {
        let style = match role {
            Role::Alarm => Style::new().add_modifier(Modifier::BOLD),
            Role::Dim if depth == Depth::Sixteen => Style::new().add_modifier(Modifier::DIM),
            _ => Style::new(),
        };
        match self.colour(depth, role) {
            Some(colour) => style.fg(colour),
            None => style,
        }
    }

    fn colour(self, depth: Depth, role: Role) -> Option<Color> {
        // The ANSI colour; the index in the palette; red, green and blue.
        let (old, number, (r, g, b)) = match (self, role) {
            (Self::Plain | Self::ScreenReader, _) => return None,
            // Bright black is the background in some palettes of 16 colours.
            (_, Role::Dim) if depth == Depth::Sixteen => return None,
            (_, Role::Dim) => (Color::Reset, 244, (128, 128, 128)),
            (_, Role::Accent) => (Color::Cyan, 80, (95, 215, 215)),
            (Self::Usual, Role::Calm) => (Color::Green, 77, (95, 215, 95)),
            (Self::Usual, Role::Busy) => (Color::Yellow, 220, (255, 215, 0)),
            (Self::Usual, Role::Alarm) => (Color::Red, 203, (255, 95, 95)),
            (Self::ColourBlind, Role::Calm) => (Color::LightBlue, 74, (86, 180, 233)),
            (Self::ColourBlind, Role::Busy) => (Color::Yellow, 214, (230, 159, 0)),
            (Self::ColourBlind, Role::Alarm) => (Color::Magenta, 202, (213, 94, 0)),
        };
        match depth {
            Depth::None => None,
            Depth::Sixteen => Some(old),
            Depth::Palette => Some(Color::Indexed(number)),
            Depth::True => Some(Color::Rgb(r, g, b)),
        }
    }
}

/// Returns the role of a domain's state; `None` for blocked. The text also names the state.
pub(super) fn role(state: DomainState) -> Option<Role> {
    match state {
        DomainState::Running => Some(Role::Calm),
        DomainState::Runnable | DomainState::Paused | DomainState::Shutdown => Some(Role::Busy),
        DomainState::Crashed | DomainState::Dying => Some(Role::Alarm),
        DomainState::Blocked => None,
    }
}

/// Returns the role of what a domain lost, in per cent of what it wanted, or of how severe that is, in per cent of a
/// pCPU; `None` if that is little. The text also has the number.
pub(super) fn loss(percent: f64) -> Option<Role> {
    match percent {
        ..5.0 => None,
        ..25.0 => Some(Role::Busy),
        _ => Some(Role::Alarm),
    }
}

/// Returns the role of a load in per cent. The text also has the number.
pub(super) fn load(percent: f64) -> Role {
    match percent {
        ..50.0 => Role::Calm,
        ..85.0 => Role::Busy,
        _ => Role::Alarm,
    }
}
