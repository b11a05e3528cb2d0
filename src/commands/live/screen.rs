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

    use std::process::exit;
    use std::thread;

    use super::super::alone;
    use super::*;

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_says_why() {
        if alone::task().is_some() {
            // On another thread, as the screen's own end would give the terminal back too.
            let _screen = Screen::open().unwrap();
            let _ = thread::spawn(|| panic!("the reason")).join();
            exit(1);
        }
        let name = "a_panic_gives_the_terminal_back_before_it_says_why";
        let left = alone::run(module_path!(), name, "panic", (80, 24));
        assert!(!left.status.success() && left.gave_back());
        let text = left.screen().contents();
        assert!(text.contains("the reason"), "{text}");
    }
}
