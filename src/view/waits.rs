//! Who waited for a pCPU, a line for each vCPU.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Align, Head, Table};
use crate::runstate::Stretch;
use crate::snapshot::{DomId, VcpuState};
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
    let names = &Names::of(waits);
    let rows = waits.domains.iter().flat_map(|domain| {
        let vcpus = domain.vcpus.iter().flatten();
        let together = together(domain, names);
        let vcpus = vcpus.map(move |vcpu| cells(domain, vcpu, names));
        together.into_iter().chain(vcpus)
    });
    Table::of(&HEADS, rows).render(width)
}

/// The names in a table, which two domains may have: one that rebooted gets another ID.
struct Names<'a> {
    /// The IDs of each name.
    ids: BTreeMap<&'a str, BTreeSet<DomId>>,
    /// How many domains with rows have a name and an ID: over two boots of the host they may be two.
    rows: BTreeMap<(&'a str, DomId), usize>,
}

impl<'a> Names<'a> {
    fn of(waits: &'a Waits) -> Self {
        let (mut ids, mut rows) = (BTreeMap::<_, BTreeSet<_>>::new(), BTreeMap::new());
        for domain in &waits.domains {
            let vcpus = domain.vcpus.iter().flatten();
            let all = vcpus.map(|vcpu| &vcpu.waited_for);
            let all = all.chain([&domain.waited_for]);
            let occupants = all.flat_map(|all| all.domains.iter().flatten());
            for one in occupants {
                let name = one.name.as_deref();
                let ids = name.map(|name| ids.entry(name).or_default());
                ids.map(|ids| ids.insert(one.id));
            }
            if let Some(name) = domain.name.as_deref() {
                ids.entry(name).or_default().insert(domain.id);
                *rows.entry((name, domain.id)).or_default() += 1;
            }
        }
        Self { ids, rows }
    }

    /// Formats the name of a domain that has rows; with its UUID if another one has the same name and ID.
    fn of_row(&self, domain: &DomainWaits) -> String {
        let name = domain.name.as_deref().unwrap_or(UNKNOWN);
        match self.rows.get(&(name, domain.id)) {
            Some(2..) => format!("{} ({})", safe(name), domain.uuid),
            _ => safe(name).into_owned(),
        }
    }

    /// Formats the name of a domain that had a pCPU; with its ID if others have the same name.
    fn of_occupant(&self, one: &Occupant) -> String {
        let Some(name) = one.name.as_deref() else {
            return format!("domain {}", one.id);
        };
        match self.ids.get(name).is_some_and(|ids| ids.len() > 1) {
            true => format!("{} ({})", safe(name), one.id),
            false => safe(name).into_owned(),
        }
    }
}

/// Returns the line of a domain of which more is known than of its vCPUs.
fn together(domain: &DomainWaits, names: &Names<'_>) -> Option<Vec<String>> {
    let mut vcpus = domain.vcpus.iter().flatten();
    let lacks = domain.vcpus.is_none() || vcpus.any(|vcpu| vcpu.waited_for.domains.is_none());
    let is_known = domain.shares.ready_percent.is_some();
    (lacks && is_known).then(|| {
        let mut cells = first_cells((domain, names), "all", &domain.shares, &domain.waited_for);
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

fn cells(domain: &DomainWaits, vcpu: &VcpuWaits, names: &Names<'_>) -> Vec<String> {
    let id = vcpu.id.to_string();
    let mut cells = first_cells((domain, names), &id, &vcpu.shares, &vcpu.waited_for);
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
    (domain, names): (&DomainWaits, &Names<'_>),
    vcpu: &str,
    shares: &Shares,
    occupants: &WaitedFor,
) -> Vec<String> {
    vec![
        domain.id.to_string(),
        names.of_row(domain),
        vcpu.to_owned(),
        tenths(shares.ready_percent),
        tenths(shares.throttled_percent),
        tenths(shares.running_percent),
        waited_for(occupants, names),
    ]
}

fn tenths(value: Option<f64>) -> String {
    or_unknown(value, |value| format!("{value:.1}"))
}

/// Formats for whom a vCPU waited, such as `batch 52 %, web3 48 %`.
fn waited_for(waited_for: &WaitedFor, names: &Names<'_>) -> String {
    let domains = waited_for.domains.iter().flatten();
    let domains = domains.map(|one| (names.of_occupant(one), Some(one.percent)));
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
    #![allow(clippy::unwrap_used)]

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
    fn domains_of_one_name_are_told_apart() {
        let mut waits = waiting();
        let waited_for = &mut waits.domains[1].vcpus.as_mut().unwrap()[0].waited_for;
        let all = waited_for.domains.as_mut().unwrap();
        all[1].name = all[0].name.clone();
        let text = lines(&waits, None);
        assert!(text.contains(" db (9) 75 %, db (0) 25 %"), "{text}");
        assert!(text.contains(" web 25 %, "), "{text}");
        // Also if only its own lines have the name.
        waits.domains[0].name = waits.domains[1].name.clone();
        let text = lines(&waits, None);
        assert!(text.contains(" web (5) 25 %, "), "{text}");
        // After a reboot of the host, another domain may have the same ID as well.
        waits.domains[0].id = waits.domains[1].id;
        let text = lines(&waits, None);
        for domain in &waits.domains[..2] {
            let name = format!(" 5  web ({})  ", domain.uuid);
            assert!(text.contains(&name), "{text}");
        }
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
