//! A feed of the running host.

use std::mem;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::pair::{Feed, Pair};
use super::retry::Retry;
use super::schedule::Schedule;
use super::taken::Taken;
use crate::snapshot::{Collect, Identity, Snapshot};
use crate::source::Source;
use crate::xen::Error;
use crate::xenstore::Watches;

/// The interval of the first pair, if the given interval is not shorter. The first rates appear
/// quickly, and are accurate enough.
const PRIMING: Duration = Duration::from_millis(250);

/// The minimum time between two snapshots, even if XenStore's watches fire more often.
const MIN_GAP: Duration = Duration::from_millis(50);

/// The minimum time from a snapshot that fills in what was not collected to the next one that is
/// due. The next one's rates of what was filled in are measured over this time or longer.
const MIN_LEAD: Duration = Duration::from_millis(100);

/// When snapshots are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At each call.
    AtOnce,
    /// This long after the one before, or longer.
    Every(Duration),
    /// At this interval, however long a snapshot takes. The second snapshot follows the first within
    /// a quarter of a second, so that a command that runs for long shows its first rates at once.
    Primed(Duration),
    /// Like `Primed`, but no snapshot is skipped: one that is late is taken at once. A program that
    /// counts blocks gets as many as before.
    Blocks(Duration),
}

impl Pace {
    /// Returns the interval; `None` without one.
    fn interval(self) -> Option<Duration> {
        match self {
            Self::AtOnce => None,
            Self::Every(interval) | Self::Primed(interval) | Self::Blocks(interval) => {
                Some(interval)
            }
        }
    }

    /// Returns when the next snapshots are due, if the first was taken at `now`; `None` without an
    /// interval.
    fn schedule(self, now: Instant) -> Option<Schedule> {
        match self {
            Self::AtOnce => None,
            Self::Every(interval) => Some(Schedule::new(now, interval, interval)),
            Self::Primed(interval) => Some(Schedule::new(now, interval.min(PRIMING), interval)),
            Self::Blocks(interval) => {
                Some(Schedule::new(now, interval.min(PRIMING), interval).without_skips())
            }
        }
    }
}

/// Takes snapshots of the running host.
pub struct Live {
    source: Source,
    collect: Collect,
    /// Whether the first snapshot also collects the host's topology.
    host_once: bool,
    pace: Pace,
    /// `None` before the first snapshot, and without an interval.
    schedule: Option<Schedule>,
    taken: Taken,
    retry: Retry,
    /// When the newest snapshot was started.
    begun: Option<Instant>,
    skipped: u64,
}

impl Live {
    /// Connects to the running hypervisor, without taking a snapshot. See [`Source::open`] for
    /// `allow_untested`.
    ///
    /// # Errors
    /// The errors of [`Source::open`].
    pub fn open(collect: Collect, pace: Pace, allow_untested: bool) -> Result<Self, Error> {
        Ok(Self {
            source: Source::open(collect, allow_untested)?,
            collect,
            host_once: false,
            pace,
            schedule: None,
            taken: Taken::default(),
            retry: Retry::default(),
            begun: None,
            skipped: 0,
        })
    }

    /// Watches XenStore and keeps files open, see [`Source::watch`]. This makes snapshots cheaper
    /// if there are more than a few. `watches` is a handle on the watches.
    pub fn watching(mut self, watches: &Watches) -> Self {
        self.source.watch(watches);
        self
    }

    /// Collects the host's topology once, with the first snapshot: the sockets, cores and nodes of
    /// the pCPUs, and the pools. Later snapshots copy it.
    pub fn with_host_once(mut self) -> Self {
        self.host_once = true;
        self
    }

    /// Changes the interval, starting at the newest snapshot.
    pub fn set_interval(&mut self, interval: Duration) {
        self.pace = Pace::Primed(interval);
        if let Some(schedule) = &mut self.schedule {
            schedule.change(interval, Instant::now());
        }
    }

    /// Returns how many samples were skipped since the last call because a snapshot took too long.
    pub fn take_skipped(&mut self) -> u64 {
        mem::take(&mut self.skipped)
    }

    /// Returns when to call [`Live::fill_in`], because the newest snapshot lacks something that is
    /// now to be collected; `None` if it lacks nothing, or if the next snapshot is due very soon.
    pub fn fill_in_due(&self) -> Option<Instant> {
        let have = self.taken.newest.as_ref()?.collected;
        let want = self.collect;
        let of_focus = |focus| have.of(focus).covers(want.of(focus));
        if have.covers(want) && want.focus.is_none_or(of_focus) {
            return None;
        }
        let earliest = self.begun? + MIN_GAP;
        (self.due().saturating_duration_since(earliest) >= MIN_LEAD).then_some(earliest)
    }

    /// Takes a snapshot that is not part of the order, and fills in what the newest one lacks. The
    /// next pair is due as before.
    ///
    /// # Errors
    /// As for [`Feed::next`].
    pub fn fill_in(&mut self) -> Result<Option<Pair>, Error> {
        let later = self.sample()?;
        Ok(self.taken.fill_in(&later))
    }

    /// Takes a snapshot now, and returns it with the one before.
    fn take(&mut self) -> Result<Pair, Error> {
        if let Some(unused) = self.taken.unused() {
            self.source.reuse(unused);
        }
        let snapshot = self.sample()?;
        Ok(self.taken.push(snapshot))
    }

    fn sample(&mut self) -> Result<Snapshot, Error> {
        let host_once = self.host_once && self.taken.newest.is_none();
        self.source.set_collect(Collect {
            host: self.collect.host || host_once,
            ..self.collect
        });
        self.begun = Some(Instant::now());
        let sampled = self.source.sample(self.taken.newest.as_deref());
        match sampled {
            Ok(_) => self.retry.succeeded(),
            Err(_) => self.retry.failed(Instant::now(), self.pace.interval()),
        }
        sampled
    }
}

impl Feed for Live {
    fn look(&mut self) -> Result<Option<Arc<Snapshot>>, Error> {
        let pair = self.take()?;
        self.schedule = self.pace.schedule(Instant::now());
        Ok(Some(pair.newer))
    }

    fn measure(&mut self, first: &mut dyn FnMut(&Snapshot)) -> Result<Option<Pair>, Error> {
        if let Some(older) = self.look()? {
            first(&older);
        }
        self.next()
    }

    fn next(&mut self) -> Result<Option<Pair>, Error> {
        if self.taken.newest.is_none() {
            self.look()?;
        }
        sleep(self.due().saturating_duration_since(Instant::now()));
        let begun = Instant::now();
        // After a failure, the schedule stays as it is: the sample is still due.
        let pair = self.take()?;
        if let Pace::Every(_) = self.pace {
            self.schedule = self.pace.schedule(Instant::now());
        } else if let Some(schedule) = &mut self.schedule {
            self.skipped += schedule.go_on(begun, Instant::now());
        }
        Ok(Some(pair))
    }

    fn due(&self) -> Instant {
        let scheduled = self.schedule.as_ref().map(Schedule::due);
        let due = scheduled.max(self.retry.due());
        due.unwrap_or_else(Instant::now)
    }

    fn gives_up(&self) -> bool {
        self.taken.newest.is_none() || self.retry.gives_up()
    }

    fn before(&mut self) -> Option<Arc<Snapshot>> {
        None
    }

    fn previous(&mut self) -> Result<Option<Pair>, Error> {
        Ok(None)
    }

    fn go_to(&mut self, _: Timestamp) -> Result<Option<Pair>, Error> {
        Ok(None)
    }

    fn recent(&mut self, _: usize) -> Result<Vec<Pair>, Error> {
        Ok(Vec::new())
    }

    fn collect(&mut self, collect: Collect) {
        self.collect = collect;
        self.source.set_collect(collect);
    }

    fn only(&mut self, domains: &[Identity]) {
        self.source.set_only(domains.to_vec());
    }

    fn watches(&self) -> Option<Watches> {
        self.source.watches()
    }

    fn wait(&mut self, deadline: Instant) -> bool {
        let news = self.source.wait(deadline);
        if news && let Some(begun) = self.begun {
            sleep((begun + MIN_GAP).saturating_duration_since(Instant::now()));
        }
        news
    }

    fn is_live(&self) -> bool {
        true
    }
}
