//! The terminal, taken and given back.

use std::io::{self, BufWriter, Stdout, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use xenscope::view::tui::{State, draw};

use super::stderr;

/// Whether the terminal is ours; the panic hook needs to know.
static OURS: AtomicBool = AtomicBool::new(false);

/// The terminal for as long as this lives.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
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
        let mut screen = Self {
            terminal: Terminal::new(backend)?,
        };
        screen.reopen()?;
        Ok(screen)
    }

    /// Takes the terminal again after [`Screen::close`].
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        OURS.store(true, Ordering::SeqCst);
        stderr::hold_back()?;
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen, EnableMouseCapture, Hide)?;
        self.clear()
    }

    /// Gives the terminal back as it was.
    pub(super) fn close(&mut self) {
        give_back();
    }

    /// Forgets what is on the screen, so that the next frame draws all of it.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        // `Terminal::clear` asks where the cursor is, and the answer would be taken for a key.
        self.terminal.resize(size.into())
    }

    pub(super) fn draw(&mut self, state: &mut State) -> io::Result<()> {
        // Another thread's panic has given the terminal back.
        if OURS.load(Ordering::SeqCst) {
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
    if OURS.swap(false, Ordering::SeqCst) {
        let _ = execute!(stdout(), DisableMouseCapture, Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
        stderr::let_go();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::env;
    use std::io::Read;
    use std::process::exit;
    use std::thread;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    use vt100::Parser;

    use super::*;

    /// Says that this test is to panic: it is alone in a process, on a terminal of its own.
    const ALONE: &str = "XENSCOPE_TEST_PANICS";

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_says_why() {
        if env::var_os(ALONE).is_some() {
            // On another thread, as the screen's own end would give the terminal back too.
            let _screen = Screen::open().unwrap();
            let _ = thread::spawn(|| panic!("the reason")).join();
            exit(1);
        }
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(env::current_exe().unwrap());
        let (_, module) = module_path!().split_once("::").unwrap();
        let name = format!("{module}::a_panic_gives_the_terminal_back_before_it_says_why");
        command.args(["--exact", &name, "--nocapture"]);
        command.env(ALONE, "1");
        command.env("RUST_BACKTRACE", "0");
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut shown = Vec::new();
        // Reading fails when the program is gone.
        let _ = pair
            .master
            .try_clone_reader()
            .unwrap()
            .read_to_end(&mut shown);
        assert!(!child.wait().unwrap().success());

        let taken = shown.windows(8).any(|part| part == b"\x1b[?1049h");
        assert!(taken, "{}", String::from_utf8_lossy(&shown));
        let mut parser = Parser::new(24, 80, 0);
        parser.process(&shown);
        let screen = parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor());
        assert!(
            screen.contents().contains("the reason"),
            "{}",
            screen.contents()
        );
        let modes = pair.master.get_termios().unwrap();
        assert!(format!("{:?}", modes.local_flags).contains("ICANON"));
    }
}
