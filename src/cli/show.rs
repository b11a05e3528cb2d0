//! The commands that show a sample.

use std::time::Duration;

use clap::Args;
use xenscope::interval;
use xenscope::selector::Selector;

use super::formats::Format;
use super::past::{Moment, Span};

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) moment: Moment,

    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
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

impl Waits {
    /// The option that the format has no place for; `None` when there is none.
    pub(super) fn misplaced(&self) -> Option<&'static str> {
        let in_table = self.format == Format::Table;
        (self.timeline.is_some() && !in_table).then_some("--timeline")
    }
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
