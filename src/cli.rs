//! The command line: flags as given, and what the help says of them.

mod limits;
mod look;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use xenscope::export::ListenAddress;
use xenscope::interval;
use xenscope::moment;
use xenscope::selector::Selector;
use xenscope::view::DisplayOptions;
use xenscope::view::openmetrics::Series;

pub(crate) use look::Look;

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

    /// Run on an untested Xen version (tested: 4.17 to 4.22)
    #[arg(long, global = true, display_order = 900)]
    pub(crate) allow_untested_xen: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Exit codes: 0 done; 1 a check of audit failed, compare found a difference, doctor found something in the way, a
named domain does not exist, or the output could not be written; 2 wrong usage; 3 no Xen, no permission, or the wrong version.";

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
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) moment: Moment,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

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

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// ID, exact name or UUID; id:5, name:5, uuid:… if ambiguous
    #[arg(required = true, value_name = "DOMAIN")]
    pub(crate) domains: Vec<Selector>,

    #[command(flatten)]
    pub(crate) moment: Moment,

    #[command(flatten)]
    pub(crate) interval: IntervalArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Vcpus {
    /// ID, exact name or UUID [default: all domains]
    #[arg(value_name = "DOMAIN")]
    pub(crate) domains: Vec<Selector>,

    #[command(flatten)]
    pub(crate) moment: Moment,

    #[command(flatten)]
    pub(crate) interval: IntervalArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Waits {
    /// ID, exact name or UUID [default: all domains]
    #[arg(value_name = "DOMAIN")]
    pub(crate) domains: Vec<Selector>,

    #[command(flatten)]
    pub(crate) span: Span,

    /// Also show the last second of a vCPU, a mark for each ms
    ///
    /// DOMAIN/VCPU, such as db1/0; without a number it is the first one.
    #[arg(long, value_name = "VCPU", value_parser = vcpu)]
    #[arg(conflicts_with_all = ["from", "since", "until"])]
    pub(crate) timeline: Option<(Selector, u32)>,

    /// Seconds to trace (may be fractional)
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true, conflicts_with_all = ["from", "since", "until"])]
    pub(crate) seconds: Duration,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Host {
    #[command(flatten)]
    pub(crate) moment: Moment,

    #[command(flatten)]
    pub(crate) interval: IntervalArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Tool to run, found in PATH
    #[arg(long, value_enum, default_value_t)]
    pub(crate) with: With,

    /// Show all figures, not only those that differ
    ///
    /// JSON always has all.
    #[arg(short, long)]
    pub(crate) all: bool,

    /// Number of runs of each tool
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(allow_negative_numbers = true)]
    pub(crate) samples: u64,

    /// Seconds after which a tool that still runs is killed
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) time_limit: Duration,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CompareFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: DoctorFormat,
}

/// How `doctor` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// For people
    #[default]
    Table,
    /// One JSON object
    Json,
}

/// What to compare with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum With {
    /// 'xentop -b'
    Xentop,
    /// 'xl list'
    Xl,
    /// Both of them
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
    #[command(flatten)]
    pub(crate) span: Span,

    /// Seconds between two samples (may be fractional)
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true, conflicts_with_all = ["from", "since", "until"])]
    pub(crate) interval: Duration,

    /// Also check CPU time by Xen's trace buffers
    ///
    /// Traces the whole host for as long as it runs, see 'xenscope waits'.
    #[arg(long, conflicts_with_all = ["from", "since", "until"])]
    pub(crate) ready: bool,

    /// Show all findings, not only what is wrong
    ///
    /// JSON always has all.
    #[arg(short, long)]
    pub(crate) all: bool,

    /// Number of audits [default: 1; all that were recorded]
    ///
    /// Each is against the previous sample.
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    pub(crate) samples: Option<u64>,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: AuditFormat,
}

/// What the commands that measure once have in common.
#[derive(Debug, Args)]
pub(crate) struct IntervalArgs {
    /// Seconds to measure over (may be fractional)
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true, conflicts_with_all = ["from", "at"])]
    pub(crate) interval: Duration,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// `xenscope top`
#[derive(Debug, Args)]
pub(crate) struct TopCommand {
    #[command(flatten)]
    pub(crate) top: Top,

    #[command(flatten)]
    pub(crate) look: Look,

    #[command(flatten)]
    pub(crate) span: Span,

    /// Begin with what was recorded at this time
    ///
    /// Not with -b, which prints all samples of a span.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["batch", "since"])]
    pub(crate) at: Option<Timestamp>,
}

/// The options of `xenscope top` that it also has under the name `xentop`.
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Print blocks of lines, as 'xentop -b' does
    #[arg(short, long)]
    pub(crate) batch: bool,

    /// Seconds between two samples [default: 3]
    ///
    /// May be fractional. Without -b, the default is the interval that W wrote.
    #[arg(short, long, value_name = "SECONDS", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) delay: Option<Duration>,

    /// Number of samples [default: no limit]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(allow_negative_numbers = true)]
    pub(crate) iterations: Option<u64>,

    /// Measure how long vCPUs wait for a pCPU
    ///
    /// Traces with Xen's trace buffers, which belong to the whole host, for as long as it runs. Without
    /// -b, R turns it on and off.
    #[arg(long)]
    pub(crate) ready: bool,

    #[command(flatten)]
    pub(crate) display: DisplayOptions,

    /// Output format of -b
    #[arg(long, value_enum, default_value_t, requires = "batch")]
    pub(crate) format: BatchFormat,
}

/// Show what all domains use, with the options of xentop
///
/// As in xentop, an option may be given again (the last one counts), and a long one may be
/// shortened.
#[derive(Debug, Parser)]
#[command(name = "xentop", version, max_term_width = 100)]
#[command(args_override_self = true, infer_long_args = true)]
struct Xentop {
    /// Run on an untested Xen version (tested: 4.17 to 4.22)
    #[arg(long, display_order = 900)]
    allow_untested_xen: bool,

    #[command(flatten)]
    top: Top,
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

impl Waits {
    /// The option that the format has no place for; `None` when there is none.
    fn misplaced(&self) -> Option<&'static str> {
        let in_table = self.format == Format::Table;
        (self.timeline.is_some() && !in_table).then_some("--timeline")
    }
}

impl Top {
    /// The option that the format has no place for; `None` when there is none.
    fn misplaced(&self) -> Option<&'static str> {
        match self.format {
            BatchFormat::Xentop if self.batch && self.ready => Some("--ready"),
            BatchFormat::Xentop => None,
            _ if self.display.repeat_header => Some("--repeat-header"),
            BatchFormat::Csv if self.display.pcpus => Some("--pcpus"),
            _ => None,
        }
    }
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

/// Where `xenscope export` listens unless it is told otherwise.
const LISTEN_ADDRESS: &str = "127.0.0.1:14170";

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Write the metrics to a file instead ('-' for stdout)
    ///
    /// For node_exporter's textfile collector, in the classic format. Give the file a name that ends
    /// in .prom.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["Web", "serve"])]
    pub(crate) textfile: Option<PathBuf>,

    /// Seconds after which the file is written again
    ///
    /// May be fractional. The file is removed when the command ends. [default: write it once]
    #[arg(long, value_name = "SECONDS", requires = "textfile", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) interval: Option<Duration>,

    #[command(flatten)]
    pub(crate) web: Web,

    #[command(flatten)]
    pub(crate) series: Series,

    /// Audit each sample, and export the verdict of each check
    #[arg(long)]
    pub(crate) audit: bool,

    /// Be the server, whose stdin is a socket of the sampler
    #[arg(long, hide = true)]
    pub(crate) serve: bool,

    /// Read --web.config.file for the server
    #[arg(long, hide = true, requires_all = ["serve", "config_file"])]
    pub(crate) follow_files: bool,
}

/// How metrics are served.
#[derive(Debug, Args)]
#[group(id = "Web", multiple = true)]
pub(crate) struct Web {
    /// Address to listen on; ':PORT' is all (may be repeated)
    #[arg(long = "web.listen-address", value_name = "ADDRESS:PORT", default_value = LISTEN_ADDRESS)]
    pub(crate) listen_addresses: Vec<ListenAddress>,

    /// Path of the metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics", value_parser = telemetry_path)]
    pub(crate) telemetry_path: String,

    /// File with settings of TLS and basic authentication
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,

    /// Listen on the sockets that systemd passes (LISTEN_FDS)
    #[arg(long = "web.systemd-socket", conflicts_with = "listen_addresses")]
    pub(crate) systemd_socket: bool,

    /// User of the server process [default: xenscope or nobody]
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,

    /// Shortest time between two samples, in seconds
    ///
    /// May be fractional. Whoever asks earlier gets the newest sample.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) min_interval: Duration,
}

/// The path of the metrics. It appears in HTML.
fn telemetry_path(text: &str) -> Result<String, &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    match text.strip_prefix('/') {
        Some("" | "healthz") => Err("that is another page's path"),
        Some(_) if text.chars().all(is_plain) => Ok(text.to_owned()),
        _ => Err("use a slash, then letters, digits, and /-_."),
    }
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

/// A vCPU: `db1/0`, or `db1` for its first one.
fn vcpu(text: &str) -> Result<(Selector, u32), String> {
    let (domain, number) = match text.rsplit_once('/') {
        Some((domain, number)) => {
            let number = number.parse();
            (
                domain,
                number.map_err(|_| format!("'{text}' does not end in a number of a vCPU"))?,
            )
        }
        None => (text, 0),
    };
    let domain = domain
        .parse::<Selector>()
        .map_err(|error| error.to_string())?;
    Ok((domain, number))
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

/// How `fields` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FieldsFormat {
    /// For people
    #[default]
    Table,
    /// For documents
    Markdown,
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
    /// One row per domain, vCPU, NIC or disk, below a header
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
    /// Layout of 'xentop -b'
    #[default]
    Xentop,
    /// For people; -v, -x, -n and -p add tables
    Table,
    /// One JSON object per line and sample
    Json,
    /// One row per domain under a header; -v, -x, -n add rows
    Csv,
    /// Metrics with times, for 'promtool tsdb create-blocks-from'
    Openmetrics,
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
            true => Xentop::try_parse_from(words).map(Self::from)?,
            false => Self::try_parse_from(words)?,
        };
        let misplaced = match &cli.command {
            Command::Record(record) if record.span.is_past() && record.export.is_none() => {
                let message = "--from, --since and --until are for --export";
                return Err(Self::command().error(ErrorKind::MissingRequiredArgument, message));
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
