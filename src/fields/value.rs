//! The value of a field.

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::rates::Rate;
use crate::snapshot::DomId;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Unknown, or not collected.
    Unknown,
    /// No limit.
    Unlimited,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Count(u64),
    /// A measured number.
    Real(f64),
    /// A text, unchanged.
    Text(&'a str),
    /// A UUID.
    Uuid(Uuid),
    /// Wall-clock time.
    Time(jiff::Timestamp),
    /// Numbers in ascending order.
    Numbers(&'a [u32]),
}

/// An unknown value and an unlimited one are null in JSON.
impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown | Self::Unlimited => serializer.serialize_none(),
            Self::Bool(yes) => serializer.serialize_bool(*yes),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Real(real) => serializer.serialize_f64(*real),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Uuid(uuid) => uuid.serialize(serializer),
            Self::Time(time) => time.serialize(serializer),
            Self::Numbers(numbers) => numbers.serialize(serializer),
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<u64> for Value<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for Value<'_> {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<u16> for Value<'_> {
    fn from(count: u16) -> Self {
        Self::Count(count.into())
    }
}

impl From<DomId> for Value<'_> {
    fn from(id: DomId) -> Self {
        id.0.into()
    }
}

impl From<f64> for Value<'_> {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl From<Rate> for Value<'_> {
    fn from(rate: Rate) -> Self {
        Self::Real(rate.value)
    }
}

impl From<Uuid> for Value<'_> {
    fn from(uuid: Uuid) -> Self {
        Self::Uuid(uuid)
    }
}

impl From<jiff::Timestamp> for Value<'_> {
    fn from(time: jiff::Timestamp) -> Self {
        Self::Time(time)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u32]> for Value<'a> {
    fn from(numbers: &'a [u32]) -> Self {
        Self::Numbers(numbers)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, T::into)
    }
}

/// Converts a name, or the number of something without a name.
impl<'a, N: Into<Value<'a>>> From<Result<&'static str, N>> for Value<'a> {
    fn from(word: Result<&'static str, N>) -> Self {
        word.map_or_else(N::into, Self::Text)
    }
}

impl From<u8> for Value<'_> {
    fn from(count: u8) -> Self {
        Self::Count(count.into())
    }
}
