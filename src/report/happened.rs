//! What happened over a time: events in their order, up to a limit of each kind.

use crate::events::{Change, Event, Filter, History};
use crate::selector::Selector;
use crate::snapshot::Snapshot;

/// How many events that are marks are kept, and how many others.
const MARKS: usize = 2000;
const OTHERS: usize = 400;

/// Finds events, and keeps so many of each kind that frequent ones do not push out the others.
pub(super) struct Happened {
    history: History,
    filter: Filter,
    events: Vec<Event>,
    marks: usize,
    left_out: LeftOut,
}

/// How many events a report has left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Those that are marks, see [`is_mark`].
    pub marks: usize,
    /// All others.
    pub others: usize,
}

impl Happened {
    /// Begins without events, for the domains that one of these matches, or for all if there are none.
    pub(super) fn new(wanted: Vec<Selector>) -> Self {
        Self {
            history: History::default(),
            filter: Filter::new(wanted),
            events: Vec::new(),
            marks: 0,
            left_out: LeftOut::default(),
        }
    }

    /// Begins with what there was before.
    pub(super) fn begin(&mut self, before: &Snapshot) {
        let existing = self.history.begin(before);
        self.keep(existing);
    }

    /// Adds the events since the previous snapshot.
    pub(super) fn update(&mut self, snapshot: &Snapshot) {
        let events = self.history.update(snapshot);
        self.keep(events);
    }

    /// Adds the events that were held back.
    pub(super) fn finish(&mut self) {
        let held = self.history.finish();
        self.keep(held);
    }

    fn keep(&mut self, events: Vec<Event>) {
        for event in self.filter.pass(events) {
            let others = self.events.len() - self.marks;
            match is_mark(&event.change) {
                // What was there is no event.
                _ if event.change == Change::Existing => continue,
                true if self.marks < MARKS => self.marks += 1,
                false if others < OTHERS => {}
                true => {
                    self.left_out.marks += 1;
                    continue;
                }
                false => {
                    self.left_out.others += 1;
                    continue;
                }
            }
            self.events.push(event);
        }
    }

    /// Returns the events, and how many more were left out.
    pub(super) fn events(&self) -> (&[Event], LeftOut) {
        (&self.events, self.left_out)
    }
}

/// Returns whether the charts have a line for it.
pub fn is_mark(change: &Change) -> bool {
    matches!(
        change,
        Change::Created
            | Change::Shutdown { .. }
            | Change::Crashed
            | Change::Destroyed
            | Change::Rebooted { .. }
            | Change::HostBooted { .. }
    )
}
