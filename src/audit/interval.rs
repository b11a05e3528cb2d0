//! The time between two snapshots, and what the checks need to know of it.

use super::check::Numbers;
use super::faults::Fault;
use crate::rates::Span;
use crate::snapshot::{Domain, Host, PcpuClock, Snapshot, Stamp};

/// The most that dom0's clock may differ from Xen's in rate if it is another clock, in parts per
/// million: what Linux can correct a clock by (`MAXFREQ`, linux/timex.h).
const CLOCKS_DIFFER_PPM: u64 = 500;

/// The largest uncertainty of comparing two pCPUs' clocks with which they can be said to agree, in nanoseconds.
const CLOSELY_NS: i64 = 200_000;

/// The time between two wake-ups of a vCPU that is woken very often, in nanoseconds.
const NS_PER_WAKE: u64 = 100_000;

/// Two snapshots, and what is remembered of the first one.
#[derive(Clone, Copy)]
pub(super) struct Interval<'a> {
    pub(super) before: &'a Snapshot,
    pub(super) after: &'a Snapshot,
    pub(super) xen_bytes_at_first: i64,
    /// How many nanoseconds of each pCPU's time Xen may have lost because the pCPUs' clocks differ, or may; 0 if
    /// they agree.
    pub(super) lost_ns: u64,
    /// Whether they were seen to differ.
    pub(super) differed: bool,
}

impl<'a> Interval<'a> {
    /// Returns the time between two samples that follow each other.
    pub(super) fn new(before: &'a Snapshot, after: &'a Snapshot, xen_bytes_at_first: i64) -> Self {
        let mut interval = Self {
            before,
            after,
            xen_bytes_at_first,
            lost_ns: 0,
            differed: false,
        };
        let skews = || {
            [before, after]
                .into_iter()
                .filter_map(|at| Skew::of(&at.host))
        };
        interval.differed = skews().any(|skew| skew.ns > skew.uncertainty_ns);
        if interval.differed || !skews().all(|skew| skew.is_close()) {
            interval.lost_ns = interval.most_lost_ns();
        }
        interval
    }

    /// Iterates over the domains in both snapshots: the older state and the newer one.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a Domain, &'a Domain)> {
        let (before, after) = (self.before, self.after);
        let was = |domain: &Domain| before.find(domain.identity());
        after
            .domains
            .iter()
            .filter_map(move |domain| Some((was(domain)?, domain)))
    }

    /// Iterates over the domains that are only in the older snapshot.
    pub(super) fn gone(&self) -> impl Iterator<Item = &'a Domain> {
        let after = self.after;
        let is_gone = move |domain: &&Domain| after.find(domain.identity()).is_none();
        self.before.domains.iter().filter(is_gone)
    }

    /// Returns whether no domain was created, and none was destroyed or is being destroyed.
    pub(super) fn same_domains(&self) -> bool {
        let domains = |snapshot: &'a Snapshot| snapshot.domains.iter().map(Domain::identity);
        let mut after = self.after.domains.iter();
        domains(self.before).eq(domains(self.after))
            && !after.any(|domain| self.is_changing(domain))
    }

    /// Returns whether a domain of the newer snapshot is being destroyed, or is about to be: it has
    /// shut down, or it is dead, or the toolstack has paused it and Xen frees its memory. Xen calls a
    /// domain dead only when that is done.
    pub(super) fn is_being_torn_down(&self, domain: &Domain) -> bool {
        let states = &domain.states;
        states.dying
            || states.shutdown.is_some()
            || domain.is_marked_by_xenopsd()
            || (states.paused && self.shrinks(domain))
    }

    /// Returns whether a domain of the newer snapshot is being built or torn down, and its memory is not what it was.
    /// One that stays paused or shut down does not change.
    pub(super) fn is_changing(&self, domain: &Domain) -> bool {
        let was = self.before.find(domain.identity());
        let stays = was.is_some_and(|was| was.memory_bytes == domain.memory_bytes);
        (is_being_built(domain) || self.is_being_torn_down(domain)) && !stays
    }

    /// Returns a fault of a domain that lacks something that toolstacks give to each domain. One that
    /// has run since the older snapshot and keeps its memory is neither being built nor torn down, so
    /// it lacks that for another reason.
    pub(super) fn lack(&self, domain: &Domain, reason: String) -> Fault {
        let was = self.before.find(domain.identity());
        let has_run = was.is_some_and(|was| domain.cpu_time_ns > was.cpu_time_ns);
        let may_end = domain.states.paused || self.is_being_torn_down(domain);
        match has_run && !may_end && !self.shrinks(domain) {
            true => Fault::if_seen_twice(reason),
            false => Fault::if_it_lasts(reason),
        }
    }

    /// Returns whether a domain of the newer snapshot has less memory than in the older one.
    pub(super) fn shrinks(&self, domain: &Domain) -> bool {
        let was = self.before.find(domain.identity());
        was.is_some_and(|was| domain.memory_bytes < was.memory_bytes)
    }

    /// Returns the time between two readings of Xen's counters, by Xen's clock. If Xen's clock
    /// could not be read, it is by dom0's clock, with a larger uncertainty.
    pub(super) fn span(&self, before: Stamp, after: Stamp) -> Option<Span> {
        let span = Span::between(before, after)?;
        match self.clock_rate() {
            Some((rate, uncertainty_ns)) => Some(Span {
                ns: (span.ns as f64 * rate) as u64,
                uncertainty_ns: span.uncertainty_ns.saturating_add(uncertainty_ns),
            }),
            None => Some(Span {
                uncertainty_ns: span.uncertainty_ns.saturating_add(drift(span.ns)),
                ..span
            }),
        }
    }

    /// Returns the rate of Xen's clock by dom0's, and the uncertainty that it adds to a time
    /// between the two samples, in nanoseconds.
    pub(super) fn clock_rate(&self) -> Option<(f64, u64)> {
        let (ns, span) = self.clocks()?;
        Some((ns as f64 / span.ns as f64, span.uncertainty_ns))
    }

    /// Returns the largest difference between the clocks of two pCPUs in nanoseconds; `None` if it was
    /// not measured.
    pub(super) fn clock_skew_ns(&self) -> Option<u64> {
        let skew = |snapshot: &Snapshot| Some(Skew::of(&snapshot.host)?.most_ns);
        skew(self.before).max(skew(self.after))
    }

    /// Returns how many nanoseconds of a pCPU's time Xen can have lost. It takes the start of a vCPU's time from the
    /// clock of the pCPU that wakes it, and the end from that of the pCPU that runs it, and drops what would be
    /// negative: up to a skew with each wake-up, and no more than all the time.
    fn most_lost_ns(&self) -> u64 {
        let skew_ns = self.clock_skew_ns().unwrap_or_default();
        match Span::between(self.before.stamp, self.after.stamp) {
            Some(span) => (span.ns / NS_PER_WAKE + 1)
                .saturating_mul(skew_ns)
                .min(span.ns),
            None => skew_ns,
        }
    }

    /// Returns a fault of a sum or a limit of CPU time of this many pCPUs or vCPUs: a failure unless the pCPUs' clocks
    /// explain it. Clocks that may differ explain that time is lost; only those that were seen to differ explain more.
    pub(super) fn miscount(&self, numbers: Numbers, count: usize, reason: String) -> Fault {
        let is_short = numbers.missing() > 0;
        let explained_ns = match is_short || self.differed {
            true => self.lost_ns.saturating_mul(count as u64),
            false => 0,
        };
        match numbers.excess() > signed(explained_ns) {
            true => Fault::failed(reason),
            false => Fault::warning(format!(
                "{reason}; the pCPUs' clocks differ, or may: see cpu.clock_skew"
            )),
        }
    }

    /// Returns by how many nanoseconds a measured skew of the pCPUs' clocks can change the difference
    /// between two readings of one vCPU's time. Xen reads that of a vCPU that runs with the clock of
    /// the pCPU that executes the hypercall, but its start with the clock of the vCPU's pCPU.
    pub(super) fn skew_of_two_readings_ns(&self) -> u64 {
        self.clock_skew_ns().unwrap_or_default().saturating_mul(2)
    }

    /// Returns the elapsed time by Xen's clock in nanoseconds, and by dom0's.
    pub(super) fn clocks(&self) -> Option<(u64, Span)> {
        let (before, after) = (self.before.xen_clock?, self.after.xen_clock?);
        let span = Span::between(before.stamp, after.stamp)?;
        Some((after.ns.checked_sub(before.ns)?, span))
    }
}

/// By how much the clocks of a host's pCPUs differ.
pub(super) struct Skew<'a> {
    /// The clock that is most behind.
    pub(super) behind: &'a PcpuClock,
    /// The clock that is most ahead.
    pub(super) ahead: &'a PcpuClock,
    /// How many nanoseconds the one shows more than the other.
    pub(super) ns: i64,
    /// How many nanoseconds of that reading them may explain.
    pub(super) uncertainty_ns: i64,
    /// The largest difference of two clocks in nanoseconds, with the uncertainty of reading them.
    pub(super) most_ns: u64,
}

impl<'a> Skew<'a> {
    /// Returns whether the clocks were read closely enough to say that they agree.
    pub(super) fn is_close(&self) -> bool {
        self.behind.pcpu == self.ahead.pcpu || self.uncertainty_ns <= CLOSELY_NS
    }

    /// Compares the pCPUs' clocks by when they were read; `None` if they were not.
    pub(super) fn of(host: &'a Host) -> Option<Self> {
        let shows = |clock: &PcpuClock| signed(clock.ns).saturating_sub(signed(clock.stamp.at_ns));
        let clocks = host.pcpu_clocks.as_deref()?;
        // They are read one after the other, and dom0's clock may run at another rate than Xen's.
        let times = clocks.iter().map(|clock| clock.stamp.at_ns);
        let drift = signed(drift(times.clone().max()?.saturating_sub(times.min()?)));
        let uncertainty =
            |clock: &PcpuClock| signed(clock.stamp.uncertainty_ns).saturating_add(drift);
        let least = |clock: &PcpuClock| shows(clock).saturating_sub(uncertainty(clock));
        let most = |clock: &PcpuClock| shows(clock).saturating_add(uncertainty(clock));
        let behind = clocks.iter().min_by_key(|clock| shows(clock))?;
        let ahead = clocks.iter().max_by_key(|clock| shows(clock))?;
        let ends = clocks
            .iter()
            .map(most)
            .max()?
            .saturating_sub(clocks.iter().map(least).min()?);
        Some(Self {
            behind,
            ahead,
            ns: shows(ahead).saturating_sub(shows(behind)),
            uncertainty_ns: uncertainty(ahead).saturating_add(uncertainty(behind)),
            most_ns: if clocks.len() > 1 {
                ends.unsigned_abs()
            } else {
                0
            },
        })
    }
}

/// Returns by how many nanoseconds two clocks may differ after `ns` nanoseconds.
pub(super) fn drift(ns: u64) -> u64 {
    ns.saturating_mul(CLOCKS_DIFFER_PPM) / 1_000_000
}

/// Returns whether a domain has never run, so that the toolstack may still be building it.
pub(super) fn is_being_built(domain: &Domain) -> bool {
    domain.states.paused && domain.cpu_time_ns == 0
}

/// Returns a domain's ID and name for a message.
pub(super) fn label(domain: &Domain) -> String {
    match &domain.name {
        Some(name) => format!("domain {} ({name})", domain.id),
        None => format!("domain {}", domain.id),
    }
}

/// Converts to a signed number, for differences. No counter here comes near its limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
