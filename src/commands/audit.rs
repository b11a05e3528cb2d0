//! `xenscope audit`

use std::thread::sleep;

use xenscope::audit::{Auditor, Verdict};
use xenscope::snapshot::Collect;
use xenscope::source::Source;
use xenscope::view::{audit, json};

use super::output::{Notes, Output};
use crate::cli::{Audit, AuditFormat};
use crate::exit::Outcome;

pub(super) fn run(
    options: &Audit,
    allow_untested: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let collect = Collect {
        macs: false,
        ..Collect::ALL
    };
    let mut source = Source::open(collect, allow_untested)?;
    let mut notes = Notes::default();
    let first = source.sample()?;
    notes.tell(&first.notes);
    let mut auditor = Auditor::new(first);
    let mut outcome = Outcome::Done;
    for _ in 0..options.samples {
        sleep(options.interval);
        let after = source.sample()?;
        notes.tell(&after.notes);
        let Some(report) = auditor.audit(after) else {
            continue;
        };
        if report.count(Verdict::Failed) > 0 {
            outcome = Outcome::Failed;
        }
        out.print(&match options.format {
            AuditFormat::Table => audit::lines(&report),
            AuditFormat::Json => json::audit(&report),
        })?;
    }
    Ok(outcome)
}
