//! `xenscope top`

use std::mem::replace;
use std::thread::sleep;
use std::time::{Duration, Instant};

use xenscope::interval;
use xenscope::rates::Rates;
use xenscope::snapshot::Collect;
use xenscope::source::Source;
use xenscope::view::{Sample, csv, json, top, xentop};

use super::{Notes, live, print, terminal_width};
use crate::cli::{BatchFormat, Top};

/// How long the first block is measured over, where the delay is not shorter: long enough for a
/// figure, too short to be waited for.
pub(super) const PRIMING: Duration = Duration::from_millis(250);

pub(crate) fn run(options: &Top, allow_untested: bool) -> anyhow::Result<()> {
    match options.batch {
        true => blocks(options, allow_untested),
        false => live::run(options, allow_untested),
    }
}

/// What the samples of `xenscope top -b` hold.
pub(super) fn collect(options: &Top) -> Collect {
    let for_machines = matches!(options.format, BatchFormat::Json | BatchFormat::Csv);
    let table = options.format == BatchFormat::Table;
    let csv = options.format == BatchFormat::Csv;
    Collect {
        names: true,
        targets: for_machines,
        details: for_machines,
        vcpus: options.display.vcpus,
        affinities: table && options.display.vcpus,
        nics: !csv || options.display.networks,
        disks: !csv || options.display.vbds,
        macs: table && options.display.networks,
        host: table && options.display.pcpus,
        ..Collect::default()
    }
}

/// `xenscope top -b`
fn blocks(options: &Top, allow_untested: bool) -> anyhow::Result<()> {
    let shown = options.display;
    let mut blocks = xentop::Blocks::new(shown);
    let delay = options.delay.unwrap_or(interval::DEFAULT);
    let mut notes = Notes::default();
    let mut source = Source::open(collect(options), allow_untested)?;
    source.watch();
    let mut before = source.sample()?;
    let mut next = Instant::now() + delay.min(PRIMING);
    let mut printed = 0;
    while options.iterations.is_none_or(|wanted| printed < wanted) {
        sleep(next.saturating_duration_since(Instant::now()));
        // From one point in time to the next, so that the time that sampling takes does not add
        // up; a point that has passed already is skipped.
        next = (next + delay).max(Instant::now());
        let after = source.sample()?;
        notes.tell(&after.notes);
        let sample = Sample {
            snapshot: &after,
            rates: &Rates::between(Some(&before), &after),
        };
        match options.format {
            BatchFormat::Xentop => print(blocks.block(sample)),
            BatchFormat::Table => print(&top::table(sample, shown, terminal_width())),
            BatchFormat::Json => print(&json::line(sample)),
            BatchFormat::Csv => print(&csv::domains(sample, shown, printed == 0)),
        }?;
        source.reuse(replace(&mut before, after));
        printed += 1;
    }
    Ok(())
}
