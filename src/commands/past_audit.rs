//! `xenscope audit` on a recording

use jiff::tz::TimeZone;
use xenscope::audit::{Runs, Verdict};
use xenscope::feed::Recorded;
use xenscope::moment;
use xenscope::view::{audit, json};

use super::audit::{Made, each};
use super::output::Output;
use crate::cli::{Audit, AuditFormat};
use crate::exit::{NoSnapshot, Outcome, complain};

pub(super) fn run(
    options: &Audit,
    feed: &mut Recorded,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let span = feed.span();
    let wanted = options.samples.unwrap_or(u64::MAX);
    let made = match options.format {
        AuditFormat::Table => table(options.all, wanted, feed, out)?,
        AuditFormat::Json => each(feed, wanted, &mut |report, _| {
            out.print(&json::audit(report))?;
            Ok(!out.is_closed())
        })?,
    };
    match (made.audits, span) {
        (0, Some((first, _))) if made.samples > 0 => {
            let first = moment::local(first);
            complain(match made.samples {
                1 => format!(
                    "an audit needs two samples of one boot; only one was recorded in that time, at {first}"
                ),
                samples => format!(
                    "an audit needs two samples of one boot; {samples} were recorded in that time, the first at \
                     {first}, each of another boot"
                ),
            });
            Ok(Outcome::Failed)
        }
        (0, _) => Err(NoSnapshot.into()),
        _ => Ok(made.outcome()),
    }
}

/// Prints a single audit as it is, and several by what they found and when.
fn table(
    all: bool,
    wanted: u64,
    feed: &mut Recorded,
    out: &mut Output<'_>,
) -> anyhow::Result<Made> {
    let times = audit::Times::new(TimeZone::system(), feed.span());
    let least = match all {
        true => Verdict::Skipped,
        false => Verdict::Warning,
    };
    let mut runs = Runs::new(least);
    let mut only = None;
    let made = each(feed, wanted, &mut |report, is_first| {
        // Another boot has other domains.
        let mut ended = match is_first {
            true => runs.end_all(),
            false => Vec::new(),
        };
        ended.extend(runs.add(report));
        only = (runs.totals().audits == 1).then(|| report.clone());
        for run in ended {
            out.print(&audit::run(&run, &times))?;
        }
        Ok(!out.is_closed())
    })?;
    if let Some(report) = only {
        complain(format_args!(
            "as recorded at {}",
            moment::local(report.time)
        ));
        out.print(&audit::lines(&report, all))?;
    } else if made.audits > 0 {
        for run in runs.end_all() {
            out.print(&audit::run(&run, &times))?;
        }
        out.print(&audit::totals(runs.totals(), &times))?;
    }
    Ok(made)
}
