//! The vCPUs, NICs and disks of a domain, in lines below it.

use crate::rates::{DiskRates, DomainRates, NicRates, Rate};
use crate::snapshot::{Collect, Disk, DiskCounter, Domain, Nic, NicCounter, Vcpu};
use crate::text::{or_unknown, safe};
use crate::units;
use crate::view::DisplayOptions;
use crate::view::domain::pair;

/// The counters in the line of a disk.
const DISK_COUNTERS: [DiskCounter; 5] = [
    DiskCounter::ReadBytes,
    DiskCounter::ReadRequests,
    DiskCounter::WriteBytes,
    DiskCounter::WriteRequests,
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
pub(super) fn lines(domain: &Domain, rates: &DomainRates, display: DisplayOptions) -> Vec<String> {
    let mut lines = Vec::new();
    if display.vcpus {
        let vcpus = domain.vcpus.iter().flatten().zip(&rates.vcpu_percent);
        lines.extend(vcpus.map(|(one, &percent)| vcpu(one, percent)));
    }
    if display.networks {
        let nics = domain.nics.iter().flatten().zip(&rates.nics);
        lines.extend(nics.map(|(one, rates)| nic(one, rates)));
    }
    if display.vbds {
        let disks = domain.disks.iter().flatten().zip(&rates.disks);
        lines.extend(disks.map(|(one, rates)| disk(one, rates)));
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

fn vcpu(vcpu: &Vcpu, percent: Option<Rate>) -> String {
    format!(
        "vcpu {:<3} {:<8} {:>5} % on pCPU {:<3} {:>10.1} s",
        vcpu.id,
        vcpu.state,
        units::percent(percent),
        or_unknown(vcpu.pcpu, |pcpu| pcpu.to_string()),
        vcpu.cpu_time_ns as f64 / 1e9,
    )
}

fn nic(nic: &Nic, rates: &NicRates) -> String {
    let bytes = |bytes: Option<u64>| or_unknown(bytes, |bytes| units::bytes(bytes as f64));
    format!(
        "nic  {:<3} {:<8} rx {:>5}/s of {:>5}  tx {:>5}/s of {:>5}  err {}  drop {}",
        nic.id,
        safe(&nic.device),
        units::rate(rates[NicCounter::RxBytes]),
        bytes(nic[NicCounter::RxBytes]),
        units::rate(rates[NicCounter::TxBytes]),
        bytes(nic[NicCounter::TxBytes]),
        pair(nic[NicCounter::RxErrors], nic[NicCounter::TxErrors]),
        pair(nic[NicCounter::RxDrops], nic[NicCounter::TxDrops]),
    )
}

fn disk(disk: &Disk, rates: &DiskRates) -> String {
    format!(
        "disk {:<4} {:<7} read {:>5}/s in {:>5}/s  written {:>5}/s in {:>5}/s  errors {}",
        safe(&disk.device),
        disk.backend,
        units::rate(rates[DiskCounter::ReadBytes]),
        units::count(rates[DiskCounter::ReadRequests]),
        units::rate(rates[DiskCounter::WriteBytes]),
        units::count(rates[DiskCounter::WriteRequests]),
        or_unknown(disk[DiskCounter::Errors], |errors| errors.to_string()),
    )
}
