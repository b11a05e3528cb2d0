//! Who waited for a pCPU, a line for each vCPU.

use super::table::{Align, Head, Table};
use crate::text::{UNKNOWN, numbers, or_unknown, safe};
use crate::units::nanoseconds;
use crate::waits::{DomainWaits, Occupant, VcpuWaits, WaitedFor, Waits};

/// The share of the ready time, in per cent, from which a domain is named.
const WORTH_NAMING: f64 = 0.5;

const HEADS: [Head; 14] = [
    ("ID", Align::Right),
    ("NAME", Align::Yielding),
    ("VCPU", Align::Right),
    ("RUN %", Align::Right),
    ("READY %", Align::Right),
    ("BLOCKED %", Align::Right),
    ("THROTTLED %", Align::Right),
    ("WAITS/S", Align::Right),
    ("MEAN", Align::Right),
    ("P99", Align::Right),
    ("LONGEST", Align::Right),
    ("MOVES/S", Align::Right),
    ("PCPUS", Align::Yielding),
    ("WAITED FOR", Align::Yielding),
];

/// Formats the table of `xenscope waits`, at most `width` columns wide if texts can be shortened.
pub fn lines(waits: &Waits, width: Option<usize>) -> String {
    let rows = waits.domains.iter().flat_map(|domain| {
        let vcpus = domain.vcpus.iter().flatten();
        vcpus.map(move |vcpu| cells(domain, vcpu))
    });
    Table::of(&HEADS, rows).render(width)
}

fn cells(domain: &DomainWaits, vcpu: &VcpuWaits) -> Vec<String> {
    let tenths = |value: Option<f64>| or_unknown(value, |value| format!("{value:.1}"));
    let shares = &vcpu.shares;
    vec![
        domain.id.to_string(),
        safe(domain.name.as_deref().unwrap_or(UNKNOWN)).into_owned(),
        vcpu.id.to_string(),
        tenths(shares.running_percent),
        tenths(shares.ready_percent),
        tenths(shares.blocked_percent),
        tenths(shares.throttled_percent),
        tenths(vcpu.waits_per_second),
        or_unknown(vcpu.mean_wait_ns, nanoseconds),
        or_unknown(vcpu.p99_wait_ns, |ns| nanoseconds(ns as f64)),
        or_unknown(vcpu.longest_wait_ns, |ns| nanoseconds(ns as f64)),
        tenths(vcpu.moves_per_second),
        or_unknown(vcpu.pcpus.as_deref(), numbers),
        waited_for(&vcpu.waited_for),
    ]
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
    fn each_vcpu_has_a_line_with_those_it_waited_for() {
        assert_eq!(
            lines(&waiting(), None),
            "ID  NAME      VCPU  RUN %  READY %  BLOCKED %  THROTTLED %  WAITS/S     MEAN     P99  LONGEST  MOVES/S  \
             PCPUS  WAITED FOR\n \
             0  Domain-0     0   20.0      4.0       76.0            -      0.0        -       -        -      0.0  \
             0,2    web 25 %, idle pCPUs 50 %, unknown 25 %\n \
             5  web          0   40.0     40.0        0.0         20.0      8.0  50.0 ms  200 ms   200 ms      5.0  \
             1      db 75 %, Domain-0 25 %\n \
             5  web          1    0.0      0.0        0.0          0.0      0.0        -       -        -      0.0\n"
        );
    }
}
