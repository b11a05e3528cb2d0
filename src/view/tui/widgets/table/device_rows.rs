//! The vCPUs, NICs and disks of a domain, in lines below it.

use crate::rates::{DiskRates, NicRates};
use crate::sample::{DiskSample, DomainSample, NicSample, VcpuSample};
use crate::snapshot::{Collect, DiskCounter, Domain, NicCounter, Snapshot};
use crate::text::{or_unknown, safe};
use crate::units;
use crate::view::DisplayOptions;
use crate::view::domain::{pair, served};

/// The counters in the line of a disk.
const DISK_COUNTERS: [DiskCounter; 8] = [
    DiskCounter::ReadBytes,
    DiskCounter::ReadRequests,
    DiskCounter::ReadTime,
    DiskCounter::WriteBytes,
    DiskCounter::WriteRequests,
    DiskCounter::WriteTime,
    DiskCounter::OutOfSlots,
    DiskCounter::Errors,
];

/// Returns what a sample must collect for the lines.
pub(in crate::view::tui) fn collect(display: DisplayOptions) -> Collect {
    let vcpus = Collect {
        vcpus: display.vcpus,
        ..Collect::NOTHING
    };
    match display.vbds {
        true => vcpus.with_disk_counters(&DISK_COUNTERS),
        false => vcpus,
    }
}

/// Returns the lines below a domain, in the order of xentop.
pub(super) fn lines(domain: DomainSample<'_>, display: DisplayOptions) -> Vec<String> {
    let mut lines = Vec::new();
    if display.vcpus {
        lines.extend(domain.vcpus().into_iter().flatten().map(vcpu));
    }
    if display.networks {
        let nics = domain.nics().into_iter().flatten();
        lines.extend(nics.map(|one| nic(one, domain.snapshot)));
    }
    if display.vbds {
        let disks = domain.disks().into_iter().flatten();
        lines.extend(disks.map(|one| disk(one, domain.snapshot)));
    }
    lines
}

/// Returns the number of lines that [`lines`] returns.
pub(super) fn count(domain: &Domain, display: DisplayOptions) -> usize {
    let count = |shown: bool, count: Option<usize>| match shown {
        true => count.unwrap_or(0),
        false => 0,
    };
    count(display.vcpus, domain.vcpus.as_ref().map(Vec::len))
        + count(display.networks, domain.nics.as_ref().map(Vec::len))
        + count(display.vbds, domain.disks.as_ref().map(Vec::len))
}

fn vcpu(
    VcpuSample {
        vcpu, cpu_percent, ..
    }: VcpuSample<'_>,
) -> String {
    format!(
        "vcpu {:<3} {:<8} {:>5} % on pCPU {:<3} {:>10.1} s",
        vcpu.id,
        vcpu.state,
        units::percent(cpu_percent),
        or_unknown(vcpu.pcpu, |pcpu| pcpu.to_string()),
        vcpu.cpu_time_ns as f64 / 1e9,
    )
}

fn nic(NicSample { nic, rates }: NicSample<'_>, snapshot: &Snapshot) -> String {
    let bytes = |bytes: Option<u64>| or_unknown(bytes, |bytes| units::bytes(bytes as f64));
    // What hurts is first: a narrow screen cuts the end.
    format!(
        "nic  {:<3} {:<8} drop {}/s of {}  err {}  rx {:>5}/s  tx {:>5}/s  in all {}/{}",
        nic.id,
        served(&nic.device, nic.backend_domain, snapshot),
        drops(rates),
        pair(nic[NicCounter::RxDrops], nic[NicCounter::TxDrops]),
        pair(nic[NicCounter::RxErrors], nic[NicCounter::TxErrors]),
        units::rate(rates[NicCounter::RxBytes]),
        units::rate(rates[NicCounter::TxBytes]),
        bytes(nic[NicCounter::RxBytes]),
        bytes(nic[NicCounter::TxBytes]),
    )
}

fn disk(DiskSample { disk, rates }: DiskSample<'_>, snapshot: &Snapshot) -> String {
    format!(
        "disk {:<4} {:<7} err {}  no slot {}/s  {}  rd {:>5}/s  wr {:>5}/s  in {}/{} requests/s",
        safe(&disk.device),
        served(disk.backend.name(), disk.backend_domain, snapshot),
        or_unknown(disk[DiskCounter::Errors], |errors| errors.to_string()),
        units::count(rates[DiskCounter::OutOfSlots]),
        latency(rates),
        units::rate(rates[DiskCounter::ReadBytes]),
        units::rate(rates[DiskCounter::WriteBytes]),
        units::count(rates[DiskCounter::ReadRequests]),
        units::count(rates[DiskCounter::WriteRequests]),
    )
}

/// Formats the dropped packets per second of a NIC, received and sent.
pub(in crate::view::tui) fn drops(rates: &NicRates) -> String {
    let [rx, tx] = [NicCounter::RxDrops, NicCounter::TxDrops].map(|counter| rates[counter]);
    format!("{}/{}", units::count(rx), units::count(tx))
}

/// Formats the mean time of a request of a disk, reading and writing.
pub(in crate::view::tui) fn latency(rates: &DiskRates) -> String {
    let [read, write] = [rates.read_latency_ns, rates.write_latency_ns]
        .map(|ns| or_unknown(ns, |ns| format!("{:.1}", ns / 1e6)));
    format!("{read}/{write} ms")
}
