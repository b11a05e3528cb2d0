//! The connections that are open, and how many there may be.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How many connections there may be. A few scrapers need one each.
pub(super) const MOST: usize = 64;

/// How long a request may take before its connection is closed for a new one.
const LONG: Duration = Duration::from_secs(10);

/// Whether a connection waits for an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity(Arc<AtomicBool>);

impl Activity {
    pub(super) fn set_busy(&self, busy: bool) {
        self.0.store(busy, Ordering::Relaxed);
    }

    fn is_busy(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The open connections, the oldest first.
#[derive(Clone, Default)]
pub(super) struct Connections(Arc<Mutex<VecDeque<Connection>>>);

struct Connection {
    task: AbortHandle,
    activity: Activity,
    opened: Instant,
}

impl Connections {
    /// Adds the connection that `start` starts. If there are too many, the oldest one that waits for no
    /// answer is closed. If all wait, one that waits for long is closed. If there is none, `start` is not
    /// called, and the new connection is lost.
    ///
    /// So whoever opens connections and says nothing keeps nobody out.
    pub(super) fn add(&self, start: impl FnOnce(Activity) -> AbortHandle) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|connection| !connection.task.is_finished());
        if all.len() >= MOST {
            let idle = |one: &Connection| !one.activity.is_busy();
            let long = |one: &Connection| one.opened.elapsed() > LONG;
            let oldest = all
                .iter()
                .position(idle)
                .or_else(|| all.iter().position(long));
            match oldest.and_then(|index| all.remove(index)) {
                Some(oldest) => oldest.task.abort(),
                None => return,
            }
        }
        let activity = Activity::default();
        all.push_back(Connection {
            task: start(activity.clone()),
            activity,
            opened: Instant::now(),
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::pending;

    use super::*;

    /// Opens a connection; returns its activity, `None` if it was refused.
    fn open(connections: &Connections) -> Option<(AbortHandle, Activity)> {
        let mut opened = None;
        connections.add(|activity| {
            let task = tokio::spawn(pending::<()>()).abort_handle();
            opened = Some((task.clone(), activity));
            task
        });
        opened
    }

    #[tokio::test]
    async fn those_that_wait_for_an_answer_stay() {
        let connections = Connections::default();
        let (scrape, activity) = open(&connections).unwrap();
        activity.set_busy(true);
        let first = open(&connections).unwrap().0;
        let mut last = None;
        for _ in 0..10 * MOST {
            last = open(&connections);
            // An aborted task ends when it is scheduled.
            tokio::task::yield_now().await;
        }
        assert!(first.is_finished() && !scrape.is_finished());
        assert!(!last.unwrap().0.is_finished());
        assert_eq!(connections.0.lock().unwrap().len(), MOST);
    }

    #[tokio::test]
    async fn there_are_never_more() {
        let connections = Connections::default();
        for _ in 0..MOST {
            open(&connections).unwrap().1.set_busy(true);
        }
        assert!(open(&connections).is_none());
    }
}
