//! `xenscope top` in a terminal.
//!
//! Separate threads take the samples, wait for keys, and wait for signals. They send messages to
//! this thread, which draws if something changed, and sleeps otherwise.

mod colours;
mod folder;
mod input;
mod message;
mod past;
#[cfg(test)]
mod pty_tests;
mod sampler;
mod screen;
mod settings;
mod signals;
mod stderr;
#[cfg(test)]
mod tests;

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::mem;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use signal_hook::low_level::emulate_default_handler;
use thiserror::Error as ThisError;
use xenscope::feed::{Live, Recorded, Watches};
use xenscope::snapshot::Collect;
use xenscope::tracer;
use xenscope::view::tui::{App, Command, Settings, Step, Terminal};
use xenscope::xen::Error;

use super::past::all as open_recording;
use super::signals::can_be_continued;
use crate::cli::{Look, Span, Top};
use crate::exit::{NoSnapshot, Outcome, WrongUsage, cannot};
use message::{Message, read_input};
use past::Past;
use sampler::{Newest, Request, Sampled};
use screen::Screen;

/// Why the live view cannot open a screen.
#[derive(Debug, ThisError)]
enum NoScreen {
    /// The output or the input is not a terminal.
    #[error("{0} is not a terminal; 'top -b' prints blocks of lines for scripts")]
    NotATerminal(&'static str),
    /// The terminal cannot move the cursor.
    #[error(
        "the terminal can't show a screen (TERM is {0}); 'top -b' prints blocks of lines instead"
    )]
    Dumb(&'static str),
}

/// The sampling thread panicked.
#[derive(Debug, ThisError)]
#[error("sampling ended unexpectedly; please report the message above")]
struct Ended;

/// Shows the samples of the feed that `open` returns. Its arguments are what to collect first, and
/// the interval. `watches` is the handle on the feed's watches.
pub(super) fn run(
    (options, look): (&Top, &Look),
    watches: Watches,
    open: impl FnOnce(Collect, Duration) -> Result<Live, Error> + Send + 'static,
) -> anyhow::Result<Outcome> {
    let mut app = app(options, look)?;
    let interval = app.settings().interval;
    let (sender, messages) = mpsc::channel();
    let collect = app.collect();
    let started = sampler::start(move || open(collect, interval), sender.clone());
    let (requests, newest) = started.map_err(cannot("start a thread"))?;
    // The screen opens after the first sample. An error before that is printed as for any command.
    let first = messages.recv().ok().and_then(|_| newest.take());
    app.take(&first.ok_or(Ended)?.outcome?);
    let mut driver = Driver::new(app, sender, messages)?;
    // Only now, because from here on every way out switches the trace off.
    let _off = SwitchesOff;
    if options.ready {
        driver.app = driver.app.with_ready();
    }
    driver.live = Some(Sampler {
        watches,
        newest,
        requests,
        asked: (collect, interval),
    });
    driver.remaining = options.iterations;
    driver.run()?;
    Ok(Outcome::Done)
}

/// Shows a recording, first the sample at its position.
pub(super) fn look_back((options, look): (&Top, &Look), feed: Recorded) -> anyhow::Result<Outcome> {
    let mut app = app(options, look)?;
    if options.ready {
        app = app.with_ready();
    }
    let mut past = Past::of(feed);
    if !past.show(&mut app)? {
        return Err(NoSnapshot.into());
    }
    let (sender, messages) = mpsc::channel();
    let mut driver = Driver::new(app, sender, messages)?;
    driver.past = Some(past);
    driver.run()?;
    Ok(Outcome::Done)
}

/// Returns the app with the saved settings, and what was given instead.
fn app(options: &Top, look: &Look) -> anyhow::Result<App> {
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
    look.change(&mut settings);
    if let Some(filter) = look.filter().map_err(WrongUsage)? {
        filter.text().clone_into(&mut settings.filter);
    }
    let terminal = Terminal::of(|name| env::var(name).ok());
    let mut app = App::new(settings, options.display, terminal).with_zone(TimeZone::system());
    if let Some(warning) = warning {
        app.tell(warning);
    }
    Ok(app)
}

/// Switches the trace off when it is dropped, also by a panic. Nobody waits for the sampler.
struct SwitchesOff;

impl Drop for SwitchesOff {
    fn drop(&mut self) {
        tracer::switch_off();
    }
}

/// Returns an error if the terminal cannot show a screen.
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

/// Returns the saved settings. If they cannot be read, returns the defaults and a warning.
fn settings() -> (Settings, Option<String>) {
    match settings::read() {
        Ok(settings) => (settings.unwrap_or_default(), None),
        Err(why) => (
            Settings::default(),
            Some(format!("settings ignored: {why}")),
        ),
    }
}

/// Connects the app to the screen, the sampler, the keys and the signals.
struct Driver {
    app: App,
    screen: Screen,
    messages: Receiver<Message>,
    /// `None` if only a recording is shown.
    live: Option<Sampler>,
    /// The recording that is shown; `None` if the running host is.
    past: Option<Past>,
    /// Lets the input thread continue after a suspend.
    resume_input: Sender<()>,
    /// Whether the input thread waits for that.
    input_waits: bool,
    /// How many more samples to show; `None` for no limit.
    remaining: Option<u64>,
    /// Why the newest sample failed; `None` if it did not.
    failure: Option<Error>,
    /// Whether the program was stopped since the last sample.
    was_stopped: bool,
    /// When the program was last continued after it stopped itself.
    continued: Option<Instant>,
}

/// What takes the samples of the running host.
struct Sampler {
    /// The handle on its watches.
    watches: Watches,
    newest: Newest,
    requests: Sender<Request>,
    /// The last request.
    asked: (Collect, Duration),
}

impl Driver {
    /// Opens the screen, and starts to read the input and the signals.
    fn new(app: App, sender: Sender<Message>, messages: Receiver<Message>) -> anyhow::Result<Self> {
        signals::watch(sender.clone()).map_err(cannot("wait for signals"))?;
        let screen = Screen::open().map_err(cannot("use the terminal"))?;
        let (resume_input, continued) = mpsc::channel();
        thread::spawn(move || read_input(&sender, &continued));
        Ok(Self {
            app,
            screen,
            messages,
            live: None,
            past: None,
            resume_input,
            input_waits: false,
            remaining: None,
            failure: None,
            was_stopped: false,
            continued: None,
        })
    }

    fn run(mut self) -> anyhow::Result<()> {
        loop {
            if let Some(past) = &mut self.past {
                past.look_around(&mut self.app);
            }
            if self.app.changed() {
                let drawn = self.screen.draw(&mut self.app);
                drawn.map_err(cannot("write to the terminal"))?;
                // The first frame says how much room there is.
                continue;
            }
            if self.remaining == Some(0) {
                return Ok(());
            }
            // All queued messages are drawn in one frame.
            let Some(first) = self.wait()? else {
                self.play()?;
                continue;
            };
            let rest: Vec<Message> = self.messages.try_iter().collect();
            for message in std::iter::once(first).chain(rest) {
                if self.handle(message)? {
                    return Ok(());
                }
            }
            self.send_requests();
        }
    }

    /// Returns the next message; `None` if something of the past is due before it.
    fn wait(&mut self) -> anyhow::Result<Option<Message>> {
        let due = self.past.as_ref().and_then(Past::due);
        let message = match due {
            None => self.messages.recv().map_err(RecvTimeoutError::from),
            Some(due) => {
                let time = due.saturating_duration_since(Instant::now());
                self.messages.recv_timeout(time)
            }
        };
        match message {
            Ok(message) => Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.why_ended()),
        }
    }

    /// Shows what is due of the past.
    fn play(&mut self) -> Result<(), Error> {
        let interval = self.app.settings().interval;
        match &mut self.past {
            Some(past) => past.go_on(&mut self.app, interval),
            None => Ok(()),
        }
    }

    /// Shows another time. The running host is shown again, unless there is none.
    fn go(&mut self, step: Step) -> Result<(), Error> {
        if step == Step::Newest && self.live.is_some() {
            self.past = None;
            self.app.show_newest();
            return Ok(());
        }
        if self.past.is_none() {
            match open_recording(&Span::default()) {
                Ok(feed) => self.past = Some(Past::of(feed)),
                Err(why) => {
                    self.app.tell(format!("{why:#}"));
                    return Ok(());
                }
            }
        }
        if let Some(past) = &mut self.past {
            past.go(step, &mut self.app)?;
        }
        if !self.app.shows_past() {
            self.past = None;
        }
        Ok(())
    }

    /// Handles a message; returns `true` to quit.
    fn handle(&mut self, message: Message) -> anyhow::Result<bool> {
        match message {
            Message::Sampled => {
                let newest = self.live.as_ref().and_then(|live| live.newest.take());
                if let Some(sampled) = newest {
                    self.show(sampled);
                }
            }
            Message::Ended => return Err(self.why_ended()),
            Message::NoInput(error) => return Err(cannot("read the keys")(error).into()),
            Message::Input(event) => match self.app.handle(&event) {
                Some(Command::Quit) => return Ok(true),
                Some(Command::Suspend) => {
                    self.input_waits = true;
                    self.suspend().map_err(cannot("use the terminal"))?;
                }
                Some(Command::Redraw) => {
                    self.screen
                        .clear()
                        .map_err(cannot("write to the terminal"))?;
                }
                Some(Command::Save) => self.save(),
                Some(Command::Go(step)) => self.go(step)?,
                None => {}
            },
            Message::Signal(signal) if signals::STOP == signal => {
                if self
                    .continued
                    .is_none_or(|then| then.elapsed() > signals::ECHO)
                {
                    self.suspend().map_err(cannot("use the terminal"))?;
                }
            }
            Message::Signal(signal) if signals::CONTINUE == signal => {
                self.resume().map_err(cannot("use the terminal"))?;
            }
            Message::Signal(signal) => {
                self.screen.close();
                tracer::switch_off();
                emulate_default_handler(signal).map_err(cannot("end by a signal"))?;
            }
        }
        Ok(false)
    }

    /// Shows a sample, or its error.
    fn show(&mut self, sampled: Sampled) {
        let Sampled {
            outcome,
            is_new,
            skipped,
        } = sampled;
        if !mem::take(&mut self.was_stopped) && skipped > 0 {
            self.app.skip(skipped);
        }
        match &outcome {
            Ok(pair) if is_new => self.app.take(pair),
            Ok(pair) => self.app.fill_in(pair),
            Err(error) => self.app.fail(error.to_string()),
        }
        self.failure = outcome.err();
        if is_new {
            self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(1));
        }
    }

    /// Returns why there are no more samples.
    fn why_ended(&mut self) -> anyhow::Error {
        match self.failure.take() {
            Some(error) => error.into(),
            None => Ended.into(),
        }
    }

    /// Sends the sampler what has changed: what to collect, and the interval.
    fn send_requests(&mut self) {
        let Some(live) = &mut self.live else { return };
        let now = (self.app.collect(), self.app.settings().interval);
        // If the sampler has ended, it has sent a message.
        if now.0 != live.asked.0 {
            let _ = live.requests.send(Request::Collect(now.0));
        }
        if now.1 != live.asked.1 {
            let _ = live.requests.send(Request::Interval(now.1));
        }
        live.asked = now;
    }

    /// Saves the settings, and shows the path or the error.
    fn save(&mut self) {
        self.app.tell(match settings::write(self.app.settings()) {
            Ok(path) => format!("written to {}", path.display()),
            Err(why) => format!("settings not written: {why}"),
        });
    }

    /// Restores the terminal and stops the program. The signal that continues it calls
    /// [`Self::resume`].
    fn suspend(&mut self) -> io::Result<()> {
        if !can_be_continued() {
            self.app
                .tell("not stopped: there is no shell that could continue xenscope".to_owned());
            self.resume_input();
            return Ok(());
        }
        self.screen.close();
        let watches = self.live.as_ref().map(|live| &live.watches);
        watches.inspect(|watches| watches.release());
        let stopped = signals::stop();
        watches.inspect(|watches| watches.resume());
        self.continued = Some(Instant::now());
        stopped
    }

    /// Sets up the terminal again, because other programs may have changed it.
    fn resume(&mut self) -> io::Result<()> {
        self.was_stopped = true;
        self.screen.reopen()?;
        self.resume_input();
        self.app.touch();
        Ok(())
    }

    /// Lets the input thread continue if it waits.
    fn resume_input(&mut self) {
        if mem::take(&mut self.input_waits) {
            // If the thread has ended, it has sent a message.
            let _ = self.resume_input.send(());
        }
    }
}
