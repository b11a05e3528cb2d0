//! Who waited for a pCPU, a line for each vCPU.

use super::table::{Align, Head, Table};
use crate::runstate::Stretch;
use crate::snapshot::VcpuState;
use crate::text::{UNKNOWN, numbers, or_unknown, safe};
use crate::units::nanoseconds;
use crate::waits::{DomainWaits, Occupant, Shares, VcpuWaits, WaitedFor, Waits};

/// The share of the ready time, in per cent, from which a domain is named.
const WORTH_NAMING: f64 = 0.5;

const HEADS: [Head; 14] = [
    ("ID", Align::Right),
    ("NAME", Align::Yielding),
    ("VCPU", Align::Right),
    ("READY %", Align::Right),
    ("THR %", Align::Right),
    ("RUN %", Align::Right),
    ("WAITED FOR", Align::Kept),
    ("LONGEST", Align::Right),
    ("P99", Align::Right),
    ("MEAN", Align::Right),
    ("WAITS/S", Align::Right),
    ("BLOCKED %", Align::Right),
    ("MOVES/S", Align::Right),
    ("PCPUS", Align::Yielding),
];

/// The place of the column `BLOCKED %`.
const BLOCKED: usize = 11;

/// Formats the table of `xenscope waits`, at most `width` columns wide if texts can be shortened.
pub fn lines(waits: &Waits, width: Option<usize>) -> String {
    let rows = waits.domains.iter().flat_map(|domain| {
        let vcpus = domain.vcpus.iter().flatten();
        let together = together(domain);
        let vcpus = vcpus.map(move |vcpu| cells(domain, vcpu));
        together.into_iter().chain(vcpus)
    });
    Table::of(&HEADS, rows).render(width)
}

/// Returns the line of a domain of which more is known than of its vCPUs.
fn together(domain: &DomainWaits) -> Option<Vec<String>> {
    let mut vcpus = domain.vcpus.iter().flatten();
    let lacks = domain.vcpus.is_none() || vcpus.any(|vcpu| vcpu.waited_for.domains.is_none());
    let is_known = domain.shares.ready_percent.is_some();
    (lacks && is_known).then(|| {
        let mut cells = first_cells(domain, "all", &domain.shares, &domain.waited_for);
        // Single waits are known of a vCPU alone.
        cells.resize(BLOCKED, UNKNOWN.to_owned());
        cells.push(tenths(domain.shares.blocked_percent));
        cells.resize(HEADS.len(), UNKNOWN.to_owned());
        cells
    })
}

/// The milliseconds of a line of a timeline.
const LINE_MS: u64 = 100;

/// Formats the last second of a vCPU, 100 ms a line, with a mark for each millisecond: the state that it was in for the
/// longest part of it.
pub fn timeline(stretches: &[Stretch]) -> String {
    let Some(end) = stretches.last().map(|last| last.to_ns) else {
        return String::new();
    };
    let first = stretches.first().map_or(end, |first| first.from_ns);
    let lines = 1000 / LINE_MS;
    let mut text = String::from(
        "# runs   w waits for a pCPU   . blocked   x throttled or paused   ? unknown\n",
    );
    for line in 0..lines {
        let before_end_ms = (lines - line) * LINE_MS;
        let marks = (0..LINE_MS).map(|ms| {
            let ago = (before_end_ms - ms) * 1_000_000;
            match end.checked_sub(ago) {
                Some(from) if from + 1_000_000 > first => mark(stretches, from),
                _ => ' ',
            }
        });
        let marks: String = marks.collect();
        text.push_str(&format!("-{before_end_ms:>4} ms  {}\n", marks.trim_end()));
    }
    text
}

/// Returns the mark of the state that the vCPU was in for the longest part of the millisecond from here on.
fn mark(stretches: &[Stretch], from_ns: u64) -> char {
    let mut marks: Vec<(char, u64)> = Vec::new();
    for stretch in stretches {
        let from = stretch.from_ns.max(from_ns);
        let to = stretch.to_ns.min(from_ns + 1_000_000);
        let mark = match stretch.state {
            Some(VcpuState::Running) => '#',
            Some(VcpuState::Runnable) => 'w',
            Some(VcpuState::Blocked) => '.',
            Some(VcpuState::Offline) => 'x',
            None => '?',
        };
        let ns = to.saturating_sub(from);
        match marks.iter_mut().find(|one| one.0 == mark) {
            Some(one) => one.1 += ns,
            None => marks.push((mark, ns)),
        }
    }
    let longest = marks.into_iter().max_by_key(|one| one.1);
    longest.map_or('?', |one| one.0)
}

fn cells(domain: &DomainWaits, vcpu: &VcpuWaits) -> Vec<String> {
    let id = vcpu.id.to_string();
    let mut cells = first_cells(domain, &id, &vcpu.shares, &vcpu.waited_for);
    cells.extend([
        or_unknown(vcpu.longest_wait_ns, |ns| nanoseconds(ns as f64)),
        or_unknown(vcpu.p99_wait_ns, |ns| nanoseconds(ns as f64)),
        or_unknown(vcpu.mean_wait_ns, nanoseconds),
        tenths(vcpu.waits_per_second),
        tenths(vcpu.shares.blocked_percent),
        tenths(vcpu.moves_per_second),
        or_unknown(vcpu.pcpus.as_deref(), numbers),
    ]);
    cells
}

/// Returns the cells up to for whom it waited. `vcpu` is its number, or says that it is about all of them.
fn first_cells(
    domain: &DomainWaits,
    vcpu: &str,
    shares: &Shares,
    occupants: &WaitedFor,
) -> Vec<String> {
    vec![
        domain.id.to_string(),
        safe(domain.name.as_deref().unwrap_or(UNKNOWN)).into_owned(),
        vcpu.to_owned(),
        tenths(shares.ready_percent),
        tenths(shares.throttled_percent),
        tenths(shares.running_percent),
        waited_for(occupants),
    ]
}

fn tenths(value: Option<f64>) -> String {
    or_unknown(value, |value| format!("{value:.1}"))
}

/// Formats for whom a vCPU waited, such as `batch 52 %, web3 48 %`.
fn waited_for(waited_for: &WaitedFor) -> String {
    let name = |one: &Occupant| match &one.name {
        Some(name) => safe(name).into_owned(),
        None => format!("domain {}", one.id),
    };
    let domains = waited_for.domains.iter().flatten();
    let domains = domains.map(|one| (name(one), Some(one.percent)));
    let others = [
        ("idle pCPUs".to_owned(), waited_for.idle_percent),
        ("unknown".to_owned(), waited_for.unknown_percent),
    ];
    let named = domains.chain(others).filter_map(|(name, percent)| {
        let percent = percent.filter(|&percent| percent >= WORTH_NAMING)?;
        Some(format!("{name} {percent:.0} %"))
    });
    named.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waits::tests::waiting;

    #[test]
    fn a_timeline_has_a_mark_for_each_millisecond() {
        use VcpuState::{Blocked, Runnable, Running};
        let mut at = 5_000_000_000;
        let mut stretches = Vec::new();
        for (us, state) in [
            (1_600, Some(Running)),
            (300, Some(Runnable)),
            (600, None),
            (995_000, Some(Blocked)),
            (1_900, Some(Runnable)),
            (1_100, Some(Running)),
        ] {
            let from_ns = at;
            at += us * 1000;
            let to_ns = at;
            stretches.push(Stretch {
                from_ns,
                to_ns,
                state,
            });
        }
        let text = timeline(&stretches);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[1], format!("-1000 ms  #?{}", ".".repeat(98)));
        assert_eq!(lines[10], format!("- 100 ms  {}ww#", ".".repeat(97)));
        // One that was followed for less than a second has no marks before.
        let text = timeline(&stretches[4..]);
        assert!(text.ends_with(&format!("- 100 ms  {}ww#\n", " ".repeat(97))));
        assert_eq!(timeline(&[]), "");
    }

    #[test]
    fn a_narrow_table_keeps_for_whom_it_waited() {
        assert_eq!(HEADS[BLOCKED].0, "BLOCKED %");
        let text = lines(&waiting(), Some(80));
        assert!(
            text.contains("web 25 %, idle pCPUs 50 %, unknown…"),
            "{text}"
        );
        let text = lines(&waiting(), Some(100));
        assert!(text.contains("unknown 25 %        -"), "{text}");
    }

    #[test]
    fn each_vcpu_has_a_line_with_those_it_waited_for() {
        assert_eq!(
            lines(&waiting(), None),
            "ID  NAME      VCPU  READY %  THR %  RUN %  WAITED FOR                               LONGEST     P99     \
             MEAN  WAITS/S  BLOCKED %  MOVES/S  PCPUS\n \
             0  Domain-0     0      4.0      -   20.0  web 25 %, idle pCPUs 50 %, unknown 25 %        -       -        \
             -      0.0       76.0      0.0  0,2\n \
             5  web          0     40.0   20.0   40.0  db 75 %, Domain-0 25 %                    200 ms  200 ms  \
             50.0 ms      8.0        0.0      5.0  1\n \
             5  web          1      0.0    0.0    0.0                                                 -       -        \
             -      0.0        0.0      0.0\n"
        );
    }
}
