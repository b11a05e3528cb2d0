//! What happened to domains lately.

use std::collections::VecDeque;

use crate::events::{Change, Event, History};
use crate::snapshot::{DomId, Domain, Identity, Snapshot};

/// The most events that are kept.
const CAPACITY: usize = 500;

/// For how many nanoseconds a domain is new, or is shown although it is gone.
const FRESH_NS: u64 = 60_000_000_000;

/// The latest events, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    history: History,
    /// With the times of their samples by a clock that nobody sets, in nanoseconds.
    events: VecDeque<(u64, Event)>,
    /// The time of the newest sample by that clock.
    now_ns: u64,
    /// The time of the first sample since that clock began.
    first_ns: Option<u64>,
}

impl News {
    /// Adds what a sample shows. The domains of the first one are no news.
    pub(super) fn push(&mut self, snapshot: &Snapshot) {
        let events = self.history.update(snapshot);
        let events = events
            .into_iter()
            .filter(|event| event.change != Change::Existing);
        let now_ns = snapshot.stamp.at_ns;
        // The clock begins anew when the host boots.
        let first_ns = self.first_ns.filter(|_| self.now_ns <= now_ns);
        (self.now_ns, self.first_ns) = (now_ns, first_ns.or(Some(now_ns)));
        self.events.extend(events.map(|event| (now_ns, event)));
        let too_many = self.events.len().saturating_sub(CAPACITY);
        self.events.drain(..too_many);
    }

    /// Returns how many nanoseconds the samples span.
    pub(super) fn span_ns(&self) -> u64 {
        self.now_ns - self.first_ns.unwrap_or(self.now_ns)
    }

    /// Returns the events, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().rev().map(|(_, event)| event)
    }

    /// Returns the events of the last minute, the newest first.
    fn fresh(&self) -> impl Iterator<Item = &Event> {
        let now_ns = self.now_ns;
        // The clock begins anew when the host boots.
        let is_fresh =
            move |at_ns: u64| now_ns.checked_sub(at_ns).is_some_and(|age| age < FRESH_NS);
        let events = self.events.iter().rev();
        events
            .take_while(move |(at_ns, _)| is_fresh(*at_ns))
            .map(|(_, event)| event)
    }

    /// Returns whether the domain was created, also by a reboot, in the last minute.
    pub(super) fn is_new(&self, identity: Identity) -> bool {
        self.fresh().any(|event| {
            let is_new = matches!(event.change, Change::Created | Change::Rebooted { .. });
            is_new && event.domain == Some(identity)
        })
    }

    /// Returns the width of the longest ID of a domain, with the mark of those that are new. The domains of a snapshot
    /// are in order of ID.
    pub(super) fn id_width(&self, domains: &[Domain]) -> usize {
        let width = |id: DomId| id.to_string().len();
        let longest = domains.last().map_or(1, |last| width(last.id));
        let new = self.fresh().filter_map(|event| {
            let is_new = matches!(event.change, Change::Created | Change::Rebooted { .. });
            Some(width(event.domain.filter(|_| is_new)?.id) + 1)
        });
        new.fold(longest, usize::max)
    }

    /// Returns the events of the last minute by which domains went, the newest first.
    pub(super) fn gone(&self) -> impl Iterator<Item = &Event> {
        self.fresh()
            .filter(|event| event.change == Change::Destroyed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{SECOND, domain, snapshot};

    #[test]
    fn domains_are_new_and_gone_for_a_minute() {
        let at = |second: u64, domains| {
            // The wall clock goes back meanwhile.
            let mut one = snapshot(second * SECOND, 0, domains);
            one.time =
                jiff::Timestamp::UNIX_EPOCH - jiff::SignedDuration::from_hours(second as i64);
            one
        };
        let (old, new) = (domain(1, "old", 0, 0), domain(2, "new", 0, 0));
        let mut news = News::default();
        news.push(&at(1, vec![old.clone()]));
        assert!(!news.is_new(old.identity()), "it existed");
        news.push(&at(2, vec![new.clone()]));
        assert!(news.is_new(new.identity()));
        let gone = |news: &News| news.gone().map(|event| event.domain).collect::<Vec<_>>();
        assert_eq!(gone(&news), [Some(old.identity())]);
        news.push(&at(62, vec![new.clone()]));
        assert!(!news.is_new(new.identity()) && gone(&news).is_empty());
        assert!(news.newest_first().count() >= 2, "events are kept longer");
        assert_eq!(news.span_ns(), 61 * SECOND);
        news.push(&at(1, Vec::new()));
        assert_eq!(news.span_ns(), 0, "the host rebooted");
    }
}
