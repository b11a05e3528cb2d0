//! What a domain's row says in each column, and what the column is sorted by.

use std::cmp::Ordering;

use super::columns::Column;
use crate::rates::{DomainRates, Rate};
use crate::snapshot::{DiskCounter, Domain, NicCounter};
use crate::text::{UNKNOWN, or_unknown, safe};
use crate::units;

/// Bytes per second through all of a domain's NICs.
pub(super) fn net_bytes(domain: &Domain, rates: &DomainRates) -> Option<Rate> {
    Rate::sum([
        rates.of_nics(domain, NicCounter::RxBytes),
        rates.of_nics(domain, NicCounter::TxBytes),
    ])
}

/// Bytes per second to and from all of a domain's disks.
pub(super) fn disk_bytes(domain: &Domain, rates: &DomainRates) -> Option<Rate> {
    Rate::sum([
        rates.of_disks(domain, DiskCounter::ReadBytes),
        rates.of_disks(domain, DiskCounter::WriteBytes),
    ])
}

/// What a rate's column counts; `None` for a column of something else.
fn counted(column: Column, domain: &Domain, rates: &DomainRates) -> Option<Rate> {
    match column {
        Column::NetReceived => rates.of_nics(domain, NicCounter::RxBytes),
        Column::NetSent => rates.of_nics(domain, NicCounter::TxBytes),
        Column::DiskRead => rates.of_disks(domain, DiskCounter::ReadBytes),
        Column::DiskWritten => rates.of_disks(domain, DiskCounter::WriteBytes),
        Column::DiskReads => rates.of_disks(domain, DiskCounter::ReadRequests),
        Column::DiskWrites => rates.of_disks(domain, DiskCounter::WriteRequests),
        _ => None,
    }
}

/// The safe text of a cell; empty for the columns that are drawn.
pub(super) fn text(
    column: Column,
    domain: &Domain,
    rates: &DomainRates,
    host_bytes: u64,
) -> String {
    match column {
        Column::Id => domain.id.to_string(),
        Column::Name => name(domain),
        Column::Type => domain.kind.to_string(),
        Column::State => domain.states.summary().to_string(),
        Column::Vcpus => domain.vcpus_online.to_string(),
        Column::Cpu => units::percent(rates.cpu_percent),
        Column::CpuOfVcpus => units::percent(rates.cpu_percent_of_vcpus),
        Column::CpuBar | Column::CpuHistory => String::new(),
        Column::CpuTime => format!("{:.0}", domain.cpu_time_ns as f64 / 1e9),
        Column::Memory => units::bytes(domain.memory_bytes as f64),
        Column::MemoryShare => format!("{:.1}", share(domain.memory_bytes, host_bytes)),
        Column::MemoryMax => match domain.memory_max_bytes {
            Some(bytes) => units::bytes(bytes as f64),
            None => "none".to_owned(),
        },
        Column::NetReceived | Column::NetSent | Column::DiskRead | Column::DiskWritten => {
            units::rate(counted(column, domain, rates))
        }
        Column::DiskReads | Column::DiskWrites => units::count(counted(column, domain, rates)),
        Column::Pool => domain.pool.to_string(),
        Column::Uuid => domain.uuid.to_string(),
    }
}

/// A domain's name, safe, or the sign for an unknown one.
pub(super) fn name(domain: &Domain) -> String {
    or_unknown(domain.name.as_deref(), |name| safe(name).into_owned())
}

fn share(bytes: u64, of: u64) -> f64 {
    100.0 * bytes as f64 / (of as f64).max(1.0)
}

/// Whether a cell says that there is nothing going on, or nothing known.
pub(super) fn is_idle(text: &str) -> bool {
    matches!(text, "0" | "0.0" | UNKNOWN)
}

/// What rows are put in order by.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Unknown,
    Number(f64),
    Text(String),
}

impl Key {
    /// The key of a domain in a column.
    pub(super) fn of(column: Column, domain: &Domain, rates: &DomainRates) -> Self {
        let measured = |figure: Option<Rate>| {
            figure.map_or(Self::Unknown, |figure| Self::Number(figure.value))
        };
        match column {
            Column::Id => Self::Number(f64::from(domain.id.0)),
            Column::Name => domain
                .name
                .as_deref()
                .map_or(Self::Unknown, |name| Self::Text(name.to_lowercase())),
            Column::Type => Self::Text(domain.kind.to_string()),
            Column::State => Self::Text(domain.states.summary().to_string()),
            Column::Vcpus => Self::Number(f64::from(domain.vcpus_online)),
            Column::Cpu => measured(rates.cpu_percent),
            Column::CpuOfVcpus | Column::CpuBar | Column::CpuHistory => {
                measured(rates.cpu_percent_of_vcpus)
            }
            Column::CpuTime => Self::Number(domain.cpu_time_ns as f64),
            Column::Memory | Column::MemoryShare => Self::Number(domain.memory_bytes as f64),
            // No limit is above every limit.
            Column::MemoryMax => {
                Self::Number(domain.memory_max_bytes.map_or(f64::INFINITY, |b| b as f64))
            }
            Column::Pool => Self::Number(f64::from(domain.pool)),
            Column::Uuid => Self::Text(domain.uuid.to_string()),
            Column::NetReceived
            | Column::NetSent
            | Column::DiskRead
            | Column::DiskWritten
            | Column::DiskReads
            | Column::DiskWrites => measured(counted(column, domain, rates)),
        }
    }

    /// Which of two comes first; what is not known comes last in either direction.
    pub(super) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let ordering = match (self, other) {
            (Self::Unknown, Self::Unknown) => return Ordering::Equal,
            (Self::Unknown, _) => return Ordering::Greater,
            (_, Self::Unknown) => return Ordering::Less,
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        };
        match descending {
            true => ordering.reverse(),
            false => ordering,
        }
    }
}
