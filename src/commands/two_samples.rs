//! The commands that measure once, between two samples: status, vcpus and host.

use xenscope::feed::Feed;
use xenscope::selector::{NotFound, Selector};
use xenscope::snapshot::{Collect, Identity, Snapshot};
use xenscope::view::Sample;

use super::output::{Notes, Output};
use crate::cli::Format;
use crate::exit::{NoSnapshot, Outcome, complain};

/// What a command collects, and the functions that format it.
pub(super) struct Views {
    pub(super) collect: Collect,
    /// Also gets the named domains, and a snapshot with the names of all domains.
    pub(super) table: fn(Sample<'_>, &[Identity], &Snapshot, Option<usize>) -> String,
    pub(super) json: fn(Sample<'_>) -> String,
    pub(super) csv: fn(Sample<'_>) -> String,
}

/// Measures the named domains, or all if none is named, and prints them.
pub(super) fn run(
    views: &Views,
    named: &[Selector],
    format: Format,
    feed: &mut dyn Feed,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let mut notes = Notes::default();
    let mut outcome = Outcome::Done;
    let (mut wanted, mut all) = (Vec::new(), None);
    if !named.is_empty() {
        // To find the named domains, this snapshot needs only their names.
        feed.collect(Collect {
            names: true,
            ..Collect::default()
        });
        let names = feed.look()?.ok_or(NoSnapshot)?;
        notes.report(&names.notes);
        (wanted, outcome) = find(named, &names, feed.is_live())?;
        all = Some(names);
        if wanted.is_empty() {
            return Ok(outcome);
        }
        feed.only(&wanted);
    }
    feed.collect(views.collect);
    let pair = feed.measure(&mut |first| notes.report(&first.notes))?;
    let pair = pair.ok_or(NoSnapshot)?;
    notes.report(&pair.newer.notes);
    for &identity in &wanted {
        if pair.newer.find(identity).is_none() {
            let id = identity.id;
            complain(format_args!("domain {id} went away within the interval"));
            outcome = Outcome::NotThere;
        }
    }
    let sample = Sample {
        snapshot: &pair.newer,
        rates: &pair.rates(),
    };
    out.print(&match format {
        Format::Table => {
            let all = all.as_deref().unwrap_or(&pair.newer);
            (views.table)(sample, &wanted, all, out.width())
        }
        Format::Json => (views.json)(sample),
        Format::Csv => (views.csv)(sample),
    })?;
    Ok(outcome)
}

/// Returns the named domains, each once. Reports on stderr which do not exist. `is_live` is whether the snapshot is of
/// the running host.
pub(super) fn find(
    named: &[Selector],
    snapshot: &Snapshot,
    is_live: bool,
) -> Result<(Vec<Identity>, Outcome), NotFound> {
    let mut outcome = Outcome::Done;
    let mut wanted = Vec::new();
    for selector in named {
        match selector.find(snapshot) {
            Ok(identity) if wanted.contains(&identity) => {}
            Ok(identity) => wanted.push(identity),
            Err(ambiguous @ NotFound::Ambiguous { .. }) => return Err(ambiguous),
            Err(NotFound::Missing(_)) if !is_live => {
                complain(format_args!(
                    "no domain '{selector}' was there at that time; 'list' with the same --from and --at shows all"
                ));
                outcome = Outcome::NotThere;
            }
            Err(missing) => {
                complain(missing);
                outcome = Outcome::NotThere;
            }
        }
    }
    Ok((wanted, outcome))
}
