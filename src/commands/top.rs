//! `xenscope top -b`

use std::borrow::Cow;

use xenscope::feed::{Feed, Thinned};
use xenscope::filter::Filter;
use xenscope::snapshot::Collect;
use xenscope::view::openmetrics::{History, Series};
use xenscope::view::{Sample, csv, json, top, xentop};

use super::follow::Follow;
use super::missing::Missing;
use super::output::{Notes, Output};
use super::past;
use super::signals::switch_off_first;
use crate::cli::{BatchFormat, Look, Top};
use crate::exit::{NoSnapshot, Outcome, cannot, complain};

/// Returns what `xenscope top -b` collects, for its output and the filter.
pub(super) fn collect(options: &Top, filter: Option<&Filter>) -> Collect {
    let for_filter = filter.map_or(Collect::NOTHING, Filter::part);
    for_output(options).and(for_filter)
}

fn for_output(options: &Top) -> Collect {
    if options.format == BatchFormat::Openmetrics {
        return Collect {
            state_times: options.ready,
            scheduling: options.ready,
            ..series(options).collect()
        };
    }
    let for_machines = matches!(options.format, BatchFormat::Json | BatchFormat::Csv);
    let table = options.format == BatchFormat::Table;
    let csv = options.format == BatchFormat::Csv;
    let collect = Collect {
        names: true,
        targets: for_machines,
        details: for_machines,
        vcpus: options.display.vcpus,
        affinities: table && options.display.vcpus,
        nics: !csv || options.display.networks,
        nic_counters: !csv || options.display.networks,
        // As in xentop, that layout has only the devices of dom0.
        driver_domains: options.format != BatchFormat::Xentop,
        state_times: options.ready,
        scheduling: options.ready,
        macs: table && options.display.networks,
        host: table && options.display.pcpus,
        ..Collect::default()
    };
    collect.and(disks(options))
}

/// Returns which metrics there are.
fn series(options: &Top) -> Series {
    Series {
        vcpus: options.display.vcpus,
        ..Series::default()
    }
}

/// Returns the part of it that is about disks.
fn disks(options: &Top) -> Collect {
    match options.format {
        BatchFormat::Xentop => Collect::NOTHING.with_disk_counters(&xentop::DISK_COUNTERS),
        BatchFormat::Table => {
            Collect::NOTHING.with_disk_counters(top::disk_counters(options.display))
        }
        BatchFormat::Csv if !options.display.vbds => Collect::NOTHING,
        BatchFormat::Json | BatchFormat::Csv | BatchFormat::Openmetrics => Collect {
            disks: true,
            disk_counters: Collect::ALL.disk_counters,
            ..Collect::NOTHING
        },
    }
}

pub(super) fn run(
    (options, look): (&Top, &Look),
    filter: Option<&Filter>,
    feed: &mut dyn Feed,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let shown = options.display;
    let mut metrics = History::new(series(options));
    let mut blocks = xentop::Blocks::new(shown);
    let mut notes = Notes::default();
    let mut missing = Missing::of(&look.domains);
    let (mut printed, mut at_end) = (0, false);
    if options.ready {
        switch_off_first().map_err(cannot("wait for signals"))?;
    }
    // A live feed is at that interval.
    let delay = options.delay.filter(|_| !feed.is_live());
    let mut thinned = delay.map(Thinned::new);
    let mut follow = Follow::start(feed, &[])?;
    while options.iterations.is_none_or(|wanted| printed < wanted) {
        if out.is_closed() {
            break;
        }
        let Some(pair) = follow.next()? else {
            at_end = true;
            break;
        };
        missing.look_in(&pair.newer);
        notes.report(&pair.newer.notes);
        let pair = match &mut thinned {
            Some(thinned) => thinned.pass(pair),
            None => {
                let rates = pair.rates();
                Some((pair, rates))
            }
        };
        let Some((pair, mut rates)) = pair else {
            continue;
        };
        let mut snapshot = Cow::Borrowed(&*pair.newer);
        if let Some(filter) = filter {
            let (matching, of_them) = filter.only(Sample {
                snapshot: &snapshot,
                rates: &rates,
            });
            (snapshot, rates) = (Cow::Owned(matching), of_them);
        }
        let sample = Sample {
            snapshot: &snapshot,
            rates: &rates,
        };
        match options.format {
            BatchFormat::Xentop => out.print(blocks.block(sample)),
            BatchFormat::Table => out.print(&top::table(sample, &pair.newer, shown, out.width())),
            BatchFormat::Json => out.print(&json::line(sample)),
            BatchFormat::Csv => out.print(&csv::domains(sample, shown, printed == 0)),
            BatchFormat::Openmetrics => out.print(&metrics.add(&snapshot)),
        }?;
        printed += 1;
    }
    // Of some domains, it is not known how many of these they are.
    if let Some(thinned) = &thinned
        && filter.is_none()
    {
        say_missed(thinned.missed());
    }
    if at_end && printed == 0 && !follow.feed.is_live() {
        return Err(NoSnapshot.into());
    }
    if options.format == BatchFormat::Openmetrics {
        out.print(metrics.end())?;
        past::say_left_out(metrics.left_out(), "the clock had been set back");
    }
    match at_end && !follow.feed.is_live() {
        true => Ok(missing.report()),
        false => Ok(Outcome::Done),
    }
}

/// Says how many domains are in nothing that was printed, if any.
fn say_missed(count: usize) {
    let (domains, them) = match count {
        0 => return,
        1 => ("1 domain was".to_owned(), "it"),
        _ => (format!("{count} domains were"), "them"),
    };
    complain(format_args!(
        "{domains} there only between two samples that are shown, or after the last one; a smaller -d shows {them}"
    ));
}
