//! The running host as a feed.

use std::mem;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::pair::{Feed, Pair};
use super::schedule::Schedule;
use crate::snapshot::{Collect, Identity, Snapshot};
use crate::source::Source;
use crate::xen::Error;

/// How long the first pair is measured over, if the interval is not shorter: long enough for a
/// figure, too short to be waited for.
const PRIMING: Duration = Duration::from_millis(250);

/// How far two snapshots are apart at least, however often XenStore's watches fire.
const APART: Duration = Duration::from_millis(50);

/// How far apart snapshots are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Whenever one is asked for.
    AtOnce,
    /// At points in time this far apart.
    Every(Duration),
    /// At points in time this far apart, but that the second one follows the first within a quarter
    /// of a second: what goes on for long has its first figures at once.
    Primed(Duration),
}

impl Pace {
    /// When the next snapshots are due, if the first was taken now.
    fn schedule(self, now: Instant) -> Option<Schedule> {
        match self {
            Self::AtOnce => None,
            Self::Every(interval) => Some(Schedule::new(now, interval, interval)),
            Self::Primed(interval) => Some(Schedule::new(now, interval.min(PRIMING), interval)),
        }
    }
}

/// Takes snapshots of the running host.
pub struct Live {
    source: Source,
    collect: Collect,
    /// Whether the first snapshot has what the host is made of, whatever is collected.
    host_once: bool,
    pace: Pace,
    /// `None` before the first snapshot, and without a pace.
    schedule: Option<Schedule>,
    taken: Taken,
    /// When the newest snapshot was begun.
    begun: Option<Instant>,
    skipped: u64,
}

impl Live {
    /// Opens the line to the hypervisor below this kernel, and takes no snapshot yet. See
    /// [`Source::open`] for `allow_untested`.
    ///
    /// # Errors
    /// Those of [`Source::open`].
    pub fn open(collect: Collect, pace: Pace, allow_untested: bool) -> Result<Self, Error> {
        Ok(Self {
            source: Source::open(collect, allow_untested)?,
            collect,
            host_once: false,
            pace,
            schedule: None,
            taken: Taken::default(),
            begun: None,
            skipped: 0,
        })
    }

    /// Watches XenStore and keeps files open, see [`Source::watch`]: for who takes more than a few
    /// snapshots.
    pub fn watching(mut self) -> Self {
        self.source.watch();
        self
    }

    /// Collects once, with the first snapshot, what the host is made of: where its pCPUs are, and its
    /// nodes and pools. Later snapshots take it over.
    pub fn with_host_once(mut self) -> Self {
        self.host_once = true;
        self
    }

    /// When the next pair is due; in the past without a pace, and before the first.
    pub fn due(&self) -> Instant {
        self.schedule
            .as_ref()
            .map_or_else(Instant::now, Schedule::due)
    }

    /// Takes snapshots at points in time another interval apart from now on, beginning with the newest
    /// snapshot.
    pub fn set_interval(&mut self, interval: Duration) {
        self.pace = Pace::Every(interval);
        if let Some(schedule) = &mut self.schedule {
            schedule.change(interval, Instant::now());
        }
    }

    /// How many points in time went by, since this was asked last, while a snapshot was taken.
    pub fn take_skipped(&mut self) -> u64 {
        mem::take(&mut self.skipped)
    }

    /// Takes a snapshot now.
    fn take(&mut self) -> Result<Pair, Error> {
        let host_once = self.host_once && self.taken.newest.is_none();
        self.source.set_collect(Collect {
            host: self.collect.host || host_once,
            ..self.collect
        });
        if let Some(unused) = self.taken.unused() {
            self.source.reuse(unused);
        }
        self.begun = Some(Instant::now());
        let snapshot = self.source.sample()?;
        Ok(self.taken.push(snapshot))
    }
}

impl Feed for Live {
    fn look(&mut self) -> Result<Option<Arc<Snapshot>>, Error> {
        let pair = self.take()?;
        self.schedule = self.pace.schedule(Instant::now());
        Ok(Some(pair.newer))
    }

    fn measure(&mut self) -> Result<Option<Pair>, Error> {
        self.look()?;
        self.next()
    }

    fn next(&mut self) -> Result<Option<Pair>, Error> {
        if self.taken.newest.is_none() {
            self.look()?;
        }
        sleep(self.due().saturating_duration_since(Instant::now()));
        let begun = Instant::now();
        let pair = self.take();
        if let Some(schedule) = &mut self.schedule {
            self.skipped += schedule.go_on(begun, Instant::now());
        }
        pair.map(Some)
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
    }

    fn only(&mut self, domains: &[Identity]) {
        self.source.set_only(domains.to_vec());
    }

    fn wait(&mut self, deadline: Instant) -> bool {
        let news = self.source.wait(deadline);
        if news && let Some(begun) = self.begun {
            sleep((begun + APART).saturating_duration_since(Instant::now()));
        }
        news
    }

    fn is_live(&self) -> bool {
        true
    }
}

/// The last snapshots that were handed out.
#[derive(Debug, Default)]
struct Taken {
    newest: Option<Arc<Snapshot>>,
    /// The one before, for its memory once no one else holds it.
    before: Option<Arc<Snapshot>>,
}

impl Taken {
    /// The one before the newest; `None` if someone else holds it.
    fn unused(&mut self) -> Option<Snapshot> {
        self.before
            .take()
            .and_then(|before| Arc::try_unwrap(before).ok())
    }

    /// The pair of the newest and a new one.
    fn push(&mut self, mut snapshot: Snapshot) -> Pair {
        let older = self.newest.take();
        if let Some(older) = &older {
            take_over(older, &mut snapshot);
        }
        let newer = Arc::new(snapshot);
        self.newest = Some(Arc::clone(&newer));
        self.before = older.clone();
        Pair { older, newer }
    }
}

/// Takes over what was not collected again and stays as it was: where the pCPUs are, and in what
/// pools. Figures do not stay: those of the nodes are not known.
fn take_over(older: &Snapshot, snapshot: &mut Snapshot) {
    let (old, new) = (&older.host, &mut snapshot.host);
    if new.pools.is_some() || old.pcpu.len() != new.pcpu.len() {
        return;
    }
    new.pools.clone_from(&old.pools);
    new.nodes.clone_from(&old.nodes);
    for node in new.nodes.iter_mut().flatten() {
        (node.memory_bytes, node.memory_free_bytes) = (None, None);
    }
    for (old, new) in old.pcpu.iter().zip(&mut new.pcpu) {
        (new.socket, new.core, new.node) = (old.socket, old.core, old.node);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::fixtures::{SECOND, domain, full, pcpus, snapshot};

    fn at(second: u64) -> Snapshot {
        snapshot(second * SECOND, 0, vec![domain(0, "Domain-0", 0, 0)])
    }

    #[test]
    fn each_snapshot_comes_with_the_one_before() {
        let mut taken = Taken::default();
        let first = taken.push(at(1));
        assert_eq!((first.older, &*first.newer), (None, &at(1)));
        let second = taken.push(at(2));
        assert_eq!(second.older.as_deref(), Some(&at(1)));
        assert_eq!(*second.newer, at(2));
    }

    #[test]
    fn memory_comes_back_once_no_one_holds_it() {
        let mut taken = Taken::default();
        assert_eq!(taken.unused(), None);
        drop(taken.push(at(1)));
        assert_eq!(taken.unused(), None, "it is the next pair's");
        drop(taken.push(at(2)));
        assert_eq!(taken.unused(), Some(at(1)));
        let held = taken.push(at(3));
        assert_eq!(taken.unused(), None, "someone holds it");
        drop(held);
        drop(taken.push(at(4)));
        assert_eq!(taken.unused(), Some(at(3)));
        assert_eq!(taken.unused(), None, "once");
    }

    #[test]
    fn what_the_host_is_made_of_is_taken_over_and_figures_are_not() {
        let mut first = at(1);
        first.host = full(first.host);
        first.host.pcpu = pcpus(4, SECOND);
        let like = |count: u32| {
            let mut later = at(2);
            later.host.pcpu = pcpus(count, SECOND);
            for pcpu in &mut later.host.pcpu {
                (pcpu.socket, pcpu.core, pcpu.node) = (None, None, None);
            }
            later
        };
        let mut taken = Taken::default();
        taken.push(first.clone());
        let host = &taken.push(like(4)).newer.host;
        assert_eq!(host.pools, first.host.pools);
        assert_eq!(host.pcpu[3].node, first.host.pcpu[3].node);
        let node = &host.nodes.as_ref().unwrap()[0];
        assert_eq!((node.memory_bytes, node.memory_free_bytes), (None, None));
        // With pCPUs that came, no one knows where all are.
        let host = &taken.push(like(5)).newer.host;
        assert_eq!((&host.pools, host.pcpu[3].node), (&None, None));
    }
}
