//! The thread that takes the samples at the interval.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use xenscope::feed::{Feed, Live, Pair};
use xenscope::snapshot::Collect;
use xenscope::xen::Error;

use super::message::Message;

/// A request to the sampler.
pub(super) enum Request {
    /// Changes the interval.
    Interval(Duration),
    /// Changes what samples contain.
    Collect(Collect),
}

/// A sample, or its error.
pub(super) struct Sampled {
    pub(super) outcome: Result<Pair, Error>,
    /// Whether this is the next sample; if not, the one before is filled in.
    pub(super) is_new: bool,
    /// How many samples were skipped because this one or an earlier one took too long.
    pub(super) skipped: u64,
}

/// The newest sample until it is taken. A slow terminal skips samples, so that none wait in memory.
#[derive(Clone, Default)]
pub(super) struct Newest(Arc<Mutex<Option<Sampled>>>);

impl Newest {
    /// Replaces the sample; returns `true` if the one before was taken.
    fn put(&self, mut new: Sampled) -> bool {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = newest.as_ref() {
            new.skipped += old.skipped;
            new.is_new |= old.is_new;
        }
        newest.replace(new).is_none()
    }

    /// Takes the sample; `None` if it was taken before.
    pub(super) fn take(&self) -> Option<Sampled> {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.take()
    }
}

/// Passes samples to the driver, and sends it a message about each new one.
struct Out {
    newest: Newest,
    messages: Sender<Message>,
}

impl Out {
    /// Passes on a sample; returns `false` if the driver has ended.
    fn put(&self, sampled: Sampled) -> bool {
        !self.newest.put(sampled) || self.messages.send(Message::Sampled).is_ok()
    }
}

/// Sends [`Message::Ended`], even if the thread panics.
impl Drop for Out {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Ended);
    }
}

/// Starts the thread, which opens the feed, because the hypervisor's handle must stay in one
/// thread.
///
/// # Errors
/// If there can be no more threads.
pub(super) fn start(
    open: impl FnOnce() -> Result<Live, Error> + Send + 'static,
    messages: Sender<Message>,
) -> io::Result<(Sender<Request>, Newest)> {
    let (requests, requested) = mpsc::channel();
    let newest = Newest::default();
    let out = Out {
        newest: newest.clone(),
        messages,
    };
    let thread = thread::Builder::new().name("sampler".into());
    thread.spawn(move || {
        if let Err(error) = open().and_then(|feed| run(feed, &requested, &out)) {
            out.put(Sampled {
                outcome: Err(error),
                is_new: true,
                skipped: 0,
            });
        }
    })?;
    Ok((requests, newest))
}

/// Takes samples until the driver ends, or until too many of them failed.
fn run(mut feed: Live, requested: &Receiver<Request>, out: &Out) -> Result<(), Error> {
    let first = feed.look()?;
    let mut outcome = Ok(first.map(|newer| Pair { older: None, newer }));
    let mut is_new = true;
    while let Some(outcome_of_one) = outcome.transpose() {
        if outcome_of_one.is_err() && feed.gives_up() {
            return outcome_of_one.map(drop);
        }
        let sampled = Sampled {
            outcome: outcome_of_one,
            is_new,
            skipped: feed.take_skipped(),
        };
        if !out.put(sampled) {
            break;
        }
        let mut fill_in_due = None;
        (outcome, is_new) = loop {
            let due = fill_in_due.unwrap_or_else(|| feed.due());
            let wait = due.saturating_duration_since(Instant::now());
            match requested.recv_timeout(wait) {
                Ok(Request::Interval(interval)) => feed.set_interval(interval),
                Ok(Request::Collect(collect)) => {
                    feed.collect(collect);
                    fill_in_due = feed.fill_in_due();
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) if fill_in_due.is_some() => {
                    break (feed.fill_in(), false);
                }
                Err(RecvTimeoutError::Timeout) => break (feed.next(), true),
            }
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_samples_are_replaced_and_skips_add_up() {
        let newest = Newest::default();
        let failed = |skipped| Sampled {
            outcome: Err(Error::NotDom0),
            is_new: false,
            skipped,
        };
        assert!(newest.take().is_none());
        assert!(newest.put(failed(1)), "the driver needs a message");
        assert!(!newest.put(failed(0)), "it has one");
        assert!(!newest.put(Sampled {
            is_new: true,
            ..failed(2)
        }));
        assert!(!newest.put(failed(0)));
        let taken = newest.take();
        assert_eq!(
            taken.map(|sampled| (sampled.skipped, sampled.is_new)),
            Some((3, true))
        );
        assert!(newest.take().is_none());
        assert!(newest.put(failed(0)));
    }
}
