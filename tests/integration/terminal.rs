//! Programs on a terminal: a real one, whose screen a terminal emulator keeps.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{MouseProtocolMode, Parser, Screen};

/// How long something may take to be on the screen, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(90);

/// A program on a terminal of its own.
pub struct OnTerminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<Parser>>,
    /// The terminal's modes before the program had it.
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

    /// As [`OnTerminal::start`], with variables in its environment beside the usual ones.
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
            // Reading fails when the last program on the terminal is gone.
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

    /// Looks at the screen as it is now.
    pub fn look<T>(&self, at: impl FnOnce(&Screen) -> T) -> T {
        at(self.screen.lock().unwrap().screen())
    }

    /// Gives the window another size.
    pub fn resize(&self, new: (u16, u16)) {
        let mut screen = self.screen.lock().unwrap();
        screen.screen_mut().set_size(new.1, new.0);
        drop(screen);
        self.master.resize(size(new)).unwrap();
    }

    /// The program's process.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits until the screen is so.
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

    /// Waits until the last line has this in it.
    pub fn until_told(&mut self, words: &str) {
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
            assert!(Instant::now() < end, "it goes on");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until nothing of the screen is left, and checks that the terminal has its modes again.
    pub fn given_back(&mut self) {
        self.until("given back", is_plain);
        assert_eq!(modes(&*self.master), self.modes);
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the terminal is as programs that know nothing of screens want it.
pub fn is_plain(screen: &Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && screen.mouse_protocol_mode() == MouseProtocolMode::None
}

pub fn last_line(screen: &Screen) -> String {
    let (_, width) = screen.size();
    screen.rows(0, width).last().unwrap_or_default()
}
