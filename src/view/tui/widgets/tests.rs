//! Tests of the whole screen at several sizes.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use ratatui::{TerminalOptions, Viewport};

use crate::fixtures::{at_work, troubled};
use crate::snapshot::{NicCounter, ShutdownReason};
use crate::view::DisplayOptions;
use crate::view::tui::testing::{self, column, key, keys, last, lines, take, watching, words};
use crate::view::tui::{App, Depth, Settings, Terminal, Theme, draw};

#[test]
fn a_function_key_without_a_meaning_says_so() {
    let mut app = watching(2);
    for pane in ["", "I", "w"] {
        keys(&mut app, pane);
        for number in [5, 7, 8, 9, 11, 12] {
            key(&mut app, KeyCode::F(number));
            let expected = format!("F{number} does nothing here; ? shows the keys");
            assert_eq!(last(&mut app), expected);
        }
    }
    key(&mut app, KeyCode::F(1));
    assert!(lines(&mut app, 80, 24)[4].contains("everywhere"));
}

#[test]
fn a_list_over_the_table_has_no_extent_of_its_rows() {
    let mut app = watching(40);
    keys(&mut app, "/guest");
    key(&mut app, KeyCode::Enter);
    assert!(last(&mut app).contains("rows 1-"), "{}", last(&mut app));
    for over in ["?", "c"] {
        keys(&mut app, over);
        let line = last(&mut app);
        assert!(
            !line.contains("rows 1-") && !line.contains("/guest"),
            "{line}"
        );
        key(&mut app, KeyCode::Esc);
    }
}

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
        "CPU [███████████████     ]  75.0 % of 2 pCPUs  12 vCPUs (6.0:1)  ▆"
    );
    assert_eq!(
        screen[2],
        "Mem [███████████████     ]  75.0 % of 4.0G, 1.0G free"
    );
    assert_eq!(screen[3], "HURT none of 12 (CPU waits not measured: R)");
    assert_eq!(
        screen[4],
        " ID NAME      VCPU CPU%▼ BUSY    PAST    MEM   GAP  RX/s  TX/s  RD/s  WR/s WHY"
    );
    assert_eq!(
        screen[5],
        " 11 guest-11     1  91.7 ██████▍ ▇      128M     · 11.0K  2.9K 11.0M 44.0K"
    );
    assert!(
        screen[16].starts_with("  0 Domain-0     1     ·"),
        "{}",
        screen[16]
    );
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
        let whole = words(&lines(&mut app, 140, 80)[8..]);
        for width in 8..140 {
            for line in &lines(&mut app, width, 80)[8..79] {
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
            for typed in ["", "?", "s", "/web", "nbvR", "P", "d1", "w", "e", "I", "Is"] {
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

/// What a terminal gets.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns an app for a screen reader, on a terminal that shows everything.
fn spoken() -> App {
    let settings = Settings {
        theme: Theme::ScreenReader,
        ..Settings::default()
    };
    let shows = Terminal {
        depth: Depth::True,
        unicode: true,
    };
    let mut app = App::new(settings, DisplayOptions::default(), shows);
    let (old, new) = at_work(12);
    take(&mut app, old);
    take(&mut app, new);
    app
}

#[test]
fn screen_readers_find_the_chosen_line() {
    let mut app = spoken();
    let written = Written::default();
    let options = TerminalOptions {
        viewport: Viewport::Fixed(Rect::new(0, 0, 80, 24)),
    };
    let backend = CrosstermBackend::new(written.clone());
    let mut terminal = ratatui::Terminal::with_options(backend, options).unwrap();
    let mut frame = |app: &mut App| {
        terminal.draw(|frame| draw(app, frame)).unwrap();
        String::from_utf8(written.0.take()).unwrap()
    };
    let first = frame(&mut app);
    assert!(first.is_ascii(), "{first}");
    assert!(
        !first.contains("[38;") && !first.contains("[48;"),
        "{first}"
    );
    // Nothing is chosen: the first line below the header.
    assert!(first.ends_with("[?25h[5;1H"), "{first:?}");
    keys(&mut app, "jj");
    assert!(frame(&mut app).ends_with("[7;1H"));
    // What has not changed is not written again.
    keys(&mut app, "p");
    let paused = frame(&mut app);
    assert!(
        paused.contains("PAUSED") && !paused.contains("guest"),
        "{paused:?}"
    );
    assert!(frame(&mut app).len() < 60);
    // With lines below each domain, in a pane, on a page and in a list.
    for (typed, line) in [("nH", 10), ("nHX", 6), ("Xw", 6), ("we", 6), ("es", 11)] {
        keys(&mut app, typed);
        let end = format!("[{line};1H");
        let frame = frame(&mut app);
        assert!(frame.ends_with(&end), "{typed}: {frame:?}");
    }
}

#[test]
fn screen_readers_get_words_and_figures_alone() {
    let mut app = spoken();
    let screen = lines(&mut app, 80, 24);
    assert_eq!(screen[1], "CPU  75.0 % of 2 pCPUs  12 vCPUs (6.0:1)");
    assert!(
        screen[4].contains(" CPU%v ") && !screen[4].contains("BUSY"),
        "{}",
        screen[4]
    );
    assert!(
        screen[16].contains(" 0 ") && !screen[16].contains(" . "),
        "{}",
        screen[16]
    );
    keys(&mut app, "P");
    let pcpus = lines(&mut app, 80, 24);
    assert!(
        pcpus[5].contains(" % ") && !pcpus[5].contains('|'),
        "{pcpus:?}"
    );
    keys(&mut app, "Pj");
    key(&mut app, KeyCode::Enter);
    let page = lines(&mut app, 80, 24);
    assert!(
        page.iter()
            .any(|line| line.contains("mean 91.7 %, most 91.7 %")),
        "{page:?}"
    );
}

#[test]
fn drops_of_both_directions_are_one_column() {
    let mut app = testing::app(Settings {
        columns: ["id", "name", "drops", "why"].map(column).into(),
        ..Settings::default()
    });
    let (mut old, mut new) = troubled();
    // The guest's own packets were dropped as well: 4 a second.
    for (snapshot, tx) in [(&mut old, 0), (&mut new, 8)] {
        let nic = &mut snapshot.domains[4].nics.as_mut().unwrap()[0];
        nic[NicCounter::TxDrops] = Some(tx);
    }
    take(&mut app, old);
    take(&mut app, new);
    let screen = lines(&mut app, 120, 24);
    let db = screen.iter().skip(5).find(|line| line.contains(" db "));
    let db = db.unwrap();
    assert!(
        db.contains(" 7.0 ") && db.contains("vif9.0 drops 7.0/s"),
        "{screen:#?}"
    );
}

#[test]
fn who_suffers_is_seen_at_once() {
    let mut app = testing::app(Settings::default());
    let (old, mut new) = troubled();
    new.domains[0].states.shutdown = Some(ShutdownReason::Crash);
    take(&mut app, old);
    take(&mut app, new);
    let screen = lines(&mut app, 80, 24);
    assert!(
        screen[1].ends_with("5 vCPUs (2.5:1)  0.3 queued  █"),
        "{}",
        screen[1]
    );
    assert!(
        screen[2].ends_with("1 below target, 64.0M short"),
        "{}",
        screen[2]
    );
    assert!(
        screen[3].starts_with("HURT 5 of 5: idle crashed, batch throttled 80%, mail short 64.0M"),
        "{}",
        screen[3]
    );
    let line = |name: &str| {
        screen
            .iter()
            .skip(5)
            .find(|line| line.contains(name))
            .unwrap()
    };
    for (name, end) in [
        ("idle", "crash"),
        ("web", "cpu"),
        ("batch", "cap"),
        ("mail", "mem"),
        ("db", "slot+"),
    ] {
        assert!(line(name).ends_with(end), "{}", line(name));
    }
    assert!(line("batch").contains(" █▍▒▒▒▒▒ "), "{}", line("batch"));
    // A wide screen has the reasons in words, and a high one what all devices do.
    let wide = lines(&mut app, 160, 40);
    assert!(
        wide.iter().any(|line| line.ends_with("no slot, drops")),
        "{wide:?}"
    );
    assert!(
        wide[3].ends_with("drops >3.0/s   no slot >40.0/s"),
        "{}",
        wide[3]
    );
    assert!(wide[5].starts_with("5 domains: "), "{}", wide[5]);
}

#[test]
fn a_state_that_keeps_from_running_fits_into_a_narrow_column() {
    let (old, mut new) = at_work(5);
    new.domains[1].states.paused = true;
    new.domains[2].states.shutdown = Some(ShutdownReason::Poweroff);
    let mut app = testing::app(Settings::default());
    take(&mut app, old);
    take(&mut app, new);
    for (width, words) in [(80, ["pause", "shut"]), (160, ["paused", "shutdown"])] {
        let screen = lines(&mut app, width, 24);
        for (id, word) in [1, 2].into_iter().zip(words) {
            let line = screen
                .iter()
                .find(|line| line.contains(&format!("guest-{id}")));
            assert!(line.unwrap().ends_with(&format!(" {word}")), "{screen:?}");
        }
    }
}
