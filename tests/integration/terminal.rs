//! Programs on a pseudo-terminal, whose output a terminal emulator draws.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{MouseProtocolMode, Parser, Screen};

/// How long a change of the screen may take, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(90);

/// A program on a terminal of its own.
pub struct OnTerminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<Parser>>,
    /// The terminal's modes before the program started.
    modes: String,
}

fn modes(terminal: &dyn MasterPty) -> String {
    format!("{:?}", terminal.get_termios().unwrap())
}

fn size((cols, rows): (u16, u16)) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl OnTerminal {
    pub fn start(program: &str, words: &[&str], size: (u16, u16)) -> Self {
        Self::start_with(&[], program, words, size)
    }

    /// Does the same as [`OnTerminal::start`], with more environment variables.
    pub fn start_with(
        variables: &[(&str, &str)],
        program: &str,
        words: &[&str],
        (cols, rows): (u16, u16),
    ) -> Self {
        let pair = native_pty_system().openpty(size((cols, rows))).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(words);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        for (name, value) in variables {
            command.env(name, value);
        }
        let modes = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(Parser::new(rows, cols, 0)));
        let mut output = pair.master.try_clone_reader().unwrap();
        let shown = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when the last program on the terminal has ended.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self {
            keyboard: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            screen,
            modes,
        }
    }

    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Calls `at` with the current screen.
    pub fn look<T>(&self, at: impl FnOnce(&Screen) -> T) -> T {
        at(self.screen.lock().unwrap().screen())
    }

    /// Changes the size of the window.
    pub fn resize(&self, new: (u16, u16)) {
        let mut screen = self.screen.lock().unwrap();
        screen.screen_mut().set_size(new.1, new.0);
        drop(screen);
        self.master.resize(size(new)).unwrap();
    }

    /// Returns the program's process ID.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits until this is true for the screen.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Screen) -> bool) {
        let end = Instant::now() + LIMIT;
        while !holds(self.screen.lock().unwrap().screen()) {
            if Instant::now() > end {
                let screen = self.screen.lock().unwrap();
                panic!("never {what}:\n{}", screen.screen().contents());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the last line contains this.
    pub fn until_last_line_has(&mut self, words: &str) {
        self.until(words, |screen| last_line(screen).contains(words));
    }

    /// Clicks on a column and a line, counted from 0, as a terminal reports it.
    pub fn click(&mut self, column: usize, line: usize) {
        let (column, line) = (column + 1, line + 1);
        self.press(&format!("\x1b[<0;{column};{line}M\x1b[<0;{column};{line}m"));
    }

    /// Waits until the program has ended.
    pub fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not end");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the terminal is plain, and asserts that it has its former modes.
    pub fn assert_restored(&mut self) {
        self.until("restored", is_plain);
        assert_eq!(modes(&*self.master), self.modes);
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns whether the terminal has its normal screen, a cursor and no mouse reports.
pub fn is_plain(screen: &Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && screen.mouse_protocol_mode() == MouseProtocolMode::None
}

pub fn last_line(screen: &Screen) -> String {
    let (_, width) = screen.size();
    screen.rows(0, width).last().unwrap_or_default()
}
