//! `xenscope status`, `vcpus` and `host`: two samples, and what happened between them.

use std::thread::sleep;

use xenscope::rates::Rates;
use xenscope::selector::{NotFound, Selector};
use xenscope::snapshot::{Collect, Identity, Snapshot};
use xenscope::source::Source;
use xenscope::view::{DisplayOptions, Sample, csv, host, json, status, vcpus};

use super::output::{Notes, Output};
use crate::cli::{Format, Host, IntervalArgs, Status, Vcpus};
use crate::exit::{Outcome, complain};

/// What the samples of a command hold, and how it turns them into text.
struct Views {
    collect: Collect,
    table: fn(Sample<'_>, Option<usize>) -> String,
    csv: fn(Sample<'_>) -> String,
}

/// What the samples of `xenscope status` hold.
pub(super) fn status_collect() -> Collect {
    Collect {
        host: false,
        audit_inputs: false,
        ..Collect::ALL
    }
}

pub(super) fn status(
    options: &Status,
    allow_untested: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let views = Views {
        collect: status_collect(),
        table: status::sections,
        csv: |sample| csv::domains(sample, DisplayOptions::PARTS, true),
    };
    run(
        &views,
        &options.domains,
        &options.interval,
        allow_untested,
        out,
    )
}

/// What the samples of `xenscope vcpus` hold.
pub(super) fn vcpus_collect() -> Collect {
    Collect {
        names: true,
        vcpus: true,
        affinities: true,
        ..Collect::default()
    }
}

pub(super) fn vcpus(
    options: &Vcpus,
    allow_untested: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let views = Views {
        collect: vcpus_collect(),
        table: vcpus::lines,
        csv: csv::vcpus,
    };
    run(
        &views,
        &options.domains,
        &options.interval,
        allow_untested,
        out,
    )
}

/// What the samples of `xenscope host` hold.
pub(super) fn host_collect() -> Collect {
    Collect {
        names: true,
        host: true,
        ..Collect::default()
    }
}

pub(super) fn host(
    options: &Host,
    allow_untested: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let views = Views {
        collect: host_collect(),
        table: host::sections,
        csv: csv::host,
    };
    run(&views, &[], &options.interval, allow_untested, out)
}

/// Measures the domains that were named, or all when none was.
fn run(
    views: &Views,
    named: &[Selector],
    options: &IntervalArgs,
    allow_untested: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let mut source = Source::open(views.collect, allow_untested)?;
    let mut notes = Notes::default();
    let mut outcome = Outcome::Done;
    let mut wanted = Vec::new();
    if !named.is_empty() {
        // Of the others, no more than what it takes to tell them apart.
        source.set_collect(Collect {
            names: true,
            ..Collect::default()
        });
        let all = source.sample()?;
        notes.tell(&all.notes);
        (wanted, outcome) = find(named, &all)?;
        if wanted.is_empty() {
            return Ok(outcome);
        }
        source.set_only(wanted.clone());
        source.set_collect(views.collect);
    }
    let before = source.sample()?;
    notes.tell(&before.notes);

    sleep(options.interval);
    let after = source.sample()?;
    notes.tell(&after.notes);
    for identity in wanted {
        if after.find(identity).is_none() {
            let id = identity.id;
            complain(format_args!("domain {id} went away within the interval"));
            outcome = Outcome::NotThere;
        }
    }
    let sample = Sample {
        snapshot: &after,
        rates: &Rates::between(Some(&before), &after),
    };
    out.print(&match options.format {
        Format::Table => (views.table)(sample, out.width()),
        Format::Json => json::line(sample),
        Format::Csv => (views.csv)(sample),
    })?;
    Ok(outcome)
}

/// The domains that are meant, each once; says on stderr which are not there.
fn find(named: &[Selector], snapshot: &Snapshot) -> Result<(Vec<Identity>, Outcome), NotFound> {
    let mut outcome = Outcome::Done;
    let mut wanted = Vec::new();
    for selector in named {
        match selector.find(snapshot) {
            Ok(identity) if wanted.contains(&identity) => {}
            Ok(identity) => wanted.push(identity),
            Err(ambiguous @ NotFound::Ambiguous { .. }) => return Err(ambiguous),
            Err(missing) => {
                complain(missing);
                outcome = Outcome::NotThere;
            }
        }
    }
    Ok((wanted, outcome))
}
