//! Options for displaying more than a line for each domain.

use clap::Args;

/// What to display beyond a line for each domain. Its fields are options of `xenscope top`, which
/// have xentop's names.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DisplayOptions {
    /// Show each domain's NICs (in CSV only with this)
    #[arg(short, long)]
    pub networks: bool,

    /// Show each domain's disks (in CSV only with this)
    #[arg(short = 'x', long)]
    pub vbds: bool,

    /// Show each domain's vCPUs (in JSON, CSV only with this)
    #[arg(short, long)]
    pub vcpus: bool,

    /// Show the pCPUs
    ///
    /// With -b they are below the domains, without it they are shown instead of them until P is
    /// pressed. JSON always has them; for CSV use 'xenscope host'.
    #[arg(short, long)]
    pub pcpus: bool,

    /// Repeat the heading above each domain
    ///
    /// In the live view and in xentop's layout.
    #[arg(short, long)]
    pub repeat_header: bool,

    /// Show full names
    ///
    /// xentop's layout shows only the first ten columns of a name without this. In the live view
    /// and in tables, other columns get less room.
    #[arg(short, long)]
    pub full_name: bool,

    /// Show dom0 first, before the sorted other domains
    #[arg(short = 'z', long)]
    pub dom0_first: bool,
}

impl DisplayOptions {
    /// All parts of a domain.
    pub const PARTS: Self = Self {
        networks: true,
        vbds: true,
        vcpus: true,
        pcpus: false,
        repeat_header: false,
        full_name: false,
        dom0_first: false,
    };
}
