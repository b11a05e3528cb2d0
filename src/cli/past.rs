//! Options that choose a time of the past, and the commands that write and read recordings.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, Command};
use jiff::Timestamp;
use xenscope::interval;
use xenscope::moment;
use xenscope::selector::Selector;

use super::limits;

/// Where `record` writes, and where the other commands look.
pub(crate) const RECORDINGS: &str = "/var/lib/xenscope";

/// A moment in the past.
#[derive(Debug, Default, Args)]
pub(crate) struct Moment {
    /// Recording to read [default: that of /var/lib/xenscope]
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) from: Option<PathBuf>,

    /// Show what was recorded at this time
    ///
    /// 03:00, 'yesterday 14:05', '2026-11-28 03:00', -2h or RFC 3339, in the local time zone.
    /// Without it, --from shows the last sample.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    pub(crate) at: Option<Timestamp>,
}

impl Moment {
    /// Returns whether it is one.
    pub(crate) fn is_past(&self) -> bool {
        self.from.is_some() || self.at.is_some()
    }
}

/// A span of time in the past.
#[derive(Debug, Default, Args)]
pub(crate) struct Span {
    /// Recording to read [default: that of /var/lib/xenscope]
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) from: Option<PathBuf>,

    /// Show what was recorded from this time on
    ///
    /// 03:00, 'yesterday 14:05', '2026-11-28 03:00', -2h or RFC 3339, in the local time zone.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    pub(crate) since: Option<Timestamp>,

    /// Show what was recorded up to this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    pub(crate) until: Option<Timestamp>,
}

impl Span {
    /// Returns whether it is one.
    pub(crate) fn is_past(&self) -> bool {
        self.from.is_some() || self.since.is_some() || self.until.is_some()
    }
}

#[derive(Debug, Args)]
#[command(mut_args(of_export))]
pub(crate) struct Record {
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = RECORDINGS)]
    pub(crate) dir: PathBuf,

    /// Seconds between two samples (may be fractional)
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) interval: Duration,

    /// Age after which samples are deleted, such as 12h or 7d
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = limits::age)]
    pub(crate) keep: Duration,

    /// Size at which the oldest samples are deleted
    ///
    /// In bytes, or with K, M, G or T; at least 16M.
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = limits::size)]
    pub(crate) max_size: u64,

    /// Also record how long vCPUs wait for a pCPU
    ///
    /// Traces with Xen's trace buffers, which belong to the whole host, for as long as it runs.
    #[arg(long)]
    pub(crate) ready: bool,

    /// Also record each vCPU
    #[arg(long)]
    pub(crate) vcpus: bool,

    /// Also record what only 'audit' needs
    ///
    /// Each sample then reads XenStore again, more than once. Includes --vcpus.
    #[arg(long)]
    pub(crate) audit: bool,

    /// Copy what was recorded to a file instead of recording
    ///
    /// The file can be given to --from anywhere.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "interval", "keep", "max_size", "ready", "vcpus", "audit"])]
    pub(crate) export: Option<PathBuf>,

    /// Replace names, UUIDs and MAC addresses in the copy
    #[arg(long, requires = "export")]
    pub(crate) anonymise: bool,

    #[command(flatten)]
    pub(crate) span: Span,
}

/// Changes the help of a span's options to what `--export` does with them.
fn of_export(option: Arg) -> Arg {
    if !["since", "until"].contains(&option.get_id().as_str()) {
        return option;
    }
    let says = |help: &StyledStr| help.to_string().replacen("Show", "Export", 1);
    let help = option.get_help().map(says).unwrap_or_default();
    match option.get_long_help().map(says) {
        Some(long) => option.help(help).long_help(long),
        None => option.help(help),
    }
}

/// Returns what to say if an option for a time is unknown, and the command has another one for it; otherwise `None`.
pub(super) fn other_option(
    error: &clap::Error,
    words: &[OsString],
    all: &Command,
) -> Option<String> {
    let wrong = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(wrong)) if error.kind() == ErrorKind::UnknownArgument => wrong,
        _ => return None,
    };
    let mut words = words.iter().skip(1);
    let command = words.find_map(|word| all.find_subcommand(word))?;
    let mut options = command.get_arguments().filter_map(Arg::get_long);
    let name = command.get_name();
    let found = match wrong.as_str() {
        "--at" => options
            .any(|option| option == "since")
            .then_some("is about a span of time: use --since and --until"),
        "--since" | "--until" => options
            .any(|option| option == "at")
            .then_some("is about one time: use --at"),
        _ => None,
    };
    Some(format!(
        "unexpected argument '{wrong}': '{name}' {}",
        found?
    ))
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// ID, exact name or UUID [default: all domains]
    #[arg(value_name = "DOMAIN")]
    pub(crate) domains: Vec<Selector>,

    #[command(flatten)]
    pub(crate) span: Span,

    /// File to write; - for standard output
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    pub(crate) output: PathBuf,
}
