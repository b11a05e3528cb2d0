//! What each command does with what a feed hands out, and where the running host becomes a feed.

pub(crate) mod audit;
pub(crate) mod compare;
pub(crate) mod events;
pub(crate) mod fields;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod manual;
pub(crate) mod measured;
mod output;
pub(crate) mod top;

use crate::cli::{Cli, Command};
use crate::exit::Outcome;
use output::Output;

/// Runs the command.
///
/// # Errors
/// What [`report`](crate::exit::report) tells about.
pub(crate) fn run(cli: &Cli) -> anyhow::Result<Outcome> {
    let allow_untested = cli.allow_untested_xen;
    let out = &mut Output::stdout();
    match &cli.command {
        Command::List(options) => list::run(options, allow_untested, out),
        Command::Status(options) => measured::status(options, allow_untested, out),
        Command::Vcpus(options) => measured::vcpus(options, allow_untested, out),
        Command::Host(options) => measured::host(options, allow_untested, out),
        Command::Compare(options) => compare::run(options, allow_untested, out),
        Command::Top(options) => top::run(options, allow_untested, out),
        Command::Audit(options) => audit::run(options, allow_untested, out),
        Command::Events(options) => events::run(options, allow_untested),
        Command::Man(options) => manual::man(options, out),
        Command::Fields(options) => fields::run(options, out),
        Command::Completions { shell } => manual::completions(*shell, out),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use clap::Parser;
    use xenscope::snapshot::Collect;

    use super::*;
    use crate::cli::{Cli, Command, Format};

    /// Fields as docs/json.md has them, and whether a sample that collects this has them.
    type Row = (&'static str, fn(Collect) -> bool);

    /// What the samples of `top` with these options hold.
    fn of_top(options: &[&str]) -> Collect {
        let words = ["xenscope", "top", "-b", "--format", "json"];
        match Cli::parse_from(words.iter().chain(options)).command {
            Command::Top(options) => top::collect(&options),
            _ => panic!("not top"),
        }
    }

    #[test]
    fn the_docs_say_which_command_fills_which_fields() {
        let rows: [Row; 7] = [
            (
                "`memory_target_bytes`, `memory_static_max_bytes`",
                |collect| collect.targets && collect.details,
            ),
            (
                "`scheduler`, `weight`, `cap_percent`, `period_ns`, `budget_ns`, `extra_time`",
                |collect| collect.scheduling,
            ),
            ("`vcpus`", |collect| collect.vcpus),
            ("`vcpus[].hard_affinity`, `.soft_affinity`", |collect| {
                collect.affinities
            }),
            ("`nics`, `disks`", |collect| collect.nics && collect.disks),
            ("`nics[].mac`", |collect| collect.macs),
            (
                "`host.nodes`, `.pools`, `.build`, `.dom0`, and `.socket`, `.core`, `.node`, \
                 `.pool` of `host.pcpu[]`",
                |collect| collect.host,
            ),
        ];
        let commands = [
            list::collect(Format::Json),
            measured::status_collect(),
            measured::vcpus_collect(),
            measured::host_collect(),
            of_top(&[]),
        ];
        let mut expected = String::new();
        for (fields, holds) in rows {
            let mut cells = commands.map(|collect| if holds(collect) { "yes" } else { "" });
            if !holds(of_top(&[])) && holds(of_top(&["-v"])) {
                cells[4] = "with `-v`";
            }
            expected.push_str(&format!("| {fields} | {} |\n", cells.join(" | ")));
        }
        let docs = include_str!("../../docs/json.md");
        assert!(docs.contains(&expected), "docs/json.md lacks\n{expected}");
    }
}
