//! All about a domain: a paragraph, and a table each of its vCPUs, disks and NICs.

use super::Sample;
use super::table::{Align, Table};
use super::text::{UNKNOWN, kib_per_second, mib, or_unknown, percent, safe};
use super::vcpus;
use crate::rates::{DiskRates, DomainRates, Measured, NicRates};
use crate::snapshot::{Disk, Domain, Nic};

/// One section for each domain of the sample, at most `width` columns wide where texts can give
/// way.
pub fn sections(sample: Sample<'_>, width: Option<usize>) -> String {
    let sections: Vec<String> = sample
        .domains()
        .map(|(domain, rates)| section(domain, rates, sample.rates.interval_ns, width))
        .collect();
    sections.join("\n")
}

fn section(
    domain: &Domain,
    rates: &DomainRates,
    interval_ns: Option<u64>,
    width: Option<usize>,
) -> String {
    let mut out = paragraph(domain, rates, interval_ns);
    let mut add = |table: Table| {
        if !table.is_empty() {
            out.push('\n');
            out.push_str(&table.render(width));
        }
    };
    let mut cpus = vcpus::table();
    for (vcpu, percent) in domain.vcpus.iter().flatten().zip(&rates.vcpu_percent) {
        cpus.row(vcpus::cells(domain, vcpu, *percent));
    }
    add(cpus);
    add(disks(&domain.disks, &rates.disks));
    add(nics(&domain.nics, &rates.nics));
    out
}

fn paragraph(domain: &Domain, rates: &DomainRates, interval_ns: Option<u64>) -> String {
    let name = safe(domain.name.as_deref().unwrap_or(UNKNOWN));
    let state = match domain.states.shutdown {
        Some(reason) => format!("{} ({reason})", domain.states.summary()),
        None => domain.states.summary().to_string(),
    };
    let uuid = match domain.store_uuid {
        Some(other) if other != domain.uuid => {
            format!("{} (XenStore has {other})", domain.uuid)
        }
        _ => domain.uuid.to_string(),
    };
    let share =
        |figure: Option<Measured>| or_unknown(figure, |figure| format!("{:.1} %", figure.value));
    let over =
        interval_ns.map_or_else(String::new, |ns| format!(", over {:.2} s", ns as f64 / 1e9));
    let lines = [
        ("uuid", uuid),
        ("type", domain.kind.to_string()),
        ("state", state),
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
        ("memory", memory(domain)),
        (
            "scheduler",
            format!(
                "{}, in pool {}",
                or_unknown(domain.scheduling, |scheduling| scheduling.to_string()),
                domain.pool
            ),
        ),
    ];
    let mut out = format!("{name} (domain {})\n", domain.id);
    for (label, value) in lines {
        out.push_str(&format!("  {label:<10}{value}\n"));
    }
    out
}

fn memory(domain: &Domain) -> String {
    let mut out = format!(
        "{} used, ceiling {}, target {}, maximum {}",
        mib(domain.memory_bytes),
        domain
            .memory_max_bytes
            .map_or_else(|| "none".to_owned(), mib),
        or_unknown(domain.memory_target_bytes, mib),
        or_unknown(domain.memory_static_max_bytes, mib),
    );
    // Rare, and of no interest where they are nothing.
    for (bytes, what) in [
        (domain.memory_claimed_bytes, "claimed"),
        (domain.memory_shared_bytes, "shared"),
        (domain.memory_paged_bytes, "paged out"),
    ] {
        if bytes > 0 {
            out.push_str(&format!(", {} {what}", mib(bytes)));
        }
    }
    out
}

fn disks(disks: &Option<Vec<Disk>>, rates: &[DiskRates]) -> Table {
    let mut table = Table::new(&[
        ("DISK", Align::Left),
        ("BACKEND", Align::Left),
        ("READ", Align::Right),
        ("WRITTEN", Align::Right),
        ("READ/S", Align::Right),
        ("WRITE/S", Align::Right),
        ("READS/S", Align::Right),
        ("WRITES/S", Align::Right),
        ("READ TIME", Align::Right),
        ("WRITE TIME", Align::Right),
        ("NO SLOT", Align::Right),
        ("ERRORS", Align::Right),
    ]);
    let count = |count: Option<u64>| or_unknown(count, |count| count.to_string());
    let latency = |ns: Option<f64>| or_unknown(ns, |ns| format!("{:.2} ms", ns / 1e6));
    for (disk, rates) in disks.iter().flatten().zip(rates) {
        table.row(vec![
            safe(&disk.device).into_owned(),
            disk.backend.to_string(),
            or_unknown(disk.read_bytes, mib),
            or_unknown(disk.write_bytes, mib),
            kib_per_second(rates.read_bytes),
            kib_per_second(rates.write_bytes),
            percent(rates.read_requests),
            percent(rates.write_requests),
            latency(rates.read_latency_ns),
            latency(rates.write_latency_ns),
            count(disk.out_of_slots),
            count(disk.errors),
        ]);
    }
    table
}

fn nics(nics: &Option<Vec<Nic>>, rates: &[NicRates]) -> Table {
    let mut table = Table::new(&[
        ("NIC", Align::Right),
        ("DEVICE", Align::Left),
        ("MAC", Align::Left),
        ("RECEIVED", Align::Right),
        ("SENT", Align::Right),
        ("RECEIVE/S", Align::Right),
        ("SEND/S", Align::Right),
        ("ERRORS", Align::Right),
        ("DROPS", Align::Right),
    ]);
    let both = |rx: Option<u64>, tx: Option<u64>| {
        let show = |count: Option<u64>| or_unknown(count, |count| count.to_string());
        format!("{}/{}", show(rx), show(tx))
    };
    for (nic, rates) in nics.iter().flatten().zip(rates) {
        table.row(vec![
            nic.id.to_string(),
            safe(&nic.device).into_owned(),
            safe(nic.mac.as_deref().unwrap_or(UNKNOWN)).into_owned(),
            or_unknown(nic.rx_bytes, mib),
            or_unknown(nic.tx_bytes, mib),
            kib_per_second(rates.rx_bytes),
            kib_per_second(rates.tx_bytes),
            both(nic.rx_errors, nic.tx_errors),
            both(nic.rx_drops, nic.tx_drops),
        ]);
    }
    table
}
