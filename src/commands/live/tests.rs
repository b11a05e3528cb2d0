//! What the driver does without a hypervisor.

#![allow(clippy::unwrap_used)]

use signal_hook::low_level::raise;
use xenscope::view::DisplayOptions;

use super::*;

#[test]
fn a_terminal_that_shows_no_screen_is_refused_with_the_way_out() {
    let refused = |output, input, term: Option<&str>| {
        let checked = check_terminal(output, input, term.map(OsStr::new));
        checked.err().map(|why| why.to_string())
    };
    assert_eq!(refused(true, true, Some("vt220")), None);
    for (output, input, term, what) in [
        (false, true, Some("xterm"), "output is not a terminal"),
        (true, false, Some("xterm"), "input is not a terminal"),
        (true, true, None, "TERM is not set"),
        (true, true, Some(""), "TERM is not set"),
        (true, true, Some("dumb"), "TERM is dumb"),
    ] {
        let why = refused(output, input, term).unwrap_or_default();
        assert!(why.contains(what) && why.contains("top -b"), "{why}");
    }
}

/// The driver with a screen, and without anyone who samples for it.
fn live() -> Live {
    let state = App::new(
        Settings::default(),
        DisplayOptions::default(),
        Terminal::of(|_| None),
    );
    let (sender, messages) = mpsc::channel();
    signals::watch(sender).unwrap();
    Live {
        asked: (state.collect(), state.settings().interval),
        state,
        screen: Screen::open().unwrap(),
        messages,
        newest: Newest::default(),
        requests: mpsc::channel().0,
        go_on: mpsc::channel().0,
        left: None,
        was_stopped: false,
    }
}

#[test]
fn a_signal_ends_it_and_gives_the_terminal_back() {
    if let Some(signal) = alone::task() {
        let live = live();
        raise(signal.parse().unwrap()).unwrap();
        live.run().unwrap();
    }
    let known = [libc::SIGTERM, libc::SIGABRT, libc::SIGBUS, libc::SIGXFSZ];
    let others = [
        libc::SIGIO,
        libc::SIGPWR,
        libc::SIGSTKFLT,
        libc::SIGRTMIN(),
        libc::SIGRTMAX(),
    ];
    for signal in known.into_iter().chain(others) {
        let left = alone::run(
            module_path!(),
            "a_signal_ends_it_and_gives_the_terminal_back",
            &signal.to_string(),
            (80, 24),
        );
        assert!(left.gave_back(), "{signal}");
        match known.contains(&signal) {
            true => assert!(left.status.signal().is_some(), "{signal}"),
            false => assert_eq!(left.status.exit_code(), 128 + signal.unsigned_abs()),
        }
    }
}

#[test]
fn a_window_without_a_size_is_drawn_in() {
    if alone::task().is_some() {
        let live = live();
        raise(libc::SIGTERM).unwrap();
        live.run().unwrap();
    }
    let name = "a_window_without_a_size_is_drawn_in";
    for size in [(0, 0), (80, 24)] {
        let left = alone::run(module_path!(), name, "draw", size);
        let shown = String::from_utf8_lossy(&left.shown);
        assert!(shown.contains("waiting"), "{size:?}: {shown}");
        assert!(left.gave_back());
        // Clicks are reported, and movements are not.
        assert!(shown.contains("\x1b[?1000h") && !shown.contains("?1003h"));
    }
}
