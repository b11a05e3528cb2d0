//! What each command does: sample, wait, hand the sample to a view, print.

pub(crate) mod audit;
pub(crate) mod compare;
pub(crate) mod events;
pub(crate) mod fields;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod manual;
pub(crate) mod measured;
pub(crate) mod top;

use std::io::{self, Write};
use std::mem::discriminant;

use terminal_size::{Width, terminal_size_of};
use xenscope::snapshot::Note;

use crate::exit::complain;

/// Writes a whole sample to stdout at once.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// What could not be read, told on stderr: once for as long as it lasts, of a device too.
#[derive(Debug, Default)]
struct Notes {
    said: Vec<Note>,
}

impl Notes {
    fn tell(&mut self, notes: &[Note]) {
        for note in notes {
            let device = |note: &Note| match note {
                Note::CountersUnreadable { device, .. } => Some(device.clone()),
                _ => None,
            };
            let same = |said: &Note| {
                discriminant(said) == discriminant(note) && device(said) == device(note)
            };
            if !self.said.iter().any(same) {
                complain(note);
            }
        }
        self.said = notes.to_vec();
    }
}

/// The width of the terminal that stdout is; `None` when it is none.
fn terminal_width() -> Option<usize> {
    let (Width(width), _) = terminal_size_of(io::stdout())?;
    Some(usize::from(width))
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
                "`paging_pool_bytes`, `scheduler`, `weight`, `cap_percent`, `period_ns`, `budget_ns`, `extra_time`",
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
