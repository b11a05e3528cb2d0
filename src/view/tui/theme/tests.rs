//! Tests of colours and of the terminal's capabilities.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::{Depth, Terminal as Shows, Theme};
use crate::fixtures::troubled;
use crate::snapshot::ShutdownReason;
use crate::view::DisplayOptions;
use crate::view::tui::testing::take;
use crate::view::tui::{App, Settings, draw};

/// Returns all colours on a screen of domains in several states.
fn colours(theme: Theme, shows: Shows) -> HashSet<Color> {
    let settings = Settings {
        theme,
        ..Settings::default()
    };
    let mut app = App::new(settings, DisplayOptions::default(), shows);
    let (old, mut new) = troubled();
    new.domains[4].states.shutdown = Some(ShutdownReason::Crash);
    take(&mut app, old);
    take(&mut app, new);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(&mut app, frame)).unwrap();
    let cells = terminal.backend().buffer().content();
    cells.iter().flat_map(|cell| [cell.fg, cell.bg]).collect()
}

fn shows(depth: Depth) -> Shows {
    Shows {
        depth,
        unicode: true,
    }
}

#[test]
fn plain_has_no_colour() {
    let none = HashSet::from([Color::Reset]);
    assert_eq!(colours(Theme::Usual, shows(Depth::None)), none);
    assert_eq!(colours(Theme::Plain, shows(Depth::True)), none);
    assert_eq!(colours(Theme::ScreenReader, shows(Depth::True)), none);
}

#[test]
fn colours_fit_the_terminal() {
    for theme in [Theme::Usual, Theme::ColourBlind] {
        let of = |depth| {
            let mut colours = colours(theme, shows(depth));
            colours.remove(&Color::Reset);
            assert!(colours.len() >= 4, "{colours:?}");
            colours
        };
        let indexed = |colour: &Color| matches!(colour, Color::Indexed(_));
        let true_colour = |colour: &Color| matches!(colour, Color::Rgb(..));
        let sixteen = of(Depth::Sixteen);
        assert!(
            !sixteen
                .iter()
                .any(|colour| indexed(colour) || true_colour(colour))
        );
        assert!(of(Depth::Palette).iter().all(indexed));
        assert!(of(Depth::True).iter().all(true_colour));
    }
}

#[test]
fn environment_sets_depth_and_unicode() {
    let of = |variables: &[(&str, &str)]| {
        Shows::of(|name| {
            let found = variables.iter().find(|(this, _)| *this == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    let depth = |variables| of(variables).depth;
    assert_eq!(depth(&[("TERM", "xterm")]), Depth::Sixteen);
    assert_eq!(depth(&[("TERM", "screen-256color")]), Depth::Palette);
    let direct = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
    assert_eq!(depth(&direct), Depth::True);
    assert_eq!(depth(&[("TERM", "xterm"), ("NO_COLOR", "1")]), Depth::None);
    assert_eq!(
        depth(&[("TERM", "xterm"), ("NO_COLOR", "")]),
        Depth::Sixteen
    );
    assert_eq!(depth(&[("TERM", "vt220")]), Depth::None);
    assert!(of(&[("LANG", "C.UTF-8")]).unicode);
    assert!(!of(&[("LANG", "C.UTF-8"), ("LC_ALL", "C")]).unicode);
    assert!(!of(&[]).unicode);
}
