//! `xenscope audit`

use xenscope::audit::{Report, Series, Verdict};
use xenscope::feed::{Feed, Pair};
use xenscope::snapshot::Collect;
use xenscope::view::{audit, json};

use super::follow::retry;
use super::output::{Notes, Output};
use super::signals::switch_off_first;
use crate::cli::{Audit, AuditFormat};
use crate::exit::{NoSnapshot, Outcome, cannot};

/// Returns what `xenscope audit` collects.
pub(super) fn collect(ready: bool) -> Collect {
    Collect {
        state_times: ready,
        macs: false,
        driver_domains: false,
        nic_counters: false,
        disk_counters: Collect::NOTHING.disk_counters,
        ..Collect::ALL
    }
}

pub(super) fn run(
    options: &Audit,
    feed: &mut dyn Feed,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    if options.ready {
        switch_off_first().map_err(cannot("wait for signals"))?;
    }
    // Nothing is compared with the very first sample. It takes longest, because nothing of what it needs
    // is in the caches yet, so its times are the least certain.
    for _ in 0..2 {
        if let Err(error) = feed.look() {
            retry(feed, error)?;
        }
    }
    let made = each(feed, options.samples.unwrap_or(1), &mut |report, _| {
        out.print(&match options.format {
            AuditFormat::Table => audit::lines(report, options.all),
            AuditFormat::Json => json::audit(report),
        })?;
        Ok(!out.is_closed())
    })?;
    match made.audits {
        0 => Err(NoSnapshot.into()),
        _ => Ok(made.outcome()),
    }
}

/// What was audited.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) audits: u64,
    pub(super) samples: u64,
    has_failed: bool,
}

impl Made {
    pub(super) fn outcome(&self) -> Outcome {
        match self.has_failed {
            true => Outcome::Failed,
            false => Outcome::Done,
        }
    }
}

/// Audits the samples of a feed until there were so many audits. Passes each report on, and whether it is the first one
/// of a boot; ends if that returns `false`.
pub(super) fn each(
    feed: &mut dyn Feed,
    wanted: u64,
    pass_on: &mut dyn FnMut(&Report, bool) -> anyhow::Result<bool>,
) -> anyhow::Result<Made> {
    let mut notes = Notes::default();
    let mut audits = Series::default();
    let mut made = Made::default();
    let mut is_first = true;
    while made.audits < wanted {
        let Pair { older, newer } = match feed.next() {
            Ok(Some(pair)) => pair,
            Ok(None) => break,
            Err(error) => {
                retry(feed, error)?;
                continue;
            }
        };
        made.samples += 1;
        if let Some(older) = &older {
            notes.report(&older.notes);
        }
        notes.report(&newer.notes);
        // The first snapshot of a boot has nothing to compare with. It is the older one of the next
        // pair.
        let Some(report) = audits.audit(older.as_ref(), &newer) else {
            is_first = true;
            continue;
        };
        made.audits += 1;
        made.has_failed |= report.count(Verdict::Failed) > 0;
        if !pass_on(&report, std::mem::take(&mut is_first))? {
            break;
        }
    }
    Ok(made)
}
