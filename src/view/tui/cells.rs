//! The text and the sort key of each cell in the table of domains.

use std::cmp::Ordering;

use super::columns::{Column, Shows};
use super::history::History;
use crate::fields::Value;
use crate::pressure::Pressure;
use crate::rates::Rate;
use crate::sample::DomainSample;
use crate::snapshot::{Domain, DomainState};
use crate::text::{self, UNKNOWN, or_unknown, safe};
use crate::units;
use crate::view::pressure;

/// A domain in the table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) one: DomainSample<'a>,
    /// Its measurements; `None` if there are none.
    pub(super) past: Option<&'a History>,
    /// What it suffers from; `None` if it does not.
    pub(super) suffers: Option<&'a Pressure>,
}

/// Returns the escaped text of a cell; empty for bars and histories, and for a figure that this
/// sample did not collect. `width` is that of the cell.
pub(super) fn text(column: Column, row: Row<'_>, width: usize) -> String {
    let domain = row.one;
    match column.shape().shows {
        Shows::Figure(field) if !domain.collected().covers(field.part) => String::new(),
        Shows::Figure(field) => units::compact(field.of(&domain), field.kind, field.unit),
        Shows::MemoryShare => format!("{:.1}", memory_share(domain)),
        Shows::CpuMean => or_unknown(mean(row), units::few),
        Shows::CpuPeak => or_unknown(peak(row), units::few),
        Shows::Why => why(row, width),
        Shows::CpuBar | Shows::CpuHistory => String::new(),
    }
}

/// Returns why a domain suffers, in the longest form that fits; `+` marks that there are more reasons. A domain that
/// cannot run has its state before that.
fn why(row: Row<'_>, width: usize) -> String {
    let states = row.one.domain.states;
    let state = states.summary();
    let is_told = states.keep_from_running() && state != DomainState::Crashed;
    let long = is_told.then(|| state.to_string());
    // The column may be no wider.
    let short = is_told.then(|| match state {
        DomainState::Paused => "pause".to_owned(),
        DomainState::Shutdown => "shut".to_owned(),
        other => other.to_string(),
    });
    let reasons = row.suffers.map_or(&[][..], |suffers| &suffers.reasons);
    pressure::fitting(long.as_deref().zip(short.as_deref()), reasons, width)
}

fn mean(row: Row<'_>) -> Option<f64> {
    row.past?.cpu.mean()
}

fn peak(row: Row<'_>) -> Option<f64> {
    row.past?.cpu.peak()
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

/// Returns the text for zero or unknown: zero is `nothing`, so that a page of zeros is not a page of figures.
pub(super) fn idle<'a>(text: &'a str, nothing: &'a str) -> &'a str {
    match text {
        UNKNOWN => UNKNOWN,
        _ => nothing,
    }
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
    pub(super) fn of(column: Column, row: Row<'_>) -> Self {
        let number = |value: Option<f64>| value.map_or(Self::Unknown, Self::Number);
        let domain = row.one;
        match column.shape().shows {
            Shows::Figure(field) => field.of(&domain).into(),
            Shows::MemoryShare => Self::Number(memory_share(domain)),
            Shows::CpuMean => number(mean(row)),
            Shows::CpuPeak => number(peak(row)),
            Shows::Why => number(row.suffers.map(Pressure::severity)),
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
