//! `xenscope top` in a terminal.
//!
//! A thread of its own takes the samples, one waits for keys and one for signals; all of them
//! send messages to this one, which draws when something changed and sleeps otherwise.

mod folder;
mod message;
mod preferences;
#[cfg(test)]
mod pty_tests;
mod sampler;
mod screen;
mod signals;
mod stderr;
#[cfg(test)]
mod tests;

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::mem;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::low_level::emulate_default_handler;
use thiserror::Error as ThisError;
use xenscope::feed::Live;
use xenscope::snapshot::Collect;
use xenscope::view::tui::{App, Command, Settings, Terminal};
use xenscope::xen::Error;

use crate::cli::Top;
use crate::exit::{Outcome, WrongUsage};
use message::{Message, read_input};
use sampler::{Newest, Request, Sampled};
use screen::Screen;

/// Why there can be no screen.
#[derive(Debug, ThisError)]
enum NoScreen {
    /// Output or input is not a terminal.
    #[error("{0} is not a terminal; 'top -b' prints blocks of lines for scripts")]
    NotATerminal(&'static str),
    /// The terminal can't place text.
    #[error(
        "the terminal can't show a screen (TERM is {0}); 'top -b' prints blocks of lines instead"
    )]
    Dumb(&'static str),
}

/// The thread that samples ended by a panic.
#[derive(Debug, ThisError)]
#[error("sampling ended unexpectedly; please report the message above")]
struct Ended;

/// Shows the samples of the feed that `open` opens for what is collected first, and the interval.
pub(super) fn run(
    options: &Top,
    open: impl FnOnce(Collect, Duration) -> Result<Live, Error> + Send + 'static,
) -> anyhow::Result<Outcome> {
    check_terminal(
        io::stdout().is_terminal(),
        io::stdin().is_terminal(),
        env::var_os("TERM").as_deref(),
    )
    .map_err(|why| WrongUsage(why.to_string()))?;
    let (mut settings, warning) = settings();
    if let Some(delay) = options.delay {
        settings.interval = delay;
    }
    let interval = settings.interval;
    let terminal = Terminal::of(|name| env::var(name).ok());
    let mut state = App::new(settings, options.display, terminal);
    if let Some(warning) = warning {
        state.tell(warning);
    }

    let (sender, messages) = mpsc::channel();
    let collect = state.collect();
    let (requests, newest) = sampler::start(move || open(collect, interval), sender.clone());
    // No screen before there is something to show on it: what fails until then is told as ever.
    let first = messages.recv().ok().and_then(|_| newest.take());
    state.take(&first.ok_or(Ended)?.outcome?);
    signals::watch(sender.clone())?;
    let screen = Screen::open()?;
    let (go_on, continued) = mpsc::channel();
    thread::spawn(move || read_input(&sender, &continued));
    let driver = Driver {
        state,
        screen,
        messages,
        newest,
        requests,
        go_on,
        asked: (collect, interval),
        left: options.iterations,
        was_stopped: false,
        continued: None,
    };
    driver.run()?;
    Ok(Outcome::Done)
}

/// Refuses terminals that can't show a screen.
fn check_terminal(output: bool, input: bool, term: Option<&OsStr>) -> Result<(), NoScreen> {
    if !output {
        return Err(NoScreen::NotATerminal("the output"));
    }
    if !input {
        return Err(NoScreen::NotATerminal("the input"));
    }
    match term.map(OsStr::as_encoded_bytes) {
        None | Some(b"") => Err(NoScreen::Dumb("not set")),
        Some(b"dumb") => Err(NoScreen::Dumb("dumb")),
        Some(_) => Ok(()),
    }
}

/// The settings that were written down, or the usual ones and why not those.
fn settings() -> (Settings, Option<String>) {
    match preferences::read() {
        Ok(settings) => (settings.unwrap_or_default(), None),
        Err(why) => (
            Settings::default(),
            Some(format!("settings ignored: {why}")),
        ),
    }
}

/// The screen, what is on it, and where it comes from.
struct Driver {
    state: App,
    screen: Screen,
    messages: Receiver<Message>,
    newest: Newest,
    requests: Sender<Request>,
    /// To whoever reads the input, after it asked for a stop.
    go_on: Sender<()>,
    /// What the sampler was asked for last.
    asked: (Collect, Duration),
    /// How many samples are left to show; `None` for as many as there are.
    left: Option<u64>,
    /// Whether the program was stopped since the last sample, perhaps while the next one was taken.
    was_stopped: bool,
    /// When the program was continued that had stopped itself.
    continued: Option<Instant>,
}

impl Driver {
    fn run(mut self) -> anyhow::Result<()> {
        loop {
            if self.state.changed() {
                self.screen.draw(&mut self.state)?;
            }
            if self.left == Some(0) {
                return Ok(());
            }
            // All that has come in the meantime goes into one frame.
            let Ok(first) = self.messages.recv() else {
                return Err(Ended.into());
            };
            let rest: Vec<Message> = self.messages.try_iter().collect();
            for message in std::iter::once(first).chain(rest) {
                if self.heed(message)? {
                    return Ok(());
                }
            }
            self.ask();
        }
    }

    /// Does what a message asks for; `true` means the end.
    fn heed(&mut self, message: Message) -> anyhow::Result<bool> {
        match message {
            Message::Sampled => {
                if let Some(sampled) = self.newest.take() {
                    self.show(sampled);
                }
            }
            Message::Ended => return Err(Ended.into()),
            Message::NoInput(error) => return Err(error.into()),
            Message::Input(event) => match self.state.handle(&event) {
                Some(Command::Quit) => return Ok(true),
                Some(Command::Suspend) => {
                    self.suspend()?;
                    // Whoever reads the input reports its end.
                    let _ = self.go_on.send(());
                }
                Some(Command::Redraw) => self.screen.clear()?,
                Some(Command::Save) => self.save(),
                None => {}
            },
            Message::Signal(signal) if signals::STOP == signal => {
                if self
                    .continued
                    .is_none_or(|then| then.elapsed() > signals::ECHO)
                {
                    self.suspend()?;
                }
            }
            Message::Signal(signal) if signals::CONTINUE == signal => self.come_back()?,
            Message::Signal(signal) => {
                self.screen.close();
                emulate_default_handler(signal)?;
            }
        }
        Ok(false)
    }

    /// Shows a sample, or why there is none.
    fn show(&mut self, Sampled { outcome, skipped }: Sampled) {
        if !mem::take(&mut self.was_stopped) && skipped > 0 {
            self.state.skip(skipped);
        }
        match outcome {
            Ok(pair) => self.state.take(&pair),
            Err(error) => self.state.fail(error.to_string()),
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
    }

    /// Asks the sampler for what the screen needs now.
    fn ask(&mut self) {
        let now = (self.state.collect(), self.state.settings().interval);
        // A sampler that is gone has said so.
        if now.0 != self.asked.0 {
            let _ = self.requests.send(Request::Collect(now.0));
        }
        if now.1 != self.asked.1 {
            let _ = self.requests.send(Request::Interval(now.1));
        }
        self.asked = now;
    }

    /// Writes the settings down, and tells where or why not.
    fn save(&mut self) {
        self.state
            .tell(match preferences::write(self.state.settings()) {
                Ok(path) => format!("written to {}", path.display()),
                Err(why) => format!("settings not written: {why}"),
            });
    }

    /// Gives the terminal back and stops, until someone continues it.
    fn suspend(&mut self) -> io::Result<()> {
        if !signals::can_be_continued() {
            self.state
                .tell("not stopped: there is no shell that could continue xenscope".to_owned());
            return Ok(());
        }
        self.screen.close();
        signals::stop()?;
        self.continued = Some(Instant::now());
        self.come_back()
    }

    /// Takes the terminal again, whatever others did to it.
    fn come_back(&mut self) -> io::Result<()> {
        self.was_stopped = true;
        self.screen.close();
        self.screen.reopen()?;
        self.state.touch();
        Ok(())
    }
}
