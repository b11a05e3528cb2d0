//! Takes samples and formats them.

use std::sync::Arc;
use std::time::Instant;

use xenscope::audit::{Auditor, Report};
use xenscope::feed::Feed;
use xenscope::snapshot::Snapshot;
use xenscope::view::openmetrics::{Exposition, Scrape, Series};

use super::super::follow::retry;
use super::super::output::Notes;
use crate::cli::Export;
use crate::exit::NoSnapshot;

/// Takes samples of a feed.
pub(super) struct Sampler<'a> {
    feed: &'a mut dyn Feed,
    series: Series,
    audit: bool,
    /// `None` before the first sample, and without an audit.
    auditor: Option<Auditor>,
    notes: Notes,
}

impl<'a> Sampler<'a> {
    pub(super) fn new(feed: &'a mut dyn Feed, options: &Export) -> Self {
        Self {
            feed,
            series: options.series,
            audit: options.audit,
            auditor: None,
            notes: Notes::default(),
        }
    }

    /// Takes a sample. If it fails, reports that and returns an exposition that says that there is none.
    ///
    /// # Errors
    /// If it is useless to try again, see [`Feed::gives_up`].
    pub(super) fn sample(&mut self) -> anyhow::Result<Exposition> {
        let begun = Instant::now();
        let snapshot = match self.feed.look() {
            Ok(snapshot) => snapshot.ok_or(NoSnapshot)?,
            Err(error) => {
                retry(self.feed, error)?;
                return Ok(Exposition::down());
            }
        };
        let took = begun.elapsed();
        self.notes.report(&snapshot.notes);
        let report = self.audit(&snapshot);
        let scrape = Scrape {
            snapshot: &snapshot,
            took: Some(took),
            report: report.as_ref(),
            series: self.series,
        };
        Ok(scrape.exposition())
    }
    /// Waits until `due`, or until the feed's watches are woken.
    pub(super) fn wait(&mut self, due: Instant) {
        self.feed.wait(due);
    }

    /// Audits the sample against the one before; `None` for the first sample of a boot, and without an
    /// audit.
    fn audit(&mut self, snapshot: &Arc<Snapshot>) -> Option<Report> {
        if !self.audit {
            return None;
        }
        match &mut self.auditor {
            Some(auditor) => auditor.audit(Arc::clone(snapshot)),
            None => {
                self.auditor = Some(Auditor::new(Arc::clone(snapshot)));
                None
            }
        }
    }
}
