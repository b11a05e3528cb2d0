//! The thread that takes the samples, at the interval and at no other time.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use xenscope::feed::{Feed, Live, Pair};
use xenscope::snapshot::Collect;
use xenscope::xen::Error;

use super::message::Message;

/// What the sampler can be asked for.
pub(super) enum Request {
    /// Another interval.
    Interval(Duration),
    /// Samples that hold something else.
    Collect(Collect),
}

/// What came of a sample.
pub(super) struct Sampled {
    pub(super) outcome: Result<Pair, Error>,
    /// So many samples were left out, for this one or one before it took too long.
    pub(super) skipped: u64,
}

/// The newest sample, until it is taken. A terminal that takes no output would have others wait.
#[derive(Clone, Default)]
pub(super) struct Newest(Arc<Mutex<Option<Sampled>>>);

impl Newest {
    /// Puts a sample in the place of the one before it; `true` when that one was taken.
    fn put(&self, mut new: Sampled) -> bool {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        new.skipped += place.as_ref().map_or(0, |old| old.skipped);
        place.replace(new).is_none()
    }

    pub(super) fn take(&self) -> Option<Sampled> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.take()
    }
}

/// Where samples go: into their place, and a message of them to whoever shows them.
struct Out {
    newest: Newest,
    messages: Sender<Message>,
}

impl Out {
    /// `false` when no one takes samples any more.
    fn put(&self, sampled: Sampled) -> bool {
        !self.newest.put(sampled) || self.messages.send(Message::Sampled).is_ok()
    }
}

/// Says that there will be no more samples, even when the thread ends by a panic.
impl Drop for Out {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Ended);
    }
}

/// Starts the thread, which opens the feed: the hypervisor's handle stays with its thread.
pub(super) fn start(
    open: impl FnOnce() -> Result<Live, Error> + Send + 'static,
    messages: Sender<Message>,
) -> (Sender<Request>, Newest) {
    let (requests, requested) = mpsc::channel();
    let newest = Newest::default();
    let out = Out {
        newest: newest.clone(),
        messages,
    };
    thread::spawn(move || {
        if let Err(error) = open().and_then(|feed| run(feed, &requested, &out)) {
            out.put(Sampled {
                outcome: Err(error),
                skipped: 0,
            });
        }
    });
    (requests, newest)
}

/// Samples until no one takes the samples any more.
fn run(mut feed: Live, requested: &Receiver<Request>, out: &Out) -> Result<(), Error> {
    let first = feed.look()?.map(|newer| Pair { older: None, newer });
    let mut next = Ok(first);
    while let Some(outcome) = next.transpose() {
        let skipped = feed.take_skipped();
        if !out.put(Sampled { outcome, skipped }) {
            break;
        }
        next = loop {
            let wait = feed.due().saturating_duration_since(Instant::now());
            match requested.recv_timeout(wait) {
                Ok(Request::Interval(interval)) => feed.set_interval(interval),
                Ok(Request::Collect(collect)) => feed.collect(collect),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => break feed.next(),
            }
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_sample_waits_and_none_that_was_left_out_is_forgotten() {
        let newest = Newest::default();
        let failed = |skipped| Sampled {
            outcome: Err(Error::NotRoot),
            skipped,
        };
        assert!(newest.take().is_none());
        assert!(newest.put(failed(1)), "someone is to be told");
        assert!(!newest.put(failed(0)), "they have been");
        assert!(!newest.put(failed(2)));
        assert_eq!(newest.take().map(|sampled| sampled.skipped), Some(3));
        assert!(newest.take().is_none());
        assert!(newest.put(failed(0)));
    }
}
