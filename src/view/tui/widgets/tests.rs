//! Tests of the whole screen at several sizes.
#![allow(clippy::unwrap_used)]

use ratatui::crossterm::event::KeyCode;

use crate::fixtures::at_work;
use crate::view::DisplayOptions;
use crate::view::tui::testing::{key, keys, lines, take, watching, words};
use crate::view::tui::{App, Depth, Settings, Terminal};

#[test]
fn fits_80_by_24() {
    let screen = lines(&mut watching(12), 80, 24);
    for part in [
        "Xen 4.17.5",
        "1970-01-01 00:00:00 UTC",
        "over 1.00 s, every 3 s",
    ] {
        assert!(screen[0].contains(part), "{part}: {}", screen[0]);
    }
    assert_eq!(
        screen[1],
        "CPU [███████████████     ]  75.0 % of 2 pCPUs  ▆"
    );
    assert_eq!(
        screen[2],
        "Mem [███████████████     ]  75.0 % of 4.0G, 1.0G free"
    );
    assert_eq!(screen[3], "12 domains: 4 running, 4 runnable, 4 blocked");
    assert_eq!(
        screen[4],
        " ID NAME     STATE     VCPU CPU%▼ BUSY     PAST      MEM  RX/s  TX/s  RD/s  WR/s"
    );
    assert_eq!(
        screen[5],
        " 11 guest-11 blocked      1  91.7 ███████▍ ▇        128M 11.0K  2.9K 11.0M 44.0K"
    );
    assert!(screen[16].starts_with("  0 Domain-0 runnable     1   0.0"));
    assert!(screen[23].starts_with("? help  q quit"));
}

#[test]
fn cut_lines_are_marked() {
    for typed in ["\r", "nbv", "?"] {
        let mut app = watching(3);
        keys(&mut app, "j");
        for c in typed.chars() {
            match c {
                '\r' => key(&mut app, KeyCode::Enter),
                c => key(&mut app, KeyCode::Char(c)),
            };
        }
        let whole = words(&lines(&mut app, 140, 80)[5..]);
        for width in 8..140 {
            for line in &lines(&mut app, width, 80)[5..79] {
                for word in words(std::slice::from_ref(line)) {
                    let known = word.ends_with('…') || whole.contains(&word);
                    assert!(known, "{width}: {word} in {line}");
                }
            }
        }
    }
}

#[test]
fn any_size_is_drawn() {
    for width in 0..30 {
        for height in 0..10 {
            for typed in ["", "?", "s", "/web", "nbvR", "P", "d1"] {
                let mut app = watching(5);
                keys(&mut app, typed);
                lines(&mut app, width, height);
            }
            let mut app = watching(5);
            key(&mut app, KeyCode::Enter);
            lines(&mut app, width, height);
        }
    }
    let screen = lines(&mut watching(5), 20, 5);
    assert_eq!(screen[1], "NAME     CPU%▼   MEM");
    assert_eq!(screen[2], "guest-4   80.0  128M");
}

#[test]
fn only_ascii_without_unicode() {
    let plain = Terminal {
        depth: Depth::None,
        unicode: false,
    };
    let mut app = App::new(Settings::default(), DisplayOptions::default(), plain);
    let (old, new) = at_work(12);
    take(&mut app, old);
    take(&mut app, new);
    let (_, mut named) = at_work(12);
    named.domains[1].name = Some("漢字 with a name that is far too long".into());
    take(&mut app, named);
    for typed in ["", "?", "s", "P"] {
        keys(&mut app, typed);
        let screen = lines(&mut app, 80, 24).join("\n");
        assert!(screen.is_ascii(), "{screen}");
        key(&mut app, KeyCode::Esc);
    }
}
