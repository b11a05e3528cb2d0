//! How a command that goes on takes its samples.

use std::time::Instant;

use libc::c_int;
use xenscope::feed::{Feed, Pair};
use xenscope::xen::Error;

use super::signals::{End, Watch};
use crate::exit::{Cannot, cannot, complain};

/// Takes a feed's samples until there is a reason to end.
pub(super) struct Follow<'a> {
    pub(super) feed: &'a mut dyn Feed,
    /// `None` for a feed that never waits.
    watch: Option<Watch>,
}

impl<'a> Follow<'a> {
    /// Watches for a reader that is gone, and for these signals, if the feed waits.
    ///
    /// # Errors
    /// Those of [`Watch::start`].
    pub(super) fn start(feed: &'a mut dyn Feed, signals: &[c_int]) -> Result<Self, Cannot> {
        let follow = Self::without_output(feed, signals)?;
        if let (Some(watch), Some(watches)) = (&follow.watch, follow.feed.watches()) {
            let started = watch.also_reader(watches);
            started.map_err(cannot("wait for the reader"))?;
        }
        Ok(follow)
    }

    /// Watches for these signals only, if the feed waits.
    ///
    /// # Errors
    /// Those of [`Watch::start`].
    pub(super) fn without_output(
        feed: &'a mut dyn Feed,
        signals: &[c_int],
    ) -> Result<Self, Cannot> {
        let watches = feed.watches();
        let watch = watches.map(|watches| Watch::start(watches, signals));
        Ok(Self {
            feed,
            watch: watch.transpose().map_err(cannot("wait for signals"))?,
        })
    }

    /// Returns why the command ends; `None` if it goes on.
    pub(super) fn end(&self) -> Option<End> {
        self.watch.as_ref().and_then(Watch::end)
    }

    /// Waits until the next pair is due, and returns it. Returns `None` at the end of the feed, and
    /// if there is a reason to end. Reports samples that failed, and tries again.
    ///
    /// # Errors
    /// If too many samples failed, see [`Feed::gives_up`].
    pub(super) fn next(&mut self) -> Result<Option<Pair>, Error> {
        loop {
            let due = self.feed.due();
            while self.end().is_none() && Instant::now() < due {
                self.feed.wait(due);
            }
            if self.end().is_some() {
                return Ok(None);
            }
            match self.feed.next() {
                Err(error) => retry(self.feed, error)?,
                next => return next,
            }
        }
    }
}

/// Reports a sample that failed.
///
/// # Errors
/// The same error, if it is useless to try again.
pub(super) fn retry(feed: &dyn Feed, error: Error) -> Result<(), Error> {
    if feed.gives_up() {
        return Err(error);
    }
    complain(format_args!("{error}; trying again"));
    Ok(())
}
