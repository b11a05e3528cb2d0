//! Sets up the terminal for the live view, and restores it.

use std::cell::RefCell;
use std::env;
use std::io::{self, Write, stdin, stdout};
use std::os::fd::AsFd;
use std::panic;
use std::rc::Rc;

use nix::sys::termios::tcgetattr;
use nix::unistd::write;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use terminal_size::{Height, Width, terminal_size_of};
use xenscope::view::tui::{App, draw};
use xenscope::xen::crash;

use super::colours::in_sixteen;
use super::stderr;

/// The output since the last frame. ratatui flushes several times in a frame, which a slow terminal
/// would show, so this ignores that.
#[derive(Clone, Default)]
struct Pending(Rc<RefCell<Vec<u8>>>);

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pending {
    /// Writes it to the terminal, all at once.
    fn send(&self) -> io::Result<()> {
        let frame = self.0.take();
        stdout().write_all(&in_sixteen(&frame))?;
        stdout().flush()
    }
}

/// The terminal in use. Dropping this restores it.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Pending>>,
    pending: Pending,
    /// The window at the last frame.
    window: Rect,
}

/// Switches to the alternate screen, reports the mouse's clicks and wheel, and hides the cursor.
/// Mouse movements are not reported, because each of them would wake the program.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[?25l";
/// Undoes [`ENTER`], and resets the colours, because a crash may happen within coloured text.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l";

/// The largest value of LINES and COLUMNS that is used.
const MAX_SIZE: u16 = 1000;

/// Returns the window of this size. The size of a serial console is often unknown; then COLUMNS and
/// LINES say it, else it is 80x24.
fn window(size: Option<(Width, Height)>, variable: impl Fn(&str) -> Option<String>) -> Rect {
    let from_env = |name, default| {
        let number = variable(name).and_then(|text| text.parse().ok());
        number
            .filter(|size| (1..=MAX_SIZE).contains(size))
            .unwrap_or(default)
    };
    match size {
        Some((Width(width), Height(height))) => Rect::new(0, 0, width, height),
        None => Rect::new(0, 0, from_env("COLUMNS", 80), from_env("LINES", 24)),
    }
}

/// Returns the current window.
fn this_window() -> Rect {
    window(terminal_size_of(stdout()), |name| env::var(name).ok())
}

impl Screen {
    /// Sets up the terminal. A panic restores it before it prints its message.
    pub(super) fn open() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
        let pending = Pending::default();
        let backend = CrosstermBackend::new(pending.clone());
        let window = this_window();
        // By default, ratatui reads the size itself, and draws nothing if it is unknown.
        let viewport = Viewport::Fixed(window);
        let mut screen = Self {
            terminal: Terminal::with_options(backend, TerminalOptions { viewport })?,
            pending,
            window,
        };
        screen.reopen()?;
        Ok(screen)
    }

    /// Sets up the terminal again after [`Screen::close`], or because another program has changed
    /// it. The next frame appears on it at once, without an empty screen before.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        let held_back = crash::disarm().and_then(|before| before.stderr);
        disable_raw_mode()?;
        crash::arm(crash::Terminal {
            modes: tcgetattr(stdin())?,
            input: stdin().as_fd().try_clone_to_owned()?,
            output: stdout().as_fd().try_clone_to_owned()?,
            leave: LEAVE,
            stderr: match held_back {
                Some(held_back) => Some(held_back),
                None => stderr::hold_back()?,
            },
        })?;
        enable_raw_mode()?;
        self.pending.write_all(ENTER)?;
        self.clear()
    }

    /// Restores the terminal.
    pub(super) fn close(&mut self) {
        restore();
    }

    /// Makes the next frame draw the whole screen.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.window = this_window();
        // `Terminal::clear` asks the terminal for the cursor's position, and the input thread would
        // read the answer.
        self.terminal.resize(self.window)
    }

    /// Draws a frame.
    pub(super) fn draw(&mut self, app: &mut App) -> io::Result<()> {
        // If another thread has panicked, the terminal is restored already.
        if crash::is_armed() {
            if self.window != this_window() {
                self.clear()?;
            }
            self.terminal.draw(|frame| draw(app, frame))?;
            self.pending.send()?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal once. Errors are ignored, because the terminal may have closed.
fn restore() {
    if let Some(terminal) = crash::disarm() {
        // This bypasses stdout's lock, because a thread that panics or waits for the terminal may
        // hold it.
        let _ = write(&terminal.output, LEAVE);
        let _ = disable_raw_mode();
    }
    stderr::release();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::fs;
    use std::process::exit;
    use std::thread;

    use xenscope::view::DisplayOptions;
    use xenscope::view::tui::{self, Settings};

    use super::super::pty_tests;
    use super::*;

    #[test]
    fn unknown_sizes_come_from_the_environment() {
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

    /// Returns a screen with a first frame.
    fn opened() -> (Screen, App) {
        let terminal = tui::Terminal::of(|_| None);
        let mut app = App::new(Settings::default(), DisplayOptions::default(), terminal);
        let mut screen = Screen::open().unwrap();
        screen.draw(&mut app).unwrap();
        (screen, app)
    }

    #[test]
    fn a_frame_is_written_at_once() {
        const TEST: &str = "a_frame_is_written_at_once";
        if pty_tests::task().is_some() {
            // proc_pid_io(5): system calls that write.
            let writes = || -> u64 {
                let text = fs::read_to_string("/proc/self/io").unwrap();
                let line = text.lines().find_map(|line| line.strip_prefix("syscw: "));
                line.unwrap().parse().unwrap()
            };
            let (mut screen, mut app) = opened();
            let before = writes();
            screen.reopen().unwrap();
            screen.draw(&mut app).unwrap();
            let after = writes();
            drop(screen);
            println!("{} writes", after - before);
            return;
        }
        let left = pty_tests::run(module_path!(), TEST, "draw", (80, 24));
        let text = left.screen().contents();
        assert!(left.is_restored() && text.contains("1 writes"), "{text}");
    }

    #[test]
    fn a_panic_restores_the_terminal_first() {
        if pty_tests::task().is_some() {
            // In another thread, because dropping the screen would also restore the terminal.
            let _screen = opened();
            let _ = thread::spawn(|| panic!("the reason")).join();
            exit(1);
        }
        let name = "a_panic_restores_the_terminal_first";
        let left = pty_tests::run(module_path!(), name, "panic", (80, 24));
        assert!(!left.status.success() && left.is_restored());
        let text = left.screen().contents();
        assert!(text.contains("the reason"), "{text}");
    }
}
