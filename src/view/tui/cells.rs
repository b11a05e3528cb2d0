//! The text and the sort key of each cell in the table of domains.

use std::cmp::Ordering;

use super::columns::{Column, Shows};
use crate::fields::Value;
use crate::rates::{DomainRates, Rate};
use crate::sample::DomainSample;
use crate::snapshot::{DiskCounter, Domain, NicCounter};
use crate::text::{self, UNKNOWN, or_unknown, safe};
use crate::units;

/// Returns the bytes per second, received and sent, of all NICs of a domain.
pub(super) fn net_bytes(domain: &Domain, rates: &DomainRates) -> Option<Rate> {
    Rate::sum([
        rates.of_nics(domain, NicCounter::RxBytes),
        rates.of_nics(domain, NicCounter::TxBytes),
    ])
}

/// The counters that [`disk_bytes`] is made of.
pub(super) const DISK_COUNTERS: [DiskCounter; 2] =
    [DiskCounter::ReadBytes, DiskCounter::WriteBytes];

/// Returns the bytes per second, read and written, of all disks of a domain.
pub(super) fn disk_bytes(domain: &Domain, rates: &DomainRates) -> Option<Rate> {
    Rate::sum([
        rates.of_disks(domain, DiskCounter::ReadBytes),
        rates.of_disks(domain, DiskCounter::WriteBytes),
    ])
}

/// Returns the escaped text of a cell; empty for bars and histories, and for a figure that this
/// sample did not collect.
pub(super) fn text(column: Column, domain: DomainSample<'_>) -> String {
    match column.shape().shows {
        Shows::Figure(field) if !domain.collected().covers(field.part) => String::new(),
        Shows::Figure(field) => units::compact(field.of(&domain), field.kind, field.unit),
        Shows::MemoryShare => format!("{:.1}", memory_share(domain)),
        Shows::CpuBar | Shows::CpuHistory => String::new(),
    }
}

/// Returns a domain's name, escaped, or [`UNKNOWN`].
pub(super) fn name(domain: &Domain) -> String {
    or_unknown(domain.name.as_deref(), |name| safe(name).into_owned())
}

/// Returns a domain's memory in per cent of the host's memory.
fn memory_share(domain: DomainSample<'_>) -> f64 {
    100.0 * domain.domain.memory_bytes as f64 / (domain.snapshot.host.memory_bytes as f64).max(1.0)
}

/// Returns whether a cell's text means zero or unknown.
pub(super) fn is_idle(text: &str) -> bool {
    matches!(text, "0" | "0.0" | UNKNOWN)
}

/// The sort key of a row.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Unknown,
    Number(f64),
    Text(String),
}

impl From<Value<'_>> for Key {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Unknown => Self::Unknown,
            // Unlimited sorts above every limit.
            Value::Unlimited => Self::Number(f64::INFINITY),
            Value::Bool(yes) => Self::Number(u8::from(yes).into()),
            Value::Count(count) => Self::Number(count as f64),
            Value::Real(real) => Self::Number(real),
            Value::Text(text) => Self::Text(text.to_lowercase()),
            Value::Uuid(uuid) => Self::Text(uuid.to_string()),
            Value::Time(time) => Self::Number(time.as_second() as f64),
            Value::Numbers(numbers) => Self::Text(text::numbers(numbers)),
        }
    }
}

impl From<Option<Rate>> for Key {
    fn from(rate: Option<Rate>) -> Self {
        rate.map_or(Self::Unknown, |rate| Self::Number(rate.value))
    }
}

impl Key {
    /// Returns the sort key of a domain in a column.
    pub(super) fn of(column: Column, domain: DomainSample<'_>) -> Self {
        match column.shape().shows {
            Shows::Figure(field) => field.of(&domain).into(),
            Shows::MemoryShare => Self::Number(memory_share(domain)),
            Shows::CpuBar | Shows::CpuHistory => domain.rates.cpu_percent_of_vcpus.into(),
        }
    }

    /// Compares two keys; unknown sorts last in either direction.
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
