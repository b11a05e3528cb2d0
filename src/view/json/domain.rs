//! Domains, and what belongs to them.

use serde::Serialize;
use uuid::Uuid;

use super::value;
use crate::rates::{DiskRates, DomainRates, NicRates, Rate};
use crate::snapshot::{
    self, DiskBackend, DiskCounter, DomId, DomainState, DomainType, NicCounter, Scheduling,
    ShutdownReason, VcpuState,
};
use crate::view::Sample;

#[derive(Serialize)]
pub(super) struct Domain<'a> {
    #[serde(flatten)]
    figures: Figures<'a>,
    vcpus: Option<Vec<Vcpu<'a>>>,
    nics: Option<Vec<Nic<'a>>>,
    disks: Option<Vec<Disk<'a>>>,
}

/// The single figures of a domain.
#[derive(Default, Serialize)]
struct Figures<'a> {
    id: DomId,
    uuid: Uuid,
    name: Option<&'a str>,
    r#type: DomainType,
    state: DomainState,
    shutdown_reason: Option<ShutdownReason>,
    vcpus_online: u32,
    vcpus_max: u32,
    cpu_time_ns: u64,
    cpu_percent: Option<f64>,
    cpu_percent_of_vcpus: Option<f64>,
    memory_bytes: u64,
    memory_max_bytes: Option<u64>,
    memory_target_bytes: Option<u64>,
    memory_static_max_bytes: Option<u64>,
    memory_claimed_bytes: u64,
    memory_shared_bytes: u64,
    memory_paged_bytes: u64,
    pool: u32,
    scheduler: Option<&'static str>,
    weight: Option<u16>,
    cap_percent: Option<u16>,
    period_ns: Option<u64>,
    budget_ns: Option<u64>,
    extra_time: Option<bool>,
}

#[derive(Default, Serialize)]
struct Vcpu<'a> {
    id: u32,
    online: bool,
    state: VcpuState,
    pcpu: Option<u32>,
    cpu_time_ns: u64,
    cpu_percent: Option<f64>,
    hard_affinity: Option<&'a [u32]>,
    soft_affinity: Option<&'a [u32]>,
}

#[derive(Default, Serialize)]
struct Nic<'a> {
    id: u32,
    device: &'a str,
    mac: Option<&'a str>,
    rx_bytes: Option<u64>,
    rx_packets: Option<u64>,
    rx_errors: Option<u64>,
    rx_drops: Option<u64>,
    tx_bytes: Option<u64>,
    tx_packets: Option<u64>,
    tx_errors: Option<u64>,
    tx_drops: Option<u64>,
    rx_bytes_per_second: Option<f64>,
    rx_packets_per_second: Option<f64>,
    rx_errors_per_second: Option<f64>,
    rx_drops_per_second: Option<f64>,
    tx_bytes_per_second: Option<f64>,
    tx_packets_per_second: Option<f64>,
    tx_errors_per_second: Option<f64>,
    tx_drops_per_second: Option<f64>,
}

#[derive(Default, Serialize)]
struct Disk<'a> {
    id: u32,
    device: &'a str,
    backend: DiskBackend,
    read_requests: Option<u64>,
    write_requests: Option<u64>,
    read_bytes: Option<u64>,
    write_bytes: Option<u64>,
    flush_requests: Option<u64>,
    discard_requests: Option<u64>,
    out_of_slots: Option<u64>,
    errors: Option<u64>,
    read_requests_per_second: Option<f64>,
    write_requests_per_second: Option<f64>,
    read_bytes_per_second: Option<f64>,
    write_bytes_per_second: Option<f64>,
    flush_requests_per_second: Option<f64>,
    discard_requests_per_second: Option<f64>,
    out_of_slots_per_second: Option<f64>,
    errors_per_second: Option<f64>,
    read_latency_ns: Option<f64>,
    write_latency_ns: Option<f64>,
}

/// A domain with one of each part; what counts are the names of the fields.
pub(super) fn example() -> Domain<'static> {
    Domain {
        figures: Figures::default(),
        vcpus: Some(vec![Vcpu::default()]),
        nics: Some(vec![Nic::default()]),
        disks: Some(vec![Disk::default()]),
    }
}

/// The domains of a sample.
pub(super) fn domains(sample: Sample<'_>) -> Vec<Domain<'_>> {
    sample
        .domains()
        .map(|(domain, rates)| Domain {
            figures: figures(domain, rates),
            vcpus: all(&domain.vcpus, &rates.vcpu_percent, vcpu),
            nics: all(&domain.nics, &rates.nics, nic),
            disks: all(&domain.disks, &rates.disks, disk),
        })
        .collect()
}

/// Each part with its rates; `None` when the parts are not known.
fn all<'a, T, R, J>(
    parts: &'a Option<Vec<T>>,
    rates: &'a [R],
    make: impl Fn(&'a T, &'a R) -> J,
) -> Option<Vec<J>> {
    let parts = parts.as_ref()?;
    Some(
        parts
            .iter()
            .zip(rates)
            .map(|(part, rates)| make(part, rates))
            .collect(),
    )
}

/// The single figures of a domain.
fn figures<'a>(domain: &'a snapshot::Domain, rates: &DomainRates) -> Figures<'a> {
    let (weight, cap_percent, reservation) = match domain.scheduling {
        Some(
            Scheduling::Credit {
                weight,
                cap_percent,
            }
            | Scheduling::Credit2 {
                weight,
                cap_percent,
            },
        ) => (Some(weight), cap_percent, None),
        Some(Scheduling::Rtds { reservation }) => (None, None, reservation),
        Some(Scheduling::Arinc653 | Scheduling::Null) | None => (None, None, None),
    };
    Figures {
        id: domain.id,
        uuid: domain.uuid,
        name: domain.name.as_deref(),
        r#type: domain.kind,
        state: domain.states.summary(),
        shutdown_reason: domain.states.shutdown,
        vcpus_online: domain.vcpus_online,
        vcpus_max: domain.vcpus_max,
        cpu_time_ns: domain.cpu_time_ns,
        cpu_percent: value(rates.cpu_percent),
        cpu_percent_of_vcpus: value(rates.cpu_percent_of_vcpus),
        memory_bytes: domain.memory_bytes,
        memory_max_bytes: domain.memory_max_bytes,
        memory_target_bytes: domain.memory_target_bytes,
        memory_static_max_bytes: domain.memory_static_max_bytes,
        memory_claimed_bytes: domain.memory_claimed_bytes,
        memory_shared_bytes: domain.memory_shared_bytes,
        memory_paged_bytes: domain.memory_paged_bytes,
        pool: domain.pool,
        scheduler: domain.scheduling.map(Scheduling::scheduler),
        weight,
        cap_percent,
        period_ns: reservation.map(|reserved| reserved.period_ns),
        budget_ns: reservation.map(|reserved| reserved.budget_ns),
        extra_time: reservation.map(|reserved| reserved.extra_time),
    }
}

fn vcpu<'a>(vcpu: &'a snapshot::Vcpu, percent: &Option<Rate>) -> Vcpu<'a> {
    Vcpu {
        id: vcpu.id,
        online: vcpu.state != VcpuState::Offline,
        state: vcpu.state,
        pcpu: vcpu.pcpu,
        cpu_time_ns: vcpu.cpu_time_ns,
        cpu_percent: value(*percent),
        hard_affinity: vcpu.hard_affinity.as_deref(),
        soft_affinity: vcpu.soft_affinity.as_deref(),
    }
}

fn nic<'a>(nic: &'a snapshot::Nic, rates: &NicRates) -> Nic<'a> {
    Nic {
        id: nic.id,
        device: &nic.device,
        mac: nic.mac.as_deref(),
        rx_bytes: nic[NicCounter::RxBytes],
        rx_packets: nic[NicCounter::RxPackets],
        rx_errors: nic[NicCounter::RxErrors],
        rx_drops: nic[NicCounter::RxDrops],
        tx_bytes: nic[NicCounter::TxBytes],
        tx_packets: nic[NicCounter::TxPackets],
        tx_errors: nic[NicCounter::TxErrors],
        tx_drops: nic[NicCounter::TxDrops],
        rx_bytes_per_second: value(rates[NicCounter::RxBytes]),
        rx_packets_per_second: value(rates[NicCounter::RxPackets]),
        rx_errors_per_second: value(rates[NicCounter::RxErrors]),
        rx_drops_per_second: value(rates[NicCounter::RxDrops]),
        tx_bytes_per_second: value(rates[NicCounter::TxBytes]),
        tx_packets_per_second: value(rates[NicCounter::TxPackets]),
        tx_errors_per_second: value(rates[NicCounter::TxErrors]),
        tx_drops_per_second: value(rates[NicCounter::TxDrops]),
    }
}

fn disk<'a>(disk: &'a snapshot::Disk, rates: &DiskRates) -> Disk<'a> {
    Disk {
        id: disk.id,
        device: &disk.device,
        backend: disk.backend,
        read_requests: disk[DiskCounter::ReadRequests],
        write_requests: disk[DiskCounter::WriteRequests],
        read_bytes: disk[DiskCounter::ReadBytes],
        write_bytes: disk[DiskCounter::WriteBytes],
        flush_requests: disk[DiskCounter::FlushRequests],
        discard_requests: disk[DiskCounter::DiscardRequests],
        out_of_slots: disk[DiskCounter::OutOfSlots],
        errors: disk[DiskCounter::Errors],
        read_requests_per_second: value(rates[DiskCounter::ReadRequests]),
        write_requests_per_second: value(rates[DiskCounter::WriteRequests]),
        read_bytes_per_second: value(rates[DiskCounter::ReadBytes]),
        write_bytes_per_second: value(rates[DiskCounter::WriteBytes]),
        flush_requests_per_second: value(rates[DiskCounter::FlushRequests]),
        discard_requests_per_second: value(rates[DiskCounter::DiscardRequests]),
        out_of_slots_per_second: value(rates[DiskCounter::OutOfSlots]),
        errors_per_second: value(rates[DiskCounter::Errors]),
        read_latency_ns: rates.read_latency_ns,
        write_latency_ns: rates.write_latency_ns,
    }
}
