//! The figures of a domain that a report shows.

use enum_map::Enum;

use crate::rates::Rate;
use crate::sample::DomainSample;
use crate::snapshot::{DiskCounter, NicCounter};

/// A figure of a domain over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Figure {
    /// CPU use in per cent of one pCPU.
    Cpu,
    /// The time in which its vCPUs were ready, in per cent of one pCPU.
    Ready,
    /// Memory in bytes.
    Memory,
    /// Bytes read from disks per second.
    DiskRead,
    /// Bytes written to disks per second.
    DiskWritten,
    /// Bytes received by its NICs per second.
    Received,
    /// Bytes sent by its NICs per second.
    Sent,
}

/// Returns the figures of a domain in a sample.
pub(super) fn values(one: DomainSample<'_>) -> [(Figure, Option<f64>); Figure::LENGTH] {
    let value = |rate: Option<Rate>| rate.map(|rate| rate.value);
    let DomainSample { domain, rates, .. } = one;
    let disks = |counter: DiskCounter| value(rates.of_disks(domain, counter));
    let nics = |counter: NicCounter| value(rates.of_nics(domain, counter));
    [
        (Figure::Cpu, value(rates.cpu_percent)),
        (Figure::Ready, value(rates.states.ready_percent)),
        (Figure::Memory, Some(domain.memory_bytes as f64)),
        (Figure::DiskRead, disks(DiskCounter::ReadBytes)),
        (Figure::DiskWritten, disks(DiskCounter::WriteBytes)),
        (Figure::Received, nics(NicCounter::RxBytes)),
        (Figure::Sent, nics(NicCounter::TxBytes)),
    ]
}
