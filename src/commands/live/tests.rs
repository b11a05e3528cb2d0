//! Tests of the driver without a hypervisor.

#![allow(clippy::unwrap_used, clippy::panic)]

use signal_hook::iterator::Signals;
use signal_hook::low_level::raise;
use xenscope::view::DisplayOptions;
use xenscope::xen::crash::FATAL;

use super::*;

#[test]
fn unusable_terminals_are_refused() {
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

/// Returns a driver with a screen and a first frame, and without a sampler; also returns what sends it messages.
fn driver() -> (Driver, Sender<Message>) {
    let mut app = App::new(
        Settings::default(),
        DisplayOptions::default(),
        Terminal::of(|_| None),
    );
    let (sender, messages) = mpsc::channel();
    signals::watch(sender.clone()).unwrap();
    let mut screen = Screen::open().unwrap();
    screen.draw(&mut app).unwrap();
    let driver = Driver {
        app,
        screen,
        messages,
        live: None,
        past: None,
        resume_input: mpsc::channel().0,
        input_waits: false,
        remaining: None,
        failure: None,
        was_stopped: false,
        continued: None,
    };
    (driver, sender)
}

#[test]
fn unreadable_input_is_no_error_of_the_output() {
    const TEST: &str = "unreadable_input_is_no_error_of_the_output";
    if pty_tests::task().is_some() {
        let (driver, sender) = driver();
        sender
            .send(Message::NoInput(io::Error::from_raw_os_error(libc::EIO)))
            .unwrap();
        let error = driver.run().unwrap_err();
        println!("{error}");
        return;
    }
    let left = pty_tests::run(module_path!(), TEST, "input", (80, 24));
    let text = left.screen().contents();
    let expected = "cannot read the keys: Input/output error (os error 5)";
    assert!(left.is_restored() && text.contains(expected), "{text}");
}

#[test]
fn a_signal_restores_the_terminal() {
    if let Some(signal) = pty_tests::task() {
        let (driver, _sender) = driver();
        raise(signal.parse().unwrap()).unwrap();
        driver.run().unwrap();
    }
    let ending = [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT];
    let fatal = FATAL.map(|signal| signal as i32);
    for signal in ending.into_iter().chain(fatal) {
        let left = pty_tests::run(
            module_path!(),
            "a_signal_restores_the_terminal",
            &signal.to_string(),
            (80, 24),
        );
        assert!(left.is_restored(), "{signal}");
        assert!(left.status.signal().is_some(), "{signal}");
    }
}

#[test]
fn fg_shows_the_screen_once() {
    const TEST: &str = "fg_shows_the_screen_once";
    if pty_tests::task().is_some() {
        let (driver, _sender) = driver();
        let mut continued = Signals::new([libc::SIGCONT]).unwrap();
        thread::spawn(move || {
            raise(libc::SIGTSTP).unwrap();
            continued.forever().next();
            // Time for more frames than there should be.
            thread::sleep(Duration::from_millis(500));
            raise(libc::SIGTERM).unwrap();
        });
        driver.run().unwrap();
    }
    let left = pty_tests::run_in_script("\"$@\"; fg", module_path!(), TEST);
    let shown = String::from_utf8_lossy(&left.shown);
    let count = |text: &str| shown.matches(text).count();
    assert_eq!(count("\x1b[?1049h"), 2, "{shown:?}");
    assert_eq!(count("\x1b[?1049l"), 2, "{shown:?}");
    let (_, again) = shown.rsplit_once("\x1b[?1049h").unwrap();
    assert!(again.contains("waiting"), "{shown:?}");
    assert!(left.is_restored());
}

#[test]
fn signals_ignored_at_the_start_stay_ignored() {
    const TEST: &str = "signals_ignored_at_the_start_stay_ignored";
    if pty_tests::task().is_some() {
        let (driver, _sender) = driver();
        raise(libc::SIGUSR1).unwrap();
        raise(libc::SIGUSR2).unwrap();
        driver.run().unwrap();
    }
    let script = "trap '' USR1; \"$@\"; echo ended by $(($? - 128))";
    let left = pty_tests::run_in_script(script, module_path!(), TEST);
    let text = left.screen().contents();
    let expected = format!("ended by {}", libc::SIGUSR2);
    assert!(left.is_restored() && text.contains(&expected), "{text}");
}

/// Panics in its destructor.
struct PanicsAgain;

impl Drop for PanicsAgain {
    fn drop(&mut self) {
        panic!("the second reason");
    }
}

/// Calls itself until the stack is full.
fn overflow(depth: u64) -> u64 {
    match std::hint::black_box(depth) {
        u64::MAX => 0,
        depth => overflow(depth + 1) + depth,
    }
}

#[test]
fn a_crash_restores_the_terminal_and_says_why() {
    const TEST: &str = "a_crash_restores_the_terminal_and_says_why";
    if let Some(how) = pty_tests::task() {
        let _driver = driver();
        // In another thread, because the hypervisor's library also crashes in one.
        let crashed = thread::spawn(move || match &*how {
            "abort" => {
                eprintln!("the reason");
                std::process::abort()
            }
            "panic" => {
                let _again = PanicsAgain;
                panic!("the reason");
            }
            // More memory than any machine has.
            "memory" => drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 60))),
            _ => drop(overflow(0)),
        });
        crashed.join().unwrap();
    }
    for (how, reason) in [
        ("abort", "the reason"),
        ("panic", "panic in a destructor during cleanup"),
        (
            "memory",
            "memory allocation of 1152921504606846976 bytes failed",
        ),
        ("stack", ""),
    ] {
        let left = pty_tests::run(module_path!(), TEST, how, (80, 24));
        let text = left.screen().contents();
        assert!(left.is_restored(), "{how}: {text}");
        assert!(left.status.signal().is_some(), "{how}: {text}");
        assert!(text.contains(reason), "{how}: {text}");
    }
}

#[test]
fn a_window_without_a_size_is_drawn() {
    if pty_tests::task().is_some() {
        let (driver, _sender) = driver();
        raise(libc::SIGTERM).unwrap();
        driver.run().unwrap();
    }
    let name = "a_window_without_a_size_is_drawn";
    for size in [(0, 0), (80, 24)] {
        let left = pty_tests::run(module_path!(), name, "draw", size);
        let shown = String::from_utf8_lossy(&left.shown);
        assert!(shown.contains("waiting"), "{size:?}: {shown}");
        assert!(left.is_restored());
        // The terminal reports clicks, and no movements.
        assert!(shown.contains("\x1b[?1000h") && !shown.contains("?1003h"));
    }
}
