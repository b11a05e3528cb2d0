//! The commands that check figures, and the host.

use std::time::Duration;

use clap::{Args, ValueEnum};
use xenscope::interval;

use super::formats::{AuditFormat, CompareFormat, DoctorFormat};
use super::past::Span;

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
    /// Of a recording, findings that are alike are shown once, with when they were found. JSON always has all.
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
