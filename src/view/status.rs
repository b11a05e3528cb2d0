//! The details of a domain: a paragraph, and tables of its vCPUs, disks and NICs.

use super::Sample;
use super::domain::{
    SCHEDULER_NOT_RECORDED, memory, pair, scheduling, served, state, target, uuid,
};
use super::pressure as words;
use super::table::{Align, Head, Table};
use super::vcpus;
use crate::pressure;
use crate::rates::Rate;
use crate::sample::{DiskSample, DomainSample, NicSample};
use crate::snapshot::{DiskCounter, Identity, NicCounter, Snapshot};
use crate::text::{UNKNOWN, or_unknown, safe};
use crate::units::{kib_per_second, mib, tenths};

/// Formats a section for each domain of the sample, at most `width` columns wide if texts can be
/// shortened. `all` has the names of all domains, also of those that are not in the sample.
pub fn sections(
    sample: Sample<'_>,
    wanted: &[Identity],
    all: &Snapshot,
    width: Option<usize>,
) -> String {
    let sections: Vec<String> = sample
        .in_order(wanted)
        .into_iter()
        .map(|one| section(sample, one, all, width))
        .collect();
    sections.join("\n")
}

fn section(
    sample: Sample<'_>,
    one: DomainSample<'_>,
    all: &Snapshot,
    width: Option<usize>,
) -> String {
    let mut out = paragraph(sample, one, all);
    let mut add = |table: Table| {
        if !table.is_empty() {
            out.push('\n');
            out.push_str(&table.render(width));
        }
    };
    let vcpus = one.vcpus().into_iter().flatten();
    let vcpus = vcpus.map(|one| vcpus::cells(one.vcpu, one.cpu_percent));
    let disks = one.disks().into_iter().flatten();
    let nics = one.nics().into_iter().flatten();
    add(Table::of(&vcpus::HEADS, vcpus));
    add(Table::of(&DISK, disks.map(|disk| self::disk(disk, all))));
    add(Table::of(&NIC, nics.map(|nic| self::nic(nic, all))));
    out
}

fn paragraph(sample: Sample<'_>, one: DomainSample<'_>, all: &Snapshot) -> String {
    let DomainSample { domain, rates, .. } = one;
    let interval_ns = sample.rates.interval_ns;
    let name = safe(domain.name.as_deref().unwrap_or(UNKNOWN));
    let share =
        |figure: Option<Rate>| or_unknown(figure, |figure| format!("{:.1} %", figure.value));
    let over =
        interval_ns.map_or_else(String::new, |ns| format!(", over {:.2} s", ns as f64 / 1e9));
    let is_known = sample.snapshot.collected.scheduling;
    let scheduled = scheduling(domain, (!is_known).then_some(SCHEDULER_NOT_RECORDED));
    let mut lines = vec![
        ("uuid", uuid(domain)),
        ("type", domain.kind.to_string()),
        ("state", state(domain)),
        (
            "cpu",
            format!(
                "{} of one pCPU, {} of its vCPUs{over}",
                share(rates.cpu_percent),
                share(rates.cpu_percent_of_vcpus),
            ),
        ),
        (
            "cpu time",
            format!("{:.3} s", domain.cpu_time_ns as f64 / 1e9),
        ),
        (
            "vcpus",
            format!("{} online of {}", domain.vcpus_online, domain.vcpus_max),
        ),
        ("memory", memory(domain, mib)),
        ("scheduler", scheduled),
    ];
    // The sample may have only the domains that were asked for.
    let among = DomainSample {
        snapshot: all,
        ..one
    };
    for (number, reason) in pressure::reasons(sample, among).iter().enumerate() {
        let label = if number == 0 { "suffers" } else { "" };
        lines.push((label, words::reason(reason)));
    }
    lines.extend(target(domain, all).map(|target| ("serves", target)));
    let mut out = format!("{name} (domain {})\n", domain.id);
    for (label, value) in lines {
        out.push_str(&format!("  {label:<10}{value}\n"));
    }
    out
}

/// The columns of a disk. A narrow line leaves out the last ones.
pub(super) const DISK: [Head; 11] = [
    ("DISK", Align::Yielding),
    ("BACKEND", Align::Left),
    ("READ/S", Align::Right),
    ("WRITE/S", Align::Right),
    ("LATENCY", Align::Right),
    ("NO SLOTS", Align::Right),
    ("READS/S", Align::Right),
    ("WRITES/S", Align::Right),
    ("ERRORS", Align::Right),
    ("READ", Align::Right),
    ("WRITTEN", Align::Right),
];

/// The counters in the cells of a disk.
pub(super) const DISK_COUNTERS: [DiskCounter; 8] = [
    DiskCounter::ReadBytes,
    DiskCounter::WriteBytes,
    DiskCounter::ReadRequests,
    DiskCounter::WriteRequests,
    DiskCounter::Errors,
    DiskCounter::ReadTime,
    DiskCounter::WriteTime,
    DiskCounter::OutOfSlots,
];

/// Returns the cells of a disk. `all` has the names of all domains.
pub(super) fn disk(DiskSample { disk, rates }: DiskSample<'_>, all: &Snapshot) -> Vec<String> {
    let count = |count: Option<u64>| or_unknown(count, |count| count.to_string());
    vec![
        safe(&disk.device).into_owned(),
        served(disk.backend.name(), disk.backend_domain, all),
        kib_per_second(rates[DiskCounter::ReadBytes]),
        kib_per_second(rates[DiskCounter::WriteBytes]),
        latency(rates.read_latency_ns, rates.write_latency_ns),
        count(disk[DiskCounter::OutOfSlots]),
        tenths(rates[DiskCounter::ReadRequests]),
        tenths(rates[DiskCounter::WriteRequests]),
        count(disk[DiskCounter::Errors]),
        or_unknown(disk[DiskCounter::ReadBytes], mib),
        or_unknown(disk[DiskCounter::WriteBytes], mib),
    ]
}

/// Formats the mean times of reads and of writes.
pub(super) fn latency(read_ns: Option<f64>, write_ns: Option<f64>) -> String {
    let ms = |ns: Option<f64>| or_unknown(ns, |ns| format!("{:.2}", ns / 1e6));
    format!("{}/{} ms", ms(read_ns), ms(write_ns))
}

/// The columns of a NIC, in the same order as a disk's. If a cell has two figures, the first is for
/// what the guest received.
pub(super) const NIC: [Head; 10] = [
    ("NIC", Align::Right),
    ("DEVICE", Align::Yielding),
    ("RECEIVE/S", Align::Right),
    ("SEND/S", Align::Right),
    ("PACKETS/S", Align::Right),
    ("ERRORS", Align::Right),
    ("DROPS", Align::Right),
    ("RECEIVED", Align::Right),
    ("SENT", Align::Right),
    ("MAC", Align::Left),
];

/// Returns the cells of a NIC. `all` has the names of all domains.
pub(super) fn nic(NicSample { nic, rates }: NicSample<'_>, all: &Snapshot) -> Vec<String> {
    vec![
        nic.id.to_string(),
        served(&nic.device, nic.backend_domain, all),
        kib_per_second(rates[NicCounter::RxBytes]),
        kib_per_second(rates[NicCounter::TxBytes]),
        format!(
            "{}/{}",
            tenths(rates[NicCounter::RxPackets]),
            tenths(rates[NicCounter::TxPackets])
        ),
        pair(nic[NicCounter::RxErrors], nic[NicCounter::TxErrors]),
        pair(nic[NicCounter::RxDrops], nic[NicCounter::TxDrops]),
        or_unknown(nic[NicCounter::RxBytes], mib),
        or_unknown(nic[NicCounter::TxBytes], mib),
        safe(nic.mac.as_deref().unwrap_or(UNKNOWN)).into_owned(),
    ]
}
