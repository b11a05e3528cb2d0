//! The recording that the live view shows instead of the running host.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use xenscope::feed::{Feed, Hour, Pair, Recorded};
use xenscope::recording::USUAL;
use xenscope::view::tui::{App, PastSample, Step};
use xenscope::xen::Error;

/// How many samples the charts have.
const CHARTS: usize = 120;

/// How long after a step the charts are drawn, so that a key that is held down waits for none.
const CHARTS_AFTER: Duration = Duration::from_millis(150);

/// How long a part of the charts or of the hour takes, so that a key waits no longer.
const PART: Duration = Duration::from_millis(50);

/// Charts that are put together between keys.
struct Charts {
    past: PastSample,
    /// How many samples they lack.
    missing: usize,
    due: Instant,
}

/// The hour around the shown sample, which is read between keys.
struct Around {
    hour: Hour,
    /// The time that it is around, and how long a column is; `None` at first.
    at: Option<(Timestamp, u32)>,
    /// When to read more; `None` if all is read.
    due: Option<Instant>,
}

/// A position in a recording.
pub(super) struct Past {
    feed: Recorded,
    /// `None` if the charts are those of the shown sample.
    charts: Option<Charts>,
    around: Around,
    /// When the next sample is due; `None` if they do not follow by themselves.
    next: Option<Instant>,
}

impl Past {
    pub(super) fn of(feed: Recorded) -> Self {
        Self {
            feed,
            charts: None,
            around: Around {
                hour: Hour::default(),
                at: None,
                due: None,
            },
            next: None,
        }
    }

    /// Shows the sample at the position; returns `false` if there is none.
    ///
    /// # Errors
    /// Those of the feed.
    pub(super) fn show(&mut self, app: &mut App) -> Result<bool, Error> {
        let pair = self.feed.measure(&mut |_| {})?;
        let found = pair.is_some();
        self.jump(pair, app);
        Ok(found)
    }

    /// Reads what was recorded since the recording was opened.
    fn read_new(&mut self) {
        if self.feed.read_new() {
            self.around.hour.read_new();
            self.around.at = None;
        }
    }

    /// Takes a step.
    ///
    /// # Errors
    /// Those of the feed.
    pub(super) fn go(&mut self, step: Step, app: &mut App) -> Result<(), Error> {
        let Some(shown) = app.shown_time() else {
            return Ok(());
        };
        self.read_new();
        let plays = self.next.take().is_some();
        if app.shows_past() {
            app.play(false);
        }
        let found = match step {
            Step::Play => {
                self.next = (!plays).then(Instant::now);
                app.play(!plays);
                return Ok(());
            }
            // From the running host, the step leads to what was recorded after what is shown.
            Step::Next if !app.shows_past() => None,
            Step::Next => match self.feed.next()? {
                Some(pair) => {
                    self.follow(&pair, app);
                    return Ok(());
                }
                None => None,
            },
            Step::Previous if app.shows_past() => self.feed.previous()?,
            Step::Previous => self.feed.go_to(shown)?,
            Step::Seconds(seconds) => self.by(seconds, shown)?,
            Step::To(time) => self.feed.go_to(time)?,
            Step::Newest => self.feed.go_to(Timestamp::MAX)?,
        };
        match (&found, step) {
            (None, Step::Next | Step::Seconds(1..)) => {
                app.tell("nothing was recorded after this".to_owned());
            }
            (None, _) => app.tell("nothing was recorded before that".to_owned()),
            (Some(pair), Step::To(time)) if time.duration_since(pair.newer.time) > USUAL => {
                app.tell("nothing was recorded from here to that time".to_owned());
            }
            _ => {}
        }
        self.jump(found, app);
        Ok(())
    }

    /// Moves by this many seconds, or over a pause of the recording.
    fn by(&mut self, seconds: i64, shown: Timestamp) -> Result<Option<Pair>, Error> {
        let time = shown.checked_add(SignedDuration::from_secs(seconds));
        let found = self.feed.go_to(time.unwrap_or(shown))?;
        match found {
            Some(pair) if seconds > 0 && pair.newer.time <= shown => self.feed.next(),
            found => Ok(found),
        }
    }

    fn jump(&mut self, pair: Option<Pair>, app: &mut App) {
        if let Some(pair) = pair {
            app.jump(&[pair]);
            self.charts = Some(Charts {
                past: PastSample::default(),
                missing: CHARTS,
                due: Instant::now() + CHARTS_AFTER,
            });
        }
    }

    /// Shows the next sample.
    fn follow(&mut self, pair: &Pair, app: &mut App) {
        app.follow(pair);
        if let Some(charts) = &mut self.charts {
            charts.missing += 1;
        }
    }

    /// Adds a sample to the charts, and more of them until `end`. Shows the charts if they lack no more.
    fn chart(&mut self, app: &mut App, end: Instant) {
        let Some(mut charts) = self.charts.take() else {
            return;
        };
        loop {
            charts.missing -= 1;
            if let Some(pair) = self.feed.back(charts.missing) {
                charts.past.push(&pair);
            }
            if charts.missing == 0 {
                return app.show_past(charts.past);
            }
            if Instant::now() >= end {
                break;
            }
        }
        self.charts = Some(charts);
    }

    /// Shows the hour around the shown sample, as far as it is read, if the sample or the screen is another one than
    /// before.
    pub(super) fn look_around(&mut self, app: &mut App) {
        let at = app.shown_time().zip(app.hour_column_s());
        let Some((time, column_s)) = at.filter(|_| at != self.around.at) else {
            return;
        };
        self.around.at = at;
        self.around.hour.move_to(time, column_s, &mut self.feed);
        let is_unread = !self.around.hour.is_read();
        // A sample that follows soon does not put it off again.
        let due = self.around.due;
        self.around.due = is_unread.then(|| due.unwrap_or_else(|| Instant::now() + CHARTS_AFTER));
        app.show_hour(&self.around.hour);
    }

    /// Reads more of the hour until `end`, and shows it.
    fn read_hour(&mut self, app: &mut App, end: Instant) {
        let around = &mut self.around;
        while around.hour.read(&mut self.feed) {
            if Instant::now() >= end {
                return app.show_hour(&around.hour);
            }
        }
        around.due = None;
        app.show_hour(&around.hour);
    }

    /// Returns when to call [`Past::go_on`]; `None` if there is no reason to.
    pub(super) fn due(&self) -> Option<Instant> {
        let charts = self.charts.as_ref().map(|charts| charts.due);
        charts
            .into_iter()
            .chain(self.around.due)
            .chain(self.next)
            .min()
    }

    /// Shows what is due. `interval` is that from one sample to the next.
    ///
    /// # Errors
    /// Those of the feed.
    pub(super) fn go_on(&mut self, app: &mut App, interval: Duration) -> Result<(), Error> {
        let now = Instant::now();
        if self.charts.as_ref().is_some_and(|charts| charts.due <= now) {
            self.chart(app, now + PART);
        } else if self.around.due.is_some_and(|due| due <= now) {
            self.read_hour(app, now + PART);
        }
        if self.next.take_if(|due| *due <= now).is_some() {
            self.read_new();
            match self.feed.next()? {
                Some(pair) => {
                    self.follow(&pair, app);
                    self.next = Some(now + interval);
                }
                None => {
                    app.play(false);
                    app.tell("nothing was recorded after this".to_owned());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::ops::Range;
    use std::sync::Arc;

    use xenscope::recording::{Limits, Recorder, Recording};
    use xenscope::snapshot::Snapshot;
    use xenscope::view::DisplayOptions;
    use xenscope::view::tui::{Settings, Terminal, draw};

    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Returns samples at these times.
    fn snapshots(seconds: &[i64]) -> Vec<Snapshot> {
        let golden = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/recording-1.jsonl"
        );
        let golden = fs::read_to_string(golden).unwrap();
        let one: Snapshot = serde_json::from_str(golden.lines().next().unwrap()).unwrap();
        let snapshots = seconds.iter().map(|&second| {
            let mut snapshot = one.clone();
            snapshot.time = time(second);
            let passed_ns = second as u64 * 1_000_000_000;
            snapshot.stamp.at_ns += passed_ns;
            for domain in &mut snapshot.domains {
                domain.stamp.at_ns += passed_ns;
                // From second to second more.
                domain.cpu_time_ns += second.pow(2) as u64 * 1_000_000;
            }
            snapshot
        });
        snapshots.collect()
    }

    /// Returns a recording of samples at these times, and an app that shows the last one.
    fn past(seconds: &[i64]) -> (Past, App) {
        show(Recorded::new(snapshots(seconds)))
    }

    /// Returns a recording, and an app that shows its last sample.
    fn show(feed: Recorded) -> (Past, App) {
        let mut past = Past::of(feed.at_end());
        let terminal = Terminal::of(|_| None);
        let mut app = App::new(Settings::default(), DisplayOptions::default(), terminal);
        assert!(past.show(&mut app).unwrap());
        (past, app)
    }

    #[test]
    fn steps_end_where_the_recording_does() {
        let seconds: Vec<i64> = (0..200).chain(5_000..5_100).collect();
        let (mut past, mut app) = past(&seconds);
        for (step, second) in [
            (Step::Next, 5_099),
            (Step::Previous, 5_098),
            (Step::Previous, 5_097),
            (Step::Next, 5_098),
            (Step::Seconds(-60), 5_038),
            // Nothing was recorded for more than an hour.
            (Step::Seconds(-60), 199),
            (Step::Seconds(60), 5_000),
            (Step::To(time(61)), 61),
            (Step::Seconds(-60), 1),
            (Step::Seconds(-60), 1),
            (Step::Previous, 0),
            (Step::Previous, 0),
            (Step::To(time(-5)), 0),
            (Step::To(time(4_000)), 199),
            (Step::Newest, 5_099),
        ] {
            past.go(step, &mut app).unwrap();
            assert_eq!(app.shown_time(), Some(time(second)), "{step:?}");
        }
    }

    fn screen(app: &mut App) -> String {
        let backend = ratatui::backend::TestBackend::new(160, 40);
        let mut terminal = ratatui::Terminal::new(backend).unwrap();
        terminal.draw(|frame| draw(app, frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn charts_are_put_together_between_keys() {
        let seconds: Vec<i64> = (0..300).collect();
        let (mut past, mut app) = past(&seconds);
        let mut chart = |steps: &[Step]| {
            for &step in steps {
                past.go(step, &mut app).unwrap();
                past.chart(&mut app, Instant::now());
            }
            let without = screen(&mut app);
            while past.charts.is_some() {
                past.chart(&mut app, Instant::now());
            }
            let (_, mut at_once) = super::tests::past(&seconds);
            at_once.jump(&past.feed.recent(CHARTS).unwrap());
            assert_eq!(screen(&mut app), screen(&mut at_once));
            assert_ne!(screen(&mut app), without);
        };
        chart(&[Step::To(time(250))]);
        chart(&[Step::To(time(50))]);
        // The position moves meanwhile.
        chart(&[Step::To(time(200)), Step::Next, Step::Next]);
    }

    fn strip(app: &mut App) -> String {
        let screen = screen(app);
        let mut lines = screen.lines();
        let strip = lines.find(|line| line.starts_with("\"CPU ") && !line.contains('['));
        strip.unwrap().to_owned()
    }

    #[test]
    fn the_hour_is_read_between_keys() {
        let seconds: Vec<i64> = (0..7000).step_by(5).collect();
        let (mut past, mut app) = past(&seconds);
        past.go(Step::To(time(3500)), &mut app).unwrap();
        screen(&mut app);
        past.look_around(&mut app);
        let mut pieces = 0;
        while !past.around.hour.is_read() {
            assert!(strip(&mut app).contains('?'), "not all is read");
            // A step at a time.
            past.read_hour(&mut app, Instant::now());
            pieces += 1;
        }
        assert!(pieces > 100, "{pieces}");
        past.read_hour(&mut app, Instant::now());
        assert!(!strip(&mut app).contains('?'));
        // Nothing is left to do until another sample is shown.
        past.look_around(&mut app);
        assert_eq!(past.around.due, None);
        past.go(Step::Seconds(-60), &mut app).unwrap();
        past.look_around(&mut app);
        let due = past.around.due;
        assert!(due.is_some());
        past.go(Step::Previous, &mut app).unwrap();
        past.look_around(&mut app);
        assert_eq!(
            past.around.due, due,
            "it is put off for ever while samples follow"
        );
    }

    #[test]
    fn what_is_recorded_meanwhile_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let record = |seconds: Range<i64>| {
            let mut recorder = Recorder::open(folder.path(), Limits::NONE, |_| {}).unwrap();
            for snapshot in snapshots(&seconds.collect::<Vec<_>>()) {
                recorder.push(&Arc::new(snapshot)).unwrap();
            }
            recorder.flush().unwrap();
        };
        record(0..20);
        let feed = Recorded::of(Recording::open(folder.path(), |_| {}).unwrap());
        let (mut past, mut app) = show(feed);
        for (from, step, second) in [
            (20, Step::Next, 20),
            (30, Step::Newest, 39),
            (40, Step::Seconds(5), 44),
            (50, Step::To(time(55)), 55),
        ] {
            record(from..from + 10);
            past.go(step, &mut app).unwrap();
            assert_eq!(app.shown_time(), Some(time(second)), "{step:?}");
        }
        past.go(Step::Newest, &mut app).unwrap();
        past.look_around(&mut app);
        while !past.around.hour.is_read() {
            past.read_hour(&mut app, Instant::now());
        }
        let before = strip(&mut app);
        record(60..600);
        past.go(Step::Play, &mut app).unwrap();
        past.go_on(&mut app, Duration::ZERO).unwrap();
        assert_eq!(app.shown_time(), Some(time(60)));
        past.look_around(&mut app);
        while !past.around.hour.is_read() {
            past.read_hour(&mut app, Instant::now());
        }
        assert_ne!(strip(&mut app), before);
    }

    #[test]
    fn playing_shows_one_sample_after_the_other() {
        let (mut past, mut app) = past(&[1, 2, 3, 4]);
        past.go(Step::To(time(1)), &mut app).unwrap();
        past.go(Step::Play, &mut app).unwrap();
        let mut shown = vec![app.shown_time().unwrap()];
        while past.next.is_some() {
            past.go_on(&mut app, Duration::ZERO).unwrap();
            shown.push(app.shown_time().unwrap());
        }
        shown.dedup();
        assert_eq!(shown, [1, 2, 3, 4].map(time));
        past.go(Step::To(time(1)), &mut app).unwrap();
        past.go(Step::Play, &mut app).unwrap();
        past.go(Step::Play, &mut app).unwrap();
        assert!(past.next.is_none(), "it stops");
    }
}
