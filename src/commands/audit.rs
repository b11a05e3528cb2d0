//! `xenscope audit`

use xenscope::audit::{Auditor, Verdict};
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
    let mut notes = Notes::default();
    let mut auditor: Option<Auditor> = None;
    let mut outcome = Outcome::Done;
    let mut made = 0;
    // A recording is audited to its end.
    let wanted = options.samples.unwrap_or(match feed.is_live() {
        true => 1,
        false => u64::MAX,
    });
    // Nothing is compared with the very first sample. It takes longest, because nothing of what it needs
    // is in the caches yet, so its times are the least certain.
    if feed.is_live() {
        for _ in 0..2 {
            if let Err(error) = feed.look() {
                retry(feed, error)?;
            }
        }
    }
    while made < wanted && !out.is_closed() {
        let Pair { older, newer } = match feed.next() {
            Ok(Some(pair)) => pair,
            Ok(None) => break,
            Err(error) => {
                retry(feed, error)?;
                continue;
            }
        };
        // The first snapshot of a boot has nothing to compare with. It is the older one of the next
        // pair.
        let Some(older) = older else {
            auditor = None;
            continue;
        };
        let auditor = auditor.get_or_insert_with(|| {
            notes.report(&older.notes);
            Auditor::new(older)
        });
        notes.report(&newer.notes);
        let Some(report) = auditor.audit(newer) else {
            continue;
        };
        if report.count(Verdict::Failed) > 0 {
            outcome = Outcome::Failed;
        }
        out.print(&match options.format {
            AuditFormat::Table => audit::lines(&report, options.all),
            AuditFormat::Json => json::audit(&report),
        })?;
        made += 1;
    }
    match made {
        0 => Err(NoSnapshot.into()),
        _ => Ok(outcome),
    }
}
