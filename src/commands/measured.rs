//! `xenscope status`, `vcpus` and `host`: two samples, and what happened between them.

use std::thread::sleep;

use xenscope::rates::Rates;
use xenscope::selector::{NotFound, Selector};
use xenscope::snapshot::{Identity, Snapshot};
use xenscope::source::{Parts, Source};
use xenscope::view::{Sample, Shown, csv, host, json, status, vcpus};

use super::{Notes, print, terminal_width};
use crate::cli::{Format, Host, Measured, Status, Vcpus};
use crate::exit::Outcome;

/// How a command turns a sample into text.
struct Views {
    table: fn(Sample<'_>, Option<usize>) -> String,
    csv: fn(Sample<'_>) -> String,
}

/// What the samples of `xenscope status` hold.
pub(super) fn status_parts() -> Parts {
    Parts {
        host: false,
        books: false,
        ..Parts::ALL
    }
}

pub(crate) fn status(options: &Status, allow_untested: bool) -> anyhow::Result<Outcome> {
    let views = Views {
        table: status::sections,
        csv: |sample| csv::domains(sample, Shown::PARTS, true),
    };
    let source = Source::open(status_parts(), allow_untested)?;
    run(source, &options.domains, &options.measured, &views)
}

/// What the samples of `xenscope vcpus` hold.
pub(super) fn vcpus_parts() -> Parts {
    Parts {
        names: true,
        vcpus: true,
        affinities: true,
        ..Parts::default()
    }
}

pub(crate) fn vcpus(options: &Vcpus, allow_untested: bool) -> anyhow::Result<Outcome> {
    let views = Views {
        table: vcpus::lines,
        csv: csv::vcpus,
    };
    let source = Source::open(vcpus_parts(), allow_untested)?;
    run(source, &options.domains, &options.measured, &views)
}

/// What the samples of `xenscope host` hold.
pub(super) fn host_parts() -> Parts {
    Parts {
        names: true,
        host: true,
        ..Parts::default()
    }
}

pub(crate) fn host(options: &Host, allow_untested: bool) -> anyhow::Result<Outcome> {
    let views = Views {
        table: host::sections,
        csv: csv::host,
    };
    let source = Source::open(host_parts(), allow_untested)?;
    run(source, &[], &options.measured, &views)
}

/// Measures the domains that were named, or all when none was.
fn run(
    mut source: Source,
    named: &[Selector],
    options: &Measured,
    views: &Views,
) -> anyhow::Result<Outcome> {
    let mut notes = Notes::default();
    let before = source.sample()?;
    notes.tell(&before.notes);
    let (wanted, mut outcome) = find(named, &before)?;
    if wanted.is_empty() && !named.is_empty() {
        return Ok(outcome);
    }

    sleep(options.interval);
    let mut after = source.sample()?;
    notes.tell(&after.notes);
    if !named.is_empty() {
        for &identity in &wanted {
            if after.find(identity).is_none() {
                let id = identity.id;
                eprintln!("xenscope: domain {id} went away within the interval");
                outcome = Outcome::NotThere;
            }
        }
        after
            .domains
            .retain(|domain| wanted.contains(&domain.identity()));
    }
    let sample = Sample {
        snapshot: &after,
        rates: &Rates::between(Some(&before), &after),
    };
    print(&match options.format {
        Format::Table => (views.table)(sample, terminal_width()),
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
                eprintln!("xenscope: {missing}");
                outcome = Outcome::NotThere;
            }
        }
    }
    Ok((wanted, outcome))
}
