//! Colours and glyphs, as the terminal can show them and people can see them.

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
    /// Blue, orange and vermilion, which are told apart with any kind of colour vision.
    ColourBlind,
    /// No colour.
    Plain,
}

/// How many colours the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None, or none are wanted.
    None,
    /// The sixteen of old.
    Sixteen,
    /// The palette of 256.
    Palette,
    /// Any.
    True,
}

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// How many colours.
    pub depth: Depth,
    /// Whether there are glyphs beyond ASCII.
    pub unicode: bool,
}

impl Terminal {
    /// What a terminal with these environment variables can show.
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
        // The first of them that is set counts, as for the C library.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let locale = locale.unwrap_or_default().to_lowercase();
        Self {
            depth,
            unicode: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }
}

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// All is well, or little is used.
    Calm,
    /// Much is used, or something stands still.
    Busy,
    /// Nearly all is used, or something went wrong.
    Alarm,
    /// What has a name or can be chosen.
    Accent,
    /// What is of little interest now.
    Dim,
}

impl Theme {
    /// The themes in turn.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Usual => Self::ColourBlind,
            Self::ColourBlind => Self::Plain,
            Self::Plain => Self::Usual,
        }
    }

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::ColourBlind => "colour-blind",
            Self::Plain => "plain",
        }
    }

    /// The style for a role. An alarm is bold too, so that it stands out without colour.
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
        // The sixteen; the palette's number; red, green and blue.
        let (old, number, (r, g, b)) = match (self, role) {
            (Self::Plain, _) => return None,
            // Bright black is the background in more than one palette of sixteen.
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

/// The role of a domain's state, whose word stands beside the colour.
pub(super) fn role(state: DomainState) -> Option<Role> {
    match state {
        DomainState::Running => Some(Role::Calm),
        DomainState::Runnable | DomainState::Paused | DomainState::Shutdown => Some(Role::Busy),
        DomainState::Crashed | DomainState::Dying => Some(Role::Alarm),
        DomainState::Blocked => None,
    }
}

/// The role of a share in per cent of all there is, whose number stands beside the colour.
pub(super) fn load(percent: f64) -> Role {
    match percent {
        ..50.0 => Role::Calm,
        ..85.0 => Role::Busy,
        _ => Role::Alarm,
    }
}
