//! `xenscope waits` on a recording

use jiff::{SignedDuration, Timestamp};
use xenscope::feed::{Feed, Recorded};
use xenscope::moment::lasted;
use xenscope::recording::USUAL;
use xenscope::text::safe;
use xenscope::view::{csv, json, waits};
use xenscope::waits::recorded::Sums;

use super::missing::Missing;
use super::output::Output;
use super::past;
use crate::cli::{self, Format};
use crate::exit::{NoSnapshot, Outcome, complain};

pub(super) fn run(
    options: &cli::Waits,
    feed: &mut Recorded,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let mut sums = Sums::default();
    let mut missing = Missing::of(&options.domains);
    let mut times: Option<(Timestamp, Timestamp)> = None;
    // What is known of the time before the span is left out.
    while let Some(pair) = feed.next()? {
        let time = pair.newer.time;
        times = Some((times.map_or(time, |(first, _)| first), time));
        missing.look_in(&pair.newer);
        sums.add(pair.newer, |domain| {
            let name = domain.name.as_deref();
            let mut named = options.domains.iter();
            options.domains.is_empty() || named.any(|one| one.matches(domain.identity(), name))
        });
    }
    let (first, last) = times.ok_or(NoSnapshot)?;
    let outcome = missing.report();
    if missing.is_all() {
        return Ok(outcome);
    }
    let Some(found) = sums.waits() else {
        complain("no ready time was recorded in that time; 'xenscope record --ready' does that");
        return Ok(Outcome::Failed);
    };
    let span = &options.span;
    let whole = past::until_now(span)
        .unwrap_or(last)
        .duration_since(span.since.unwrap_or(first));
    let measured = nanoseconds(found.interval_ns);
    if is_shorter(measured, whole) {
        let [measured, whole] = [measured, whole].map(lasted);
        complain(format_args!(
            "ready time was recorded for {measured} of {whole}"
        ));
    }
    say_parts(&sums, measured, !options.domains.is_empty());
    out.print(&match options.format {
        Format::Table => waits::lines(&found, out.width()),
        Format::Json => json::waits(&found),
        Format::Csv => csv::waits(&found),
    })?;
    Ok(outcome)
}

/// Says which domains were measured for a part of the time only, or how many of them if none is named.
fn say_parts(sums: &Sums, whole: SignedDuration, is_named: bool) {
    let parts = sums
        .measured()
        .filter(|(_, _, ns)| is_shorter(nanoseconds(*ns), whole));
    let parts: Vec<_> = parts.collect();
    if is_named {
        for (id, name, ns) in parts {
            let name = safe(name.unwrap_or("domain"));
            let [part, whole] = [nanoseconds(ns), whole].map(lasted);
            complain(format_args!(
                "{name} ({id}) was measured for {part} of {whole}"
            ));
        }
        return;
    }
    match parts.len() {
        0 => {}
        1 => {
            complain("1 domain was measured for a part of that time; its figures are of that part")
        }
        count => complain(format_args!(
            "{count} domains were measured for a part of that time; their figures are of that part"
        )),
    }
}

/// Returns whether a time is so much shorter than another one that somebody has to know. A sample at each end may be
/// missing.
fn is_shorter(part: SignedDuration, whole: SignedDuration) -> bool {
    let missing = whole.saturating_sub(part);
    missing > USUAL * 2 || missing.as_secs_f64() > whole.as_secs_f64() * 0.1
}

fn nanoseconds(ns: u64) -> SignedDuration {
    SignedDuration::from_nanos(i64::try_from(ns).unwrap_or(i64::MAX))
}
