//! The command line: flags as given, and what the help says of them.

mod check;
mod export;
mod formats;
mod limits;
mod look;
mod past;
mod show;
mod top;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use xenscope::interval;
use xenscope::selector::Selector;

pub(crate) use check::{Audit, Compare, Doctor, With};
pub(crate) use export::Export;
pub(crate) use formats::{
    AuditFormat, BatchFormat, CompareFormat, DoctorFormat, EventFormat, FieldsFormat, Format,
};
pub(crate) use look::Look;
pub(crate) use past::{Moment, RECORDINGS, Record, Report, Span};
pub(crate) use show::{Host, List, Status, Vcpus, Waits};
use top::Xentop;
pub(crate) use top::{Top, TopCommand};

/// A dom0 monitor that asks the Xen hypervisor itself.
///
/// Run it as root in dom0. CPU time and memory come from hypercalls, names from XenStore, and the
/// counters of disks and NICs from dom0's kernel. An unknown value is shown as '-' (null in JSON,
/// empty in CSV), never as 0.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100, after_help = AFTER)]
pub(crate) struct Cli {
    /// Log diagnostics to stderr (-vv: one line per sample)
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Run on an untested Xen version (known to work: 4.17 to 4.22)
    #[arg(long, global = true, display_order = 900)]
    pub(crate) allow_untested_xen: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Exit codes: 0 done; 1 a check of audit failed, compare found a difference, doctor found something in the way, a
named domain does not exist, nothing was recorded of that time, or the output could not be written; 2 wrong usage; 3 no Xen,
no permission, or the wrong version.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the domains: ID, name, type, state, vCPUs, memory
    List(List),
    /// Show what a domain uses: CPU, memory, vCPUs, disks, NICs
    Status(Status),
    /// Show what all domains use, live or in batches (-b)
    ///
    /// Without -b this is a full-screen view: '?' shows its keys, q quits. W writes columns, order,
    /// interval and theme to $XDG_CONFIG_HOME/xenscope/config.toml, or to
    /// ~/.config/xenscope/config.toml if that variable is not set. The next start reads them; as
    /// root, it follows no link there, and uses only what nobody but root can write. NO_COLOR turns
    /// colours off.
    Top(TopCommand),
    /// Show vCPUs: state, pCPU, CPU use and time, affinity
    Vcpus(Vcpus),
    /// Show who waits for a pCPU, how long, and for whom
    ///
    /// Traces with Xen's trace buffers for as long as it runs. They belong to the whole host: while
    /// another program traces, xenscope reads along if that one traces what vCPUs do. The buffers, 128
    /// KiB for each pCPU, stay allocated until the host reboots.
    Waits(Waits),
    /// Show the host: Xen, memory, nodes, pools, storage, pCPUs
    Host(Host),
    /// Check the accounting: CPU, memory, identities, devices
    ///
    /// Takes two samples and checks CPU time, memory, identities, devices and the placement of
    /// domains and vCPUs on pCPUs. Each finding says what was expected and observed, and how far
    /// off it may be and why. Ends with 1 if a check failed.
    Audit(Audit),
    /// Compare the figures with those of xentop and xl
    ///
    /// Runs each tool between two samples: every figure that the tool prints has to lie between
    /// xenscope's figures before and after, rounded as the tool rounds. Ends with 1 if one does
    /// not, if a domain is missing, invented or shown twice, or if a tool cannot be run.
    Compare(Compare),
    /// Check whether this host can be watched, and what is missing
    ///
    /// Looks at Xen and its library, at this process's rights, XenStore, dom0's kernel, the trace
    /// buffers, and at other programs. It changes nothing, and works without Xen and without root.
    /// Ends with 1 if something stands in the way.
    Doctor(Doctor),
    /// Print what happens to domains: created, paused, destroyed
    ///
    /// Runs until it is interrupted. Other events are: a name, vCPUs, a memory target or a ceiling
    /// changed; a disk or a NIC was attached or detached; a domain shut down, crashed or rebooted.
    Events(Events),
    /// Export metrics for Prometheus, by HTTP or in a file
    ///
    /// Serves OpenMetrics and the classic text format. The process that takes the samples is not on
    /// the network: another one without any privilege is, and asks it. Runs until it is interrupted.
    Export(Export),
    /// Keep samples on disk, to look back
    ///
    /// Runs until it is interrupted. Other commands show what was recorded with --at, --since and
    /// --until.
    Record(Record),
    /// Write a page about what was recorded, with charts
    ///
    /// One file of HTML without scripts, to look at or to attach to a ticket. It has CPU use, ready
    /// time, memory, disks and NICs by domain, the pCPUs, verdicts of the audit, events, and which
    /// domains suffered, and why.
    Report(Report),
    /// Print a manual page, or write all of them
    Man(Man),
    /// Fields of JSON and CSV, with their kinds and units
    Fields(Fields),
    /// Print completions for a shell
    Completions {
        /// Shell to print completions for
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// ID, exact name or UUID [default: all domains]
    ///
    /// The domain need not exist yet.
    #[arg(value_name = "DOMAIN")]
    pub(crate) domains: Vec<Selector>,

    #[command(flatten)]
    pub(crate) span: Span,

    /// Longest time between two samples, in seconds
    ///
    /// May be fractional. XenStore's watches cause more samples.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true, conflicts_with_all = ["from", "since", "until"])]
    pub(crate) poll: Duration,

    /// Show UUIDs as well
    ///
    /// JSON always has them.
    #[arg(short, long)]
    pub(crate) all: bool,

    /// First print the domains that exist at the start
    #[arg(long)]
    pub(crate) since_start: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: EventFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Command to print the page of [default: xenscope itself]
    #[arg(value_name = "COMMAND", value_parser = command_name, conflicts_with = "dir")]
    pub(crate) command: Option<String>,

    /// Directory to write all pages to
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// The name of a command.
fn command_name(text: &str) -> Result<String, &'static str> {
    match Cli::command().find_subcommand(text) {
        Some(command) => Ok(command.get_name().to_owned()),
        None => Err("no such command"),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: FieldsFormat,
}

/// A shell that can complete words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// For /usr/share/bash-completion/completions/xenscope
    Bash,
    /// For a file _xenscope in zsh's fpath
    Zsh,
    /// For ~/.config/fish/completions/xenscope.fish
    Fish,
}

impl From<Xentop> for Cli {
    fn from(xentop: Xentop) -> Self {
        Self {
            verbose: 0,
            allow_untested_xen: xentop.allow_untested_xen,
            command: Command::Top(TopCommand {
                top: xentop.top,
                look: Look::default(),
                span: Span::default(),
                at: None,
            }),
        }
    }
}

impl Cli {
    /// The command line of this process; under the name `xentop`, that of `xenscope top`.
    ///
    /// # Errors
    /// When the words make no command: they ask for help, or are wrong.
    pub(crate) fn of_process() -> Result<Self, clap::Error> {
        Self::of_words(std::env::args_os().collect())
    }

    /// Whether the words make a command, or ask for help.
    #[cfg(test)]
    pub(crate) fn parses(words: &[String]) -> bool {
        let parsed = Self::of_words(words.iter().map(OsString::from).collect());
        parsed.map_or_else(|error| !error.use_stderr(), |_| true)
    }

    /// The command line of these words, the program's name first.
    fn of_words(words: Vec<OsString>) -> Result<Self, clap::Error> {
        let name = words.first().map(PathBuf::from).unwrap_or_default();
        let cli = match name.file_name().is_some_and(|name| name == "xentop") {
            true => Xentop::try_parse_from(&words).map(Self::from)?,
            false => Self::try_parse_from(&words).map_err(|error| {
                let other = past::other_option(&error, &words, &Self::command());
                let kind = error.kind();
                other.map_or(error, |text| Self::command().error(kind, text))
            })?,
        };
        let misplaced = match &cli.command {
            Command::Record(record) if record.span.is_past() && record.export.is_none() => {
                let message = "--from, --since and --until are for --export";
                return Err(Self::command().error(ErrorKind::MissingRequiredArgument, message));
            }
            Command::Record(record) if record.export.as_deref() == Some(Path::new("-")) => {
                let message =
                    "'--export -': an SQLite file cannot be written to a pipe; name a file";
                return Err(Self::command().error(ErrorKind::InvalidValue, message));
            }
            Command::Top(TopCommand { top, span, at, .. })
                if (span.is_past() || at.is_some()) && !top.batch && top.iterations.is_some() =>
            {
                let message = "'--iterations' cannot be used with a recording without -b";
                return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
            }
            Command::Top(TopCommand {
                top, look, span, ..
            }) if top.batch && !top.ready && !span.is_past() && look.compares_ready() => {
                let message = "'--filter' compares how long vCPUs waited, which takes '--ready'";
                return Err(Self::command().error(ErrorKind::MissingRequiredArgument, message));
            }
            Command::Top(TopCommand { top, .. }) => top
                .misplaced()
                .map(|option| (option, top.format.to_possible_value())),
            Command::Waits(waits) => {
                let option = waits.misplaced();
                option.map(|option| (option, waits.format.to_possible_value()))
            }
            _ => None,
        };
        if let Some((option, format)) = misplaced {
            let format = format.as_ref().map_or("", PossibleValue::get_name);
            let message = format!("'{option}' cannot be used with '--format {format}'");
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
        Xentop::command().debug_assert();
    }

    #[test]
    fn a_recording_is_printed_with_its_times() {
        for (words, format) in [
            ("xenscope top -b", BatchFormat::Xentop),
            ("xentop -b", BatchFormat::Xentop),
            ("xenscope top -b --from x", BatchFormat::Table),
            ("xenscope top -b --since -1h -n -d 60", BatchFormat::Table),
            ("xenscope top -b --until -1h", BatchFormat::Table),
            ("xenscope top -b --from x -r", BatchFormat::Xentop),
            (
                "xenscope top -b --from x --format xentop",
                BatchFormat::Xentop,
            ),
            ("xenscope top -b --from x --format json", BatchFormat::Json),
        ] {
            let cli = Cli::of_words(words.split(' ').map(OsString::from).collect());
            let command = cli.ok().map(|cli| cli.command);
            let given = match command {
                Some(Command::Top(options)) => Some(options.top.format),
                _ => None,
            };
            assert_eq!(given, Some(format), "{words}");
        }
    }

    /// The summaries of the command, its options and their values, and of all its commands.
    fn summaries(command: &clap::Command) -> Vec<String> {
        let own = command.get_about().into_iter();
        let arguments = command.get_arguments().filter_map(clap::Arg::get_help);
        let mut all: Vec<String> = own.chain(arguments).map(ToString::to_string).collect();
        for value in command
            .get_arguments()
            .flat_map(clap::Arg::get_possible_values)
        {
            all.extend(value.get_help().map(ToString::to_string));
        }
        all.extend(command.get_subcommands().flat_map(summaries));
        all
    }

    #[test]
    fn the_documented_command_lines_parse() {
        let shown = console::commands();
        let shown = shown.iter().filter(|(_, words)| {
            let name = words.first().map_or("", String::as_str);
            ["xenscope", "xentop"].contains(&name)
        });
        assert!(shown.clone().count() > 20);
        for (_, words) in shown {
            assert!(Cli::parses(words), "{words:?}");
        }
    }

    #[test]
    fn summaries_are_short() {
        for text in [Cli::command(), Xentop::command()]
            .iter()
            .flat_map(summaries)
        {
            assert!(text.chars().count() <= 60 && !text.ends_with('.'), "{text}");
        }
    }
}
