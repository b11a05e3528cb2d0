//! `xenscope status`

use std::thread::sleep;

use xenscope::rates::Rates;
use xenscope::selector::NotFound;
use xenscope::snapshot::{Identity, Snapshot};
use xenscope::source::{Keys, Source};
use xenscope::view::{Sample, csv, json, status};

use super::{Notes, print};
use crate::cli::{Format, Status};
use crate::exit::Outcome;

pub(crate) fn run(options: &Status, allow_untested: bool) -> anyhow::Result<Outcome> {
    let keys = Keys {
        names: true,
        details: true,
    };
    let mut notes = Notes::default();
    let mut source = Source::open(keys, allow_untested)?;
    let before = source.sample()?;
    notes.tell(&before.notes);
    let (wanted, mut outcome) = find(options, &before)?;
    if wanted.is_empty() {
        return Ok(outcome);
    }

    sleep(options.interval);
    let mut after = source.sample()?;
    notes.tell(&after.notes);
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
    let sample = Sample {
        snapshot: &after,
        rates: &Rates::between(Some(&before), &after),
    };
    print(&match options.format {
        Format::Table => status::paragraphs(sample),
        Format::Json => json::line(sample),
        Format::Csv => csv::rows(sample, true),
    })?;
    Ok(outcome)
}

/// The domains that are meant, each once; says on stderr which are not there.
fn find(options: &Status, snapshot: &Snapshot) -> Result<(Vec<Identity>, Outcome), NotFound> {
    let mut outcome = Outcome::Done;
    let mut wanted = Vec::new();
    for selector in &options.domains {
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
