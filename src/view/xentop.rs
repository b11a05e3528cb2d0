//! The layout of `xentop -b`, so that scripts made for it keep working.
//!
//! Columns, widths and order are xentop's (seen on 4.17 and 4.20). Three things differ, all for
//! the better: the first block is measured, nameless domains are there, and VCPUS counts the
//! vCPUs that are online.

use super::Sample;
use super::text::{UNKNOWN, cut, safe};
use crate::rates::DomainRates;
use crate::snapshot::{Domain, ShutdownReason, States};

/// The heading and the width of each column.
const COLUMNS: [(&str, usize); 9] = [
    ("NAME", 10),
    ("STATE", 6),
    ("CPU(sec)", 10),
    ("CPU(%)", 6),
    ("MEM(k)", 10),
    ("MEM(%)", 6),
    ("MAXMEM(k)", 10),
    ("MAXMEM(%)", 9),
    ("VCPUS", 5),
];

/// One block: the heading, and a line for each domain, in the order of their names as xentop has
/// it.
pub fn block(sample: Sample<'_>) -> String {
    let mut out = line(COLUMNS.map(|(head, _)| head.to_owned()));
    let mut domains: Vec<_> = sample.domains().collect();
    domains.sort_by_key(|(domain, _)| {
        let name = domain.name.as_deref().map(str::to_ascii_lowercase);
        (name.is_none(), name, domain.id)
    });
    for (domain, rates) in domains {
        out.push_str(&row(domain, rates, sample.snapshot.host.memory_bytes));
    }
    out
}

fn row(domain: &Domain, rates: &DomainRates, host_bytes: u64) -> String {
    let share = |bytes: u64| format!("{:.1}", 100.0 * bytes as f64 / host_bytes as f64);
    let kib = |bytes: u64| (bytes / 1024).to_string();
    let name = safe(domain.name.as_deref().unwrap_or(UNKNOWN));
    let percent = rates.cpu_percent;
    let ceiling = domain.memory_max_bytes;
    line([
        cut(&name, COLUMNS[0].1).to_owned(),
        letters(domain.states),
        (domain.cpu_time_ns / 1_000_000_000).to_string(),
        percent.map_or_else(|| UNKNOWN.into(), |figure| format!("{:.1}", figure.value)),
        kib(domain.memory_bytes),
        share(domain.memory_bytes),
        ceiling.map_or_else(|| "no limit".into(), kib),
        ceiling.map_or_else(|| "n/a".into(), share),
        domain.vcpus_online.to_string(),
    ])
}

/// Cells, right-aligned in their columns, one space apart.
fn line(cells: [String; COLUMNS.len()]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .zip(COLUMNS)
        .map(|(cell, (_, width))| {
            let padding = width.saturating_sub(super::text::columns(cell));
            format!("{}{cell}", " ".repeat(padding))
        })
        .collect();
    cells.join(" ") + "\n"
}

/// xentop's six letters, one for each state that holds.
fn letters(states: States) -> String {
    let crashed = states.shutdown == Some(ShutdownReason::Crash);
    [
        (states.dying, 'd'),
        (states.shutdown.is_some() && !crashed, 's'),
        (states.blocked, 'b'),
        (crashed, 'c'),
        (states.paused, 'p'),
        (states.running, 'r'),
    ]
    .into_iter()
    .map(|(holds, letter)| if holds { letter } else { '-' })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctored::{SECOND, domain, snapshot};
    use crate::rates::Rates;

    #[test]
    fn the_layout_is_xentops() {
        let mut shell = domain(7, "", 3 * SECOND, 0);
        shell.name = None;
        shell.memory_max_bytes = None;
        shell.states = States {
            paused: true,
            shutdown: Some(ShutdownReason::Crash),
            ..States::default()
        };
        let old = snapshot(0, 0, vec![domain(9, "web-server-01", 0, 0)]);
        let new = snapshot(
            3 * SECOND,
            0,
            vec![
                shell,
                domain(9, "web-server-01", 3 * SECOND, 2 * SECOND),
                domain(11, "Abc", 0, 0),
            ],
        );
        let sample = Sample {
            snapshot: &new,
            rates: &Rates::between(Some(&old), &new),
        };
        assert_eq!(
            block(sample),
            "      NAME  STATE   CPU(sec) CPU(%)     MEM(k) MEM(%)  MAXMEM(k) MAXMEM(%) VCPUS\n       \
                    Abc --b---          0      -     131072    3.1     132096       3.1     1\n\
             web-server --b---          2   66.7     131072    3.1     132096       3.1     1\n         \
                      - ---cp-          0      -     131072    3.1   no limit       n/a     1\n"
        );
    }
}
