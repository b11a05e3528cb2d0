//! Fields, and the kinds of things that have them.

use std::fmt;

use super::value::Value;
use crate::snapshot::Collect;

/// A kind of thing that has fields, such as a domain or a NIC.
pub trait Thing: Sized + 'static {
    /// The thing in a sample.
    type Of<'a>: Copy;

    /// Returns its fields, in the order of JSON and CSV.
    fn fields() -> &'static [Field<Self>];
}

/// A field of a kind of thing.
pub struct Field<T: Thing> {
    /// Its name, with the unit at the end: the key in JSON and the column in CSV.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its unit.
    pub unit: Unit,
    /// Its meaning, in one line.
    pub doc: &'static str,
    /// What has to be collected for it; nothing if every sample has it.
    pub part: Collect,
    /// How it appears in OpenMetrics.
    pub metric: Metric,
    get: Get<T>,
}

type Get<T> = Box<dyn for<'r, 'a> Fn(&'r <T as Thing>::Of<'a>) -> Value<'r> + Send + Sync>;

/// The kind of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises while the thing exists, unless it is reset to 0.
    Counter {
        /// The name of the field that is its rate; `None` if there is none.
        rate: Option<&'static str>,
    },
    /// Rises and falls.
    Gauge,
    /// The rate of a counter since the sample before.
    Rate,
    /// One of several words.
    State {
        /// The words; empty for true and false.
        words: &'static [&'static str],
    },
    /// A text or a list.
    Text,
}

/// How a field appears in OpenMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// By its kind: counters, gauges and states are metrics, and nothing else is.
    ByKind,
    /// A label with this name, in the information about the thing.
    Label(&'static str),
    /// Not at all.
    Absent,
}

/// The words of a state that is true or false.
pub(super) const YES_NO: &[&str] = &[];

/// Declares a constant for each field of `Collect` that has only this field set.
macro_rules! parts {
    ($($name:ident = $field:ident),*) => {
        $(pub(super) const $name: Collect = Collect { $field: true, ..Collect::NOTHING };)*
    };
}

parts!(
    NAMES = names,
    TARGETS = targets,
    DETAILS = details,
    VCPUS = vcpus,
    AFFINITIES = affinities,
    SCHEDULING = scheduling,
    PAGING_POOLS = paging_pools,
    MACS = macs,
    HOST = host,
    STATE_TIMES = state_times
);

/// The part of NICs, whoever serves them.
pub(super) const NICS: Collect = Collect {
    nics: true,
    driver_domains: true,
    ..Collect::NOTHING
};

/// The part of disks, whoever serves them.
pub(super) const DISKS: Collect = Collect {
    disks: true,
    driver_domains: true,
    ..Collect::NOTHING
};

/// The part of a NIC's counters.
pub(super) const NIC_COUNTERS: Collect = Collect {
    nic_counters: true,
    ..NICS
};

/// The unit of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// No unit: a text or a state.
    None,
    /// An identifying number, such as an ID.
    Number,
    /// Things, such as packets.
    Count,
    /// Things per second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Nanoseconds.
    Nanoseconds,
    /// Per cent.
    Percent,
    /// Kilohertz.
    Kilohertz,
}

impl<T: Thing> Field<T> {
    /// Returns the value of the field for a thing.
    pub fn of<'r>(&self, thing: &'r T::Of<'_>) -> Value<'r> {
        (self.get)(thing)
    }

    pub(super) fn new(
        name: &'static str,
        (kind, unit): (Kind, Unit),
        doc: &'static str,
        get: impl for<'r, 'a> Fn(&'r T::Of<'a>) -> Value<'r> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            kind,
            unit,
            doc,
            part: Collect::NOTHING,
            metric: Metric::ByKind,
            get: Box::new(get),
        }
    }

    /// Returns whether only a trace tells it. It is left out of samples of a host that is not traced.
    pub fn is_traced(&self) -> bool {
        self.part.state_times
    }

    /// Returns this field as a field that needs `part`.
    pub(super) fn part(self, part: Collect) -> Self {
        Self { part, ..self }
    }

    /// Returns this field as a field that is this label in OpenMetrics.
    pub(super) fn label(self, name: &'static str) -> Self {
        Self {
            metric: Metric::Label(name),
            ..self
        }
    }

    /// Returns this field as a field that is not in OpenMetrics.
    pub(super) fn no_metric(self) -> Self {
        Self {
            metric: Metric::Absent,
            ..self
        }
    }

    pub(super) fn counter(
        (name, rate): (&'static str, Option<&'static str>),
        unit: Unit,
        doc: &'static str,
        get: impl for<'r, 'a> Fn(&'r T::Of<'a>) -> Value<'r> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, (Kind::Counter { rate }, unit), doc, get)
    }

    pub(super) fn gauge(
        name: &'static str,
        unit: Unit,
        doc: &'static str,
        get: impl for<'r, 'a> Fn(&'r T::Of<'a>) -> Value<'r> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, (Kind::Gauge, unit), doc, get)
    }

    pub(super) fn rate(
        name: &'static str,
        unit: Unit,
        doc: &'static str,
        get: impl for<'r, 'a> Fn(&'r T::Of<'a>) -> Value<'r> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, (Kind::Rate, unit), doc, get)
    }

    pub(super) fn state(
        name: &'static str,
        words: &'static [&'static str],
        doc: &'static str,
        get: impl for<'r, 'a> Fn(&'r T::Of<'a>) -> Value<'r> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, (Kind::State { words }, Unit::None), doc, get)
    }

    pub(super) fn text(
        name: &'static str,
        doc: &'static str,
        get: impl for<'r, 'a> Fn(&'r T::Of<'a>) -> Value<'r> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, (Kind::Text, Unit::None), doc, get)
    }

    pub(super) fn number(
        name: &'static str,
        doc: &'static str,
        get: impl for<'r, 'a> Fn(&'r T::Of<'a>) -> Value<'r> + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, (Kind::Text, Unit::Number), doc, get)
    }
}

impl<T: Thing> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Counter { .. } => "counter",
            Self::Gauge => "gauge",
            Self::Rate => "rate",
            Self::State { .. } => "state",
            Self::Text => "text",
        })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "",
            Self::Number => "number",
            Self::Count => "count",
            Self::PerSecond => "per second",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes per second",
            Self::Nanoseconds => "ns",
            Self::Percent => "per cent",
            Self::Kilohertz => "kHz",
        })
    }
}
