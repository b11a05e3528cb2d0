//! `xenscope top`, also under the name `xentop`.

use std::time::Duration;

use clap::builder::ArgPredicate;
use clap::{Args, Parser};
use jiff::Timestamp;
use xenscope::interval;
use xenscope::moment;
use xenscope::view::DisplayOptions;

use super::formats::BatchFormat;
use super::look::Look;
use super::past::Span;

/// Returns the format that `top -b` has if one of these options is given, the first one first. Only xentop's layout has
/// `-r`.
fn usual_formats() -> [(&'static str, ArgPredicate, &'static str); 4] {
    let is_given = ArgPredicate::IsPresent;
    [
        // A flag that is not given is present as well.
        ("repeat_header", "true".into(), "xentop"),
        ("from", is_given.clone(), "table"),
        ("since", is_given.clone(), "table"),
        ("until", is_given, "table"),
    ]
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
    /// May be fractional. Without -b, the default is the interval that W wrote. With -b and a recording,
    /// the default is each sample that was recorded; rates of younger domains are since their first sample.
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

    /// Output format of -b [default: xentop]
    ///
    /// Of a recording, the default is table, because xentop's layout has no times; with -r, it is xentop.
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    #[arg(default_value_ifs = usual_formats(), requires = "batch")]
    pub(crate) format: BatchFormat,
}

/// Show what all domains use, with the options of xentop
///
/// As in xentop, an option may be given again (the last one counts), and a long one may be
/// shortened.
#[derive(Debug, Parser)]
#[command(name = "xentop", version, max_term_width = 100)]
#[command(args_override_self = true, infer_long_args = true)]
pub(super) struct Xentop {
    /// Run on an untested Xen version (known to work: 4.17 to 4.22)
    #[arg(long, display_order = 900)]
    pub(super) allow_untested_xen: bool,

    #[command(flatten)]
    pub(super) top: Top,
}

impl Top {
    /// The option that the format has no place for; `None` when there is none.
    pub(super) fn misplaced(&self) -> Option<&'static str> {
        match self.format {
            BatchFormat::Xentop if self.batch && self.ready => Some("--ready"),
            BatchFormat::Xentop => None,
            _ if self.display.repeat_header => Some("--repeat-header"),
            BatchFormat::Csv if self.display.pcpus => Some("--pcpus"),
            _ => None,
        }
    }
}
