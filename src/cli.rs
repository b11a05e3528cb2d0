//! The command line: flags as given, and what the help says of them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use xenscope::interval;
use xenscope::selector::Selector;
use xenscope::view::DisplayOptions;

/// A dom0 monitor that asks the Xen hypervisor itself.
///
/// Run it as root in dom0. Domains and their CPU time and memory come from hypercalls, names from
/// XenStore. What is not known is shown as '-' (null in JSON, empty in CSV), never as a zero.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100, after_help = AFTER)]
pub(crate) struct Cli {
    /// Write to stderr what is found, libxenctrl's messages too; twice for a line at each sample
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Go on with a Xen that xenscope is not proven on (proven: 4.17 to 4.20)
    #[arg(long, global = true)]
    pub(crate) allow_untested_xen: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Exit codes: 0 done; 1 a check of the audit failed, a comparison differs, a domain that was named
is not there, or the output could not be written; 2 wrong usage; 3 no Xen, no permission, or not the right version.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The domains there are: id, name, type, state, vCPUs, memory
    List(List),
    /// What a domain uses: CPU, memory, and its vCPUs, disks and NICs one by one
    Status(Status),
    /// What all domains use, again and again
    ///
    /// On a terminal this is a screen: '?' shows its keys, q ends it. W writes columns, order,
    /// interval and theme to $XDG_CONFIG_HOME/xenscope/config.toml, else
    /// ~/.config/xenscope/config.toml, from where the next screen has them; as root, it follows no
    /// link there and uses only what root alone can write. With NO_COLOR set there is no colour.
    Top(Top),
    /// The vCPUs: state, pCPU, CPU use and time, where they may run
    Vcpus(Vcpus),
    /// The host: Xen, pCPUs, memory, NUMA nodes, CPU pools and their schedulers
    Host(Host),
    /// Do the books balance? CPU time, memory, identity, devices and placement, each checked
    Audit(Audit),
    /// Hold the figures against those of xentop and xl
    Compare(Compare),
    /// What happens to domains, as it happens: created, named, paused, destroyed and more
    Events(Events),
    /// Print the manual page, for 'man -l -'
    Man,
    /// Print what a shell needs to complete xenscope's words
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A domain's id, exact name or uuid; id:5, name:5 and uuid:… say which is meant
    #[arg(required = true, value_name = "DOMAIN")]
    pub(crate) domains: Vec<Selector>,

    #[command(flatten)]
    pub(crate) interval: IntervalArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Vcpus {
    /// A domain's id, exact name or uuid; all domains when none is given
    #[arg(value_name = "DOMAIN")]
    pub(crate) domains: Vec<Selector>,

    #[command(flatten)]
    pub(crate) interval: IntervalArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Host {
    #[command(flatten)]
    pub(crate) interval: IntervalArgs,
}

/// Each tool runs between two samples: every figure it prints has to lie between ours before and
/// ours after, rounded as the tool rounds. Ends with 1 when one does not, when a domain is missing,
/// invented or there twice, or when a tool can't be run.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The tool to run, found in PATH
    #[arg(long, value_enum, default_value_t)]
    pub(crate) with: With,

    /// How often to run each
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(allow_negative_numbers = true)]
    pub(crate) samples: u64,

    /// Kill a tool that has not ended after this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) time_limit: Duration,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CompareFormat,
}

/// What to compare with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum With {
    /// One block of 'xentop -b'
    Xentop,
    /// 'xl list'
    Xl,
    /// Both
    #[default]
    All,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// For people
    #[default]
    Table,
    /// One JSON object per line and run of a tool
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Seconds between two samples, fractions too
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) interval: Duration,

    /// Audit this many times, each time since the sample before
    #[arg(long, value_name = "N", default_value = "1")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    pub(crate) samples: u64,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: AuditFormat,
}

/// What the commands that measure once have in common.
#[derive(Debug, Args)]
pub(crate) struct IntervalArgs {
    /// Measure over this many seconds, fractions too
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) interval: Duration,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// Under the name `xentop`, xenscope takes these options and no others.
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Print blocks of lines for scripts, in the layout of 'xentop -b', instead of a screen
    #[arg(short, long)]
    pub(crate) batch: bool,

    /// Seconds between two samples, fractions too [default: 3, or what the screen's W wrote]
    #[arg(short, long, value_name = "SECONDS", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) delay: Option<Duration>,

    /// Stop after this many samples
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(allow_negative_numbers = true)]
    pub(crate) iterations: Option<u64>,

    #[command(flatten)]
    pub(crate) display: DisplayOptions,

    /// How to print the blocks of -b
    #[arg(long, value_enum, default_value_t, requires = "batch")]
    pub(crate) format: BatchFormat,
}

/// xenscope in the place of xentop: what 'xenscope top' shows, by xentop's own options.
///
/// As xentop takes them: an option may be given again, the last one counts, and long ones may be
/// cut short.
#[derive(Debug, Parser)]
#[command(name = "xentop", version, max_term_width = 100)]
#[command(args_override_self = true, infer_long_args = true)]
struct Xentop {
    /// Go on with a Xen that xenscope is not proven on (proven: 4.17 to 4.20)
    #[arg(long)]
    allow_untested_xen: bool,

    #[command(flatten)]
    top: Top,
}

impl From<Xentop> for Cli {
    fn from(xentop: Xentop) -> Self {
        Self {
            verbose: 0,
            allow_untested_xen: xentop.allow_untested_xen,
            command: Command::Top(xentop.top),
        }
    }
}

impl Top {
    /// The option that the format has no place for; `None` when there is none.
    fn misplaced(&self) -> Option<&'static str> {
        match self.format {
            BatchFormat::Xentop => None,
            _ if self.display.repeat_header => Some("--repeat-header"),
            BatchFormat::Csv if self.display.pcpus => Some("--pcpus"),
            _ => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// A domain's id, exact name or uuid, now or later; all domains when none is given
    #[arg(value_name = "DOMAIN")]
    pub(crate) domains: Vec<Selector>,

    /// Look at least this often, fractions too; XenStore's watches make for more looks
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) poll: Duration,

    /// Tell first which domains exist at the start
    #[arg(long)]
    pub(crate) since_start: bool,

    /// How to print them
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: EventFormat,
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

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON object per line and sample
    Json,
    /// A header, then one row per domain, vCPU, NIC, disk, pCPU, ...; the first column says which
    Csv,
}

/// How `audit` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// For people
    #[default]
    Table,
    /// One JSON object per line and audit
    Json,
}

/// How `top -b` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BatchFormat {
    /// The layout of 'xentop -b'
    #[default]
    Xentop,
    /// For people; what -v, -x, -n and -p ask for stands in tables of its own
    Table,
    /// One JSON object per line and sample
    Json,
    /// A header, then for each sample one row per domain, and what -n, -x and -v ask for
    Csv,
}

/// How `events` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object per line and event
    Json,
}

impl Cli {
    /// The command line of this process; under the name `xentop`, that of `xenscope top`.
    ///
    /// # Errors
    /// When the words make no command: they ask for help, or are wrong.
    pub(crate) fn of_process() -> Result<Self, clap::Error> {
        let words: Vec<OsString> = std::env::args_os().collect();
        let name = words.first().map(PathBuf::from).unwrap_or_default();
        let cli = match name.file_name().is_some_and(|name| name == "xentop") {
            true => Xentop::try_parse_from(words).map(Self::from)?,
            false => Self::try_parse_from(words)?,
        };
        if let Command::Top(top) = &cli.command
            && let Some(option) = top.misplaced()
        {
            let format = top.format.to_possible_value();
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

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
        Xentop::command().debug_assert();
    }
}
