//! What a field is, and what a kind of thing is that has them.

use std::fmt;

use super::value::Value;
use crate::snapshot::Collect;

/// A kind of thing that has figures, such as a domain or a NIC.
pub trait Thing: Sized + 'static {
    /// The thing as a sample has it.
    type Of<'a>: Copy;

    /// Its figures, in the order in which programs get them.
    fn fields() -> &'static [Field<Self>];
}

/// One figure of a kind of thing.
pub struct Field<T: Thing> {
    /// Its name, with the unit at the end: the key in JSON and the column in CSV.
    pub name: &'static str,
    /// What kind of figure it is.
    pub kind: Kind,
    /// What it is counted in.
    pub unit: Unit,
    /// What it is, in one line.
    pub doc: &'static str,
    /// What has to be collected for it; nothing for what every sample has.
    pub part: Collect,
    get: Get<T>,
}

type Get<T> = Box<dyn for<'r, 'a> Fn(&'r <T as Thing>::Of<'a>) -> Value<'r> + Send + Sync>;

/// What kind of figure a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only rises while the thing lives, unless it starts at 0 again.
    Counter {
        /// The name of the field that says how fast it rises; `None` when there is none.
        rate: Option<&'static str>,
    },
    /// It goes up and down.
    Gauge,
    /// How fast a counter rose since the sample before.
    Rate,
    /// One of several words.
    State {
        /// The words; none for yes and no.
        words: &'static [&'static str],
    },
    /// A text or a list.
    Text,
}

/// The words of a state that is true or false.
pub(super) const YES_NO: &[&str] = &[];

/// What every sample has.
const NOTHING: Collect = Collect {
    names: false,
    targets: false,
    details: false,
    vcpus: false,
    affinities: false,
    scheduling: false,
    nics: false,
    disks: false,
    macs: false,
    host: false,
    audit_inputs: false,
    focus: None,
};

/// Declares for each part of what can be collected a constant that has it alone.
macro_rules! parts {
    ($($name:ident = $field:ident),*) => {
        $(pub(super) const $name: Collect = Collect { $field: true, ..NOTHING };)*
    };
}

parts!(
    NAMES = names,
    TARGETS = targets,
    DETAILS = details,
    VCPUS = vcpus,
    AFFINITIES = affinities,
    SCHEDULING = scheduling,
    NICS = nics,
    DISKS = disks,
    MACS = macs,
    HOST = host
);

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nothing: it is a text or a state.
    None,
    /// A number that stands for something, such as an ID.
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
    /// The figure of a thing.
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
            part: NOTHING,
            get: Box::new(get),
        }
    }

    /// This figure, which is there only when `part` is collected.
    pub(super) fn part(self, part: Collect) -> Self {
        Self { part, ..self }
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
