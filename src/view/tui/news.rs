//! What happened to domains lately.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::events::{Change, Event, History};
use crate::snapshot::{Identity, Snapshot};

/// The most events that are kept.
const CAPACITY: usize = 500;

/// For how long a domain is new, or is shown although it is gone.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The latest events, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    history: History,
    events: VecDeque<Event>,
    /// The time of the newest sample.
    now: Timestamp,
}

impl News {
    /// Adds what a sample shows. The domains of the first one are no news.
    pub(super) fn push(&mut self, snapshot: &Snapshot) {
        let events = self.history.update(snapshot);
        let events = events
            .into_iter()
            .filter(|event| event.change != Change::Existing);
        self.events.extend(events);
        let too_many = self.events.len().saturating_sub(CAPACITY);
        self.events.drain(..too_many);
        self.now = snapshot.time;
    }

    /// Returns the events, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().rev()
    }

    /// Returns the events of the last minute, the newest first.
    fn fresh(&self) -> impl Iterator<Item = &Event> {
        let now = self.now;
        let is_fresh = move |event: &&Event| now.duration_since(event.time) < FRESH;
        self.newest_first().take_while(is_fresh)
    }

    /// Returns whether the domain was created, also by a reboot, in the last minute.
    pub(super) fn is_new(&self, identity: Identity) -> bool {
        self.fresh().any(|event| {
            let is_new = matches!(event.change, Change::Created | Change::Rebooted { .. });
            is_new && event.domain == Some(identity)
        })
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
            let mut one = snapshot(second * SECOND, 0, domains);
            one.time = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second as i64);
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
    }
}
