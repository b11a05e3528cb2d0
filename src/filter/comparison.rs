//! A figure compared with a value.

use std::fmt;

use crate::fields::{Field, Kind, Unit, Value};
use crate::sample::DomainSample;
use crate::snapshot::{Collect, ShutdownReason};
use crate::text::safe;

/// A figure of a domain.
pub type Figure = &'static Field<DomainSample<'static>>;

/// A figure of a row that is not a domain, such as a NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowFigure {
    /// Its name, for messages.
    pub name: &'static str,
    /// What gets its value from a row.
    pub index: usize,
    /// Its kind.
    pub kind: Kind,
    /// Its unit.
    pub unit: Unit,
    /// What has to be collected for it.
    pub part: Collect,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub enum Compared {
    /// A figure of the domain.
    Domain(Figure),
    /// A figure of the row.
    Row(RowFigure),
}

impl Compared {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Domain(field) => field.name,
            Self::Row(figure) => figure.name,
        }
    }

    fn kind(&self) -> (Kind, Unit) {
        match self {
            Self::Domain(field) => (field.kind, field.unit),
            Self::Row(figure) => (figure.kind, figure.unit),
        }
    }

    pub(super) fn part(&self) -> Collect {
        match self {
            Self::Domain(field) => field.part,
            Self::Row(figure) => figure.part,
        }
    }
}

/// A row that is not a domain, such as a NIC.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The name of the device; empty if it has none.
    pub device: &'a str,
    /// Returns the value of the figure with this index.
    pub value: &'a dyn Fn(usize) -> Value<'a>,
}

/// How a figure is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// A text contains the value.
    Contains,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What a figure is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// A text in lower case, or a word of a state.
    Text(String),
    /// A number, in the unit of the figure.
    Number(f64),
    /// No limit.
    Unlimited,
}

/// A figure compared with a value.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    pub(super) figure: Compared,
    operator: Operator,
    operand: Operand,
}

impl Operator {
    /// All but those that others begin with, and then those; with how they are written.
    pub(super) const ALL: [(&'static str, Self); 7] = [
        ("!=", Self::Unequal),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
        (":", Self::Contains),
    ];

    /// Returns how it is written.
    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, one)| *one == self);
        found.map_or("", |(name, _)| name)
    }
}

impl Comparison {
    /// Returns the comparison of a figure with this value.
    ///
    /// # Errors
    /// Why the figure cannot be compared in this way.
    pub(super) fn new(figure: Compared, operator: Operator, value: &str) -> Result<Self, String> {
        let (name, (kind, unit)) = (figure.name(), figure.kind());
        let value = value.to_lowercase();
        let is_text = unit == Unit::None;
        if is_text
            && !matches!(
                operator,
                Operator::Contains | Operator::Equal | Operator::Unequal
            )
        {
            return Err(format!("'{name}' is a text: use :, = or !="));
        }
        let (operator, operand) = match kind {
            Kind::State { words } => (exactly(operator), Operand::Text(word(name, words, value)?)),
            _ if is_text => (operator, Operand::Text(value)),
            _ if value == "none" => (exactly(operator), Operand::Unlimited),
            _ => {
                let number = number(&value, unit)
                    .ok_or_else(|| format!("'{}' is no {}", safe(&value), kind_of_number(unit)))?;
                (exactly(operator), Operand::Number(number))
            }
        };
        Ok(Self {
            figure,
            operator,
            operand,
        })
    }

    /// Returns whether it holds for a domain or its row; `None` if the figure is unknown.
    pub(super) fn holds(&self, domain: DomainSample<'_>, row: Option<Row<'_>>) -> Option<bool> {
        let value = match self.figure {
            Compared::Domain(field) => field.of(&domain),
            Compared::Row(figure) => row.map_or(Value::Unknown, |row| (row.value)(figure.index)),
        };
        let number = match value {
            Value::Unknown => return None,
            Value::Unlimited => f64::INFINITY,
            Value::Count(count) => count as f64,
            Value::Real(real) => real,
            Value::Text(text) => return Some(self.holds_for(&text.to_lowercase())),
            Value::Uuid(uuid) => return Some(self.holds_for(&uuid.to_string())),
            Value::Bool(true) => return Some(self.holds_for("yes")),
            Value::Bool(false) => return Some(self.holds_for("no")),
            Value::Time(_) | Value::Numbers(_) => return None,
        };
        let operand = match self.operand {
            Operand::Number(operand) => operand,
            Operand::Unlimited => f64::INFINITY,
            // A state without a name is a number.
            Operand::Text(_) => return Some(self.holds_for(&number.to_string())),
        };
        Some(match self.operator {
            Operator::Contains | Operator::Equal => number == operand,
            Operator::Unequal => number != operand,
            Operator::Less => number < operand,
            Operator::AtMost => number <= operand,
            Operator::Greater => number > operand,
            Operator::AtLeast => number >= operand,
        })
    }

    fn holds_for(&self, text: &str) -> bool {
        let Operand::Text(operand) = &self.operand else {
            return false;
        };
        match self.operator {
            Operator::Contains => text.contains(operand),
            Operator::Unequal => text != operand,
            _ => text == operand,
        }
    }
}

/// Returns the operator for something that has no parts: `:` is `=`.
fn exactly(operator: Operator) -> Operator {
    match operator {
        Operator::Contains => Operator::Equal,
        other => other,
    }
}

/// Returns the word of a state. A reason of a shutdown that has no word is a number.
fn word(name: &str, words: &[&str], value: String) -> Result<String, String> {
    let words = match words.is_empty() {
        true => &["yes", "no"],
        false => words,
    };
    let number = value.parse::<u8>().map(usize::from);
    let is_reason =
        words == ShutdownReason::NAMES && number.is_ok_and(|number| number >= words.len());
    match words.contains(&value.as_str()) || is_reason {
        true => Ok(value),
        false => Err(format!("'{name}' is one of {}", words.join(", "))),
    }
}

/// Returns the number that a text means in this unit: `1.5G` of bytes, `20ms`, `50%`, `10k`; `None`
/// if it means none.
fn number(text: &str, unit: Unit) -> Option<f64> {
    let text = match unit {
        Unit::Percent => text.strip_suffix('%').unwrap_or(text),
        Unit::BytesPerSecond | Unit::PerSecond => text.strip_suffix("/s").unwrap_or(text),
        _ => text,
    };
    let units: &[(&str, f64)] = match unit {
        Unit::Bytes | Unit::BytesPerSecond => &[
            ("k", 1024.0),
            ("m", 1048576.0),
            ("g", 1073741824.0),
            ("t", 1099511627776.0),
            ("b", 1.0),
        ],
        Unit::Nanoseconds => &[("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9)],
        Unit::Count | Unit::PerSecond => &[("k", 1e3), ("m", 1e6), ("g", 1e9)],
        _ => &[],
    };
    let (digits, factor) = units
        .iter()
        .find_map(|(name, factor)| Some((text.strip_suffix(name)?, *factor)))
        .unwrap_or((text, 1.0));
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
    let number: f64 = digits
        .chars()
        .all(is_number)
        .then(|| digits.parse().ok())??;
    Some(number * factor).filter(|number| number.is_finite())
}

/// Returns what a number of this unit looks like.
fn kind_of_number(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes | Unit::BytesPerSecond => "number of bytes, such as 1.5G",
        Unit::Nanoseconds => "time, such as 20ms",
        Unit::Percent => "number of per cent",
        _ => "number",
    }
}

/// Writes a text in quotes; a quote in it is doubled.
pub(super) fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('"', "\"\""))
}

impl PartialEq for Comparison {
    fn eq(&self, other: &Self) -> bool {
        let key = |one: &Self| (one.figure.name(), one.operator);
        key(self) == key(other) && self.operand == other.operand
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.figure.name(), self.operator.name())?;
        match &self.operand {
            Operand::Text(text) => quoted(f, text),
            Operand::Number(number) => write!(f, "{number}"),
            Operand::Unlimited => f.write_str("none"),
        }
    }
}
