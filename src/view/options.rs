//! What is displayed beyond a line for each domain.

use clap::Args;

/// What to display beyond a line for each domain. Its fields are options of `xenscope top`, which
/// have xentop's names.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DisplayOptions {
    /// Show each domain's NICs below it; CSV has NICs only with this
    #[arg(short, long)]
    pub networks: bool,

    /// Show each domain's disks below it; CSV has disks only with this
    #[arg(short = 'x', long)]
    pub vbds: bool,

    /// Show each domain's vCPUs below it; JSON and CSV have vCPUs only with this
    #[arg(short, long)]
    pub vcpus: bool,

    /// Show the pCPUs: below the domains with -b, else instead of them until P is pressed; JSON has
    /// them always, and for CSV there is 'xenscope host'
    #[arg(short, long)]
    pub pcpus: bool,

    /// Repeat the heading above each domain: on the screen and in xentop's layout
    #[arg(short, long)]
    pub repeat_header: bool,

    /// Show names whole: not only their first ten columns in xentop's layout, on the screen and in
    /// tables at other columns' cost
    #[arg(short, long)]
    pub full_name: bool,

    /// Show dom0 first, whatever the order of the others
    #[arg(short = 'z', long)]
    pub dom0_first: bool,
}

impl DisplayOptions {
    /// All that belongs to a domain.
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
