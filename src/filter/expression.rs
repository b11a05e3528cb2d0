//! What a filter consists of.

use std::fmt;

use super::comparison::{Comparison, Row, quoted};
use crate::sample::DomainSample;
use crate::snapshot::{Collect, DomainState};

/// The CPU use, in per cent of one pCPU, below which a domain is idle.
const IDLE_PERCENT: f64 = 1.0;

/// A filter, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// Part of the name of a domain or device, or the start of an ID or UUID; in lower case.
    Text(String),
    /// A word for a state.
    Word(Word),
    /// A figure compared with a value.
    Compare(Comparison),
    /// What does not match this.
    Not(Box<Self>),
    /// What matches all of these.
    All(Vec<Self>),
    /// What matches one of these.
    Any(Vec<Self>),
}

/// A word for a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// It may run, and used less than 1 % of a pCPU.
    Idle,
    /// It may run, and used 1 % of a pCPU or more.
    Running,
    /// It is in this state.
    In(DomainState),
}

impl Word {
    /// All of them.
    pub(super) const ALL: [Self; 6] = [
        Self::Idle,
        Self::Running,
        Self::In(DomainState::Paused),
        Self::In(DomainState::Shutdown),
        Self::In(DomainState::Crashed),
        Self::In(DomainState::Dying),
    ];

    /// Returns it as it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::In(state) => state.name(),
        }
    }

    fn holds(self, domain: DomainSample<'_>) -> Option<bool> {
        let states = domain.domain.states;
        let percent = || Some(domain.rates.cpu_percent?.value);
        match self {
            Self::In(state) => Some(states.summary() == state),
            Self::Idle | Self::Running if states.keep_from_running() => Some(false),
            Self::Idle => Some(percent()? < IDLE_PERCENT),
            Self::Running => Some(percent()? >= IDLE_PERCENT),
        }
    }
}

impl Expression {
    /// Returns whether it holds for a domain, or for a row that belongs to it; `None` if that
    /// depends on something unknown.
    pub(super) fn holds(&self, domain: DomainSample<'_>, row: Option<Row<'_>>) -> Option<bool> {
        match self {
            Self::Text(text) => names(text, domain, row.map_or("", |row| row.device)),
            Self::Word(word) => word.holds(domain),
            Self::Compare(comparison) => comparison.holds(domain, row),
            Self::Not(one) => one.holds(domain, row).map(|holds| !holds),
            Self::All(all) => decided(all, false, domain, row),
            Self::Any(any) => decided(any, true, domain, row),
        }
    }

    /// Returns what has to be collected for it.
    pub(super) fn part(&self) -> Collect {
        match self {
            Self::Text(_) => Collect {
                names: true,
                ..Collect::NOTHING
            },
            Self::Word(_) => Collect::NOTHING,
            Self::Compare(comparison) => comparison.figure.part(),
            Self::Not(one) => one.part(),
            Self::All(parts) | Self::Any(parts) => {
                let parts = parts.iter().map(Self::part);
                parts.fold(Collect::NOTHING, Collect::and)
            }
        }
    }
}

/// Returns `by` if that holds for one part, its opposite if it holds for none; `None` if that
/// depends on something unknown.
fn decided(
    parts: &[Expression],
    by: bool,
    domain: DomainSample<'_>,
    row: Option<Row<'_>>,
) -> Option<bool> {
    let mut decided = Some(!by);
    for part in parts {
        match part.holds(domain, row) {
            Some(holds) if holds == by => return Some(by),
            Some(_) => {}
            None => decided = None,
        }
    }
    decided
}

/// Returns whether the text is part of a name, or begins an ID or UUID; `None` if it does not, but
/// the domain's name is unknown.
fn names(text: &str, domain: DomainSample<'_>, device: &str) -> Option<bool> {
    let domain = domain.domain;
    let is_in = |name: &str| name.to_lowercase().contains(text);
    let found = domain.name.as_deref().is_some_and(is_in)
        || !device.is_empty() && is_in(device)
        || domain.id.to_string().starts_with(text)
        || domain.uuid.to_string().starts_with(text);
    match found {
        true => Some(true),
        false => domain.name.as_ref().map(|_| false),
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => {
                let is_word = Word::ALL.iter().any(|word| word.name() == text);
                let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
                match !text.is_empty() && !is_word && text.chars().all(is_plain) {
                    true => f.write_str(text),
                    false => quoted(f, text),
                }
            }
            Self::Word(word) => f.write_str(word.name()),
            Self::Compare(comparison) => write!(f, "{comparison}"),
            Self::Not(one) => match &**one {
                Self::All(_) | Self::Any(_) => write!(f, "!({one})"),
                _ => write!(f, "!{one}"),
            },
            Self::All(parts) => joined(f, parts, " "),
            Self::Any(parts) => joined(f, parts, " | "),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expression], by: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(by)?;
        }
        match part {
            Expression::All(_) | Expression::Any(_) => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}
