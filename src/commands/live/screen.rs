//! The terminal, taken and given back.

use std::env;
use std::io::{self, BufWriter, Stdout, Write, stdin, stdout};
use std::os::fd::AsFd;
use std::panic;

use nix::sys::termios::tcgetattr;
use nix::unistd::write;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use terminal_size::{Height, Width, terminal_size_of};
use xenscope::view::tui::{App, draw};
use xenscope::xen::crash;

use super::stderr;

/// The terminal for as long as this lives.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    /// The window, as large as it was when something was drawn last.
    window: Rect,
}

/// The other screen, with the mouse's clicks and wheel but without its movements, each of which would
/// wake the program, and without a cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[?25l";
/// As programs that know nothing of screens want it. A crash may come in the middle of a coloured text.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l";

/// The largest window that LINES and COLUMNS can make.
const LARGEST: u16 = 1000;

/// The window of this size. A serial console's is mostly not known: then it is as large as the
/// environment says, else as terminals always were.
fn window(size: Option<(Width, Height)>, variable: impl Fn(&str) -> Option<String>) -> Rect {
    let said = |name, usual| {
        let number = variable(name).and_then(|text| text.parse().ok());
        number
            .filter(|size| (1..=LARGEST).contains(size))
            .unwrap_or(usual)
    };
    match size {
        Some((Width(width), Height(height))) => Rect::new(0, 0, width, height),
        None => Rect::new(0, 0, said("COLUMNS", 80), said("LINES", 24)),
    }
}

/// The window as it is now.
fn this_window() -> Rect {
    window(terminal_size_of(stdout()), |name| env::var(name).ok())
}

impl Screen {
    /// Takes the terminal. A panic gives it back before it says anything.
    pub(super) fn open() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
        let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 16, stdout()));
        let window = this_window();
        // ratatui would ask for the size by itself, and draw nothing where that is not known.
        let viewport = Viewport::Fixed(window);
        let mut screen = Self {
            terminal: Terminal::with_options(backend, TerminalOptions { viewport })?,
            window,
        };
        screen.reopen()?;
        Ok(screen)
    }

    /// Takes the terminal again after [`Screen::close`].
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        crash::arm(crash::Terminal {
            modes: tcgetattr(stdin())?,
            input: stdin().as_fd().try_clone_to_owned()?,
            output: stdout().as_fd().try_clone_to_owned()?,
            leave: LEAVE,
            stderr: stderr::hold_back()?,
        })?;
        enable_raw_mode()?;
        stdout().write_all(ENTER)?;
        stdout().flush()?;
        self.clear()
    }

    /// Gives the terminal back as it was.
    pub(super) fn close(&mut self) {
        give_back();
    }

    /// Forgets what is on the screen, so that the next frame draws all of it.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.window = this_window();
        // `Terminal::clear` asks where the cursor is, and the answer would be taken for a key.
        self.terminal.resize(self.window)
    }

    pub(super) fn draw(&mut self, state: &mut App) -> io::Result<()> {
        // Another thread's panic has given the terminal back.
        if crash::is_armed() {
            if self.window != this_window() {
                self.clear()?;
            }
            self.terminal.draw(|frame| draw(state, frame))?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, once. It may be gone, so that no one is left to be told of errors.
fn give_back() {
    if let Some(terminal) = crash::disarm() {
        // Past stdout's lock, which may be held by the thread that panics or waits for the terminal.
        let _ = write(&terminal.output, LEAVE);
        let _ = disable_raw_mode();
    }
    stderr::let_go();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::process::exit;
    use std::thread;

    use super::super::pty_tests;
    use super::*;

    #[test]
    fn a_window_without_a_size_is_as_large_as_the_environment_says() {
        let of = |size, variables: [Option<&str>; 2]| {
            let [columns, lines] = variables;
            let window = window(size, |name| match name {
                "COLUMNS" => columns.map(str::to_owned),
                "LINES" => lines.map(str::to_owned),
                _ => None,
            });
            (window.width, window.height)
        };
        let known = Some((Width(200), Height(60)));
        assert_eq!(of(known, [Some("132"), Some("50")]), (200, 60));
        assert_eq!(of(None, [Some("132"), Some("50")]), (132, 50));
        assert_eq!(of(None, [Some("132"), None]), (132, 24));
        for wrong in ["0", "-1", "", "many", "65535", "99999999"] {
            assert_eq!(of(None, [Some(wrong), Some(wrong)]), (80, 24), "{wrong}");
        }
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_says_why() {
        if pty_tests::task().is_some() {
            // On another thread, as the screen's own end would give the terminal back too.
            let _screen = Screen::open().unwrap();
            let _ = thread::spawn(|| panic!("the reason")).join();
            exit(1);
        }
        let name = "a_panic_gives_the_terminal_back_before_it_says_why";
        let left = pty_tests::run(module_path!(), name, "panic", (80, 24));
        assert!(!left.status.success() && left.gave_back());
        let text = left.screen().contents();
        assert!(text.contains("the reason"), "{text}");
    }
}
