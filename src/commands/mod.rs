//! The commands. [`run`] opens the feed of the running host that a command reads.

mod audit;
mod compare;
mod doctor;
mod events;
mod excerpt;
mod export;
mod fields;
mod follow;
#[cfg(test)]
mod golden_tests;
mod host;
mod list;
mod live;
mod manual;
mod missing;
mod output;
mod past;
mod past_audit;
mod past_waits;
mod record;
mod report;
mod signals;
mod status;
#[cfg(test)]
mod tests;
mod top;
mod two_samples;
mod vcpus;
mod waits;

use std::io;

use xenscope::feed::{Live, Pace, Watches};
use xenscope::interval;
use xenscope::source::Source;

use crate::cli::{Cli, Command, TopCommand};
use crate::exit::{Outcome, WrongUsage};
use output::Output;

/// Runs the command.
///
/// # Errors
/// The errors that [`report`](crate::exit::report) prints.
pub(crate) fn run(cli: &Cli) -> anyhow::Result<Outcome> {
    let allow_untested = cli.allow_untested_xen;
    let open = move |collect, pace| Live::open(collect, pace, allow_untested);
    let out = &mut Output::stdout();
    match &cli.command {
        Command::List(options) => {
            if let Some(mut past) = past::at(&options.moment)? {
                return list::run(options, &mut past, out);
            }
            let collect = list::collect(options.format);
            list::run(options, &mut open(collect, Pace::AtOnce)?, out)
        }
        Command::Status(options) => {
            if let Some(mut past) = past::at(&options.moment)? {
                return status::run(options, &mut past, out);
            }
            let pace = Pace::Every(options.interval.interval);
            status::run(options, &mut open(status::collect(), pace)?, out)
        }
        Command::Vcpus(options) => {
            if let Some(mut past) = past::at(&options.moment)? {
                return vcpus::run(options, &mut past, out);
            }
            let pace = Pace::Every(options.interval.interval);
            vcpus::run(options, &mut open(vcpus::collect(), pace)?, out)
        }
        Command::Waits(options) => {
            if options.span.is_past() {
                // It says itself for how much of the time ready time was recorded.
                let past = past::within(&options.span)?;
                return past::look_through(past, |past| past_waits::run(options, past, out));
            }
            let source = &mut Source::open(waits::collect(), allow_untested)?;
            waits::run(options, source, allow_untested, out)
        }
        Command::Host(options) => {
            if let Some(mut past) = past::at(&options.moment)? {
                return host::run(options, &mut past, out);
            }
            let pace = Pace::Every(options.interval.interval);
            host::run(options, &mut open(host::collect(), pace)?, out)
        }
        Command::Compare(options) => {
            let source = &mut Source::open(compare::collect(), allow_untested)?;
            compare::run(options, source, out)
        }
        Command::Doctor(options) => doctor::run(options, allow_untested, out),
        Command::Top(TopCommand {
            top: options,
            look,
            span,
            ..
        }) if options.batch => {
            let filter = look.filter().map_err(WrongUsage)?;
            let filter = filter.as_ref();
            if let Some(past) = past::between(span)? {
                return past::look_through(past, |past| {
                    top::run((options, look), filter, past, out)
                });
            }
            let pace = Pace::Blocks(options.delay.unwrap_or(interval::DEFAULT));
            let feed = open(top::collect(options, filter), pace)?;
            top::run(
                (options, look),
                filter,
                &mut feed.watching(&Watches::default()),
                out,
            )
        }
        Command::Top(TopCommand {
            top: options,
            look,
            span,
            at,
        }) => {
            if let Some(past) = past::starting(span, *at)? {
                return live::look_back((options, look), past);
            }
            let watches = Watches::default();
            live::run(
                (options, look),
                watches.clone(),
                move |collect, interval| {
                    let feed = open(collect, Pace::Primed(interval))?;
                    Ok(feed.watching(&watches).with_host_once())
                },
            )
        }
        Command::Audit(options) => {
            if let Some(past) = past::between(&options.span)? {
                return past::look_through(past, |past| past_audit::run(options, past, out));
            }
            let pace = Pace::Every(options.interval);
            audit::run(
                options,
                &mut open(audit::collect(options.ready), pace)?,
                out,
            )
        }
        Command::Events(options) => {
            if let Some(past) = past::between(&options.span)? {
                return past::look_through(past, |past| events::run(options, past, io::stdout()));
            }
            let feed = open(events::collect(), Pace::AtOnce)?;
            events::run(
                options,
                &mut feed.watching(&Watches::default()),
                io::stdout(),
            )
        }
        Command::Export(options) => {
            let collect = export::collect(options);
            export::run(options, || open(collect, Pace::AtOnce), out)
        }
        Command::Record(options) if options.export.is_some() => excerpt::run(options),
        Command::Record(options) => {
            // Without Xen, no folder is created.
            let feed = open(record::collect(options), Pace::Primed(options.interval))?;
            let recorder = &mut record::open(options)?;
            record::run(recorder, &mut feed.watching(&Watches::default()))
        }
        Command::Report(options) => report::run(options, out),
        Command::Man(options) => manual::man(options, out),
        Command::Fields(options) => fields::run(options, out),
        Command::Completions { shell } => manual::completions(*shell, out),
    }
}
