//! The metrics that the tables of fields define, and their names.

use super::family::{Family, Type};
use super::series::EVERYTHING;
use super::value::base_unit;
use crate::fields::{Field, Kind, Metric as Appearance, Thing, Unit, Value};

/// What the names and the help of a kind of thing begin with.
#[derive(Clone, Copy)]
pub(super) struct Prefix {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
}

impl Prefix {
    /// Returns the family of the information about each thing.
    pub(super) fn information(self) -> Family {
        let help = format!("{}: what is known about it.", self.help);
        Family::new(self.name, Type::Info, "", &help)
    }
}

/// A metric.
pub(super) struct Metric<T: Thing> {
    field: &'static Field<T>,
    prefix: Prefix,
}

/// Returns the metrics of a kind of thing.
pub(super) fn metrics<T: Thing>(prefix: Prefix) -> impl Iterator<Item = Metric<T>> {
    let fields = T::fields().iter().filter(|field| is_metric(field));
    fields.map(move |field| Metric { field, prefix })
}

/// Returns the labels that are information about a kind of thing, with their fields.
pub(super) fn information<T: Thing>() -> Vec<(&'static str, &'static Field<T>)> {
    let fields = T::fields().iter().filter(|field| is_collected(field));
    let label = |field: &'static Field<T>| match field.metric {
        Appearance::Label(name) => Some((name, field)),
        Appearance::ByKind | Appearance::Absent => None,
    };
    fields.filter_map(label).collect()
}

fn is_metric<T: Thing>(field: &Field<T>) -> bool {
    let kind = matches!(
        field.kind,
        Kind::Counter { .. } | Kind::Gauge | Kind::State { .. }
    );
    kind && field.metric == Appearance::ByKind && is_collected(field)
}

/// Returns whether a scrape may have the field.
fn is_collected<T: Thing>(field: &Field<T>) -> bool {
    EVERYTHING.covers(field.part)
}

impl<T: Thing> Metric<T> {
    /// Returns its family, without samples.
    pub(super) fn family(&self) -> Family {
        let field = self.field;
        let kind = match field.kind {
            Kind::Counter { .. } => Type::Counter,
            Kind::State { words } if !words.is_empty() => Type::StateSet,
            _ => Type::Gauge,
        };
        let name = name(self.prefix.name, field.name, field.unit);
        Family::new(
            &name,
            kind,
            base_unit(field.unit),
            &help(self.prefix, field),
        )
    }

    /// Adds its sample of a thing; none if the value is unknown.
    pub(super) fn sample(&self, labels: &str, thing: &T::Of<'_>, family: &mut Family) {
        let value = self.field.of(thing);
        match (self.field.kind, value) {
            (Kind::State { words }, Value::Text(word)) => family.put_states(labels, words, word),
            // A number that has no word.
            (Kind::State { .. }, Value::Count(_)) => {}
            _ => family.put_value(labels, value, self.field.unit),
        }
    }
}

/// Returns the name of a family: the field's name with the base unit instead of its own, after the
/// prefix. `cpu_time_ns` of `xen_domain` is `xen_domain_cpu_seconds`.
fn name(prefix: &str, field: &str, unit: Unit) -> String {
    let own = match unit {
        Unit::Bytes => "_bytes",
        Unit::Nanoseconds => "_ns",
        Unit::Kilohertz => "_khz",
        Unit::Percent => "_percent",
        _ => "",
    };
    let stem = field.strip_suffix(own).unwrap_or(field);
    // "Seconds" says that it is time.
    let stem = match unit {
        Unit::Nanoseconds => stem.strip_suffix("_time").unwrap_or(stem),
        _ => stem,
    };
    match base_unit(unit) {
        "" => format!("{prefix}_{stem}"),
        unit => format!("{prefix}_{stem}_{unit}"),
    }
}

/// Returns the help of a metric.
fn help<T: Thing>(prefix: Prefix, field: &Field<T>) -> String {
    // What follows is about JSON. An unknown value has no sample here.
    let doc = field.doc.split("; null").next().unwrap_or_default();
    format!("{}: {doc}.", prefix.help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_base_units() {
        let name = |field, unit| name("xen_domain", field, unit);
        assert_eq!(
            name("cpu_time_ns", Unit::Nanoseconds),
            "xen_domain_cpu_seconds"
        );
        assert_eq!(
            name("uptime_ns", Unit::Nanoseconds),
            "xen_domain_uptime_seconds"
        );
        assert_eq!(name("memory_bytes", Unit::Bytes), "xen_domain_memory_bytes");
        assert_eq!(name("cpu_khz", Unit::Kilohertz), "xen_domain_cpu_hertz");
        assert_eq!(name("cap_percent", Unit::Percent), "xen_domain_cap_ratio");
        assert_eq!(name("rx_packets", Unit::Count), "xen_domain_rx_packets");
    }
}
