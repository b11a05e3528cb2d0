//! Metric families, as one text.

use super::family::{Family, Type};
use super::format::Format;
use super::labels::{Labelled, with, with_value};
use super::metric::{Prefix, information, metrics};
use crate::fields::Thing;

/// The last line of OpenMetrics.
pub(super) const END: &str = "# EOF\n";

/// Metric families with their samples. A family without samples is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposition {
    /// The families, each once.
    pub families: Vec<Family>,
}

impl Exposition {
    /// Returns what says that there is no sample: only `xen_up` with the value 0, and this program's
    /// version.
    pub fn down() -> Self {
        Self {
            families: own(false).into(),
        }
    }

    /// Returns what every exposition with a sample begins with.
    pub(super) fn up() -> Self {
        Self {
            families: own(true).into(),
        }
    }

    /// Formats it.
    pub fn text(&self, format: Format) -> String {
        let lengths = self.families.iter().map(Family::length);
        let mut out = String::with_capacity(lengths.sum::<usize>() + 6);
        for family in &self.families {
            family.write(&mut out, format);
        }
        if format == Format::OpenMetrics {
            out.push_str(END);
        }
        out
    }

    /// Adds a family unless it has no samples.
    pub(super) fn add(&mut self, family: Family) {
        if !family.samples.is_empty() {
            self.families.push(family);
        }
    }

    /// Adds the metrics of things of one kind.
    pub(super) fn things<T: Thing>(&mut self, prefix: Prefix, things: &[Labelled<T::Of<'_>>]) {
        for metric in metrics::<T>(prefix) {
            let mut family = metric.family();
            for thing in things {
                metric.sample(thing.labels(), &thing.of, &mut family);
            }
            self.add(family);
        }
        let labels = information::<T>();
        if labels.is_empty() {
            return;
        }
        let mut family = prefix.information();
        for thing in things {
            // What tells it apart is among them.
            let all = labels
                .iter()
                .fold(thing.identity().to_owned(), |all, (name, field)| {
                    with_value(all, name, field.of(&thing.of))
                });
            family.put(&all, "1");
        }
        self.add(family);
    }
}

/// Returns the families that there are without a sample.
fn own(up: bool) -> [Family; 2] {
    let help = "Whether the figures below were read from the running Xen. If not, there are none.";
    let mut is_up = Family::new("xen_up", Type::Gauge, "", help);
    is_up.put("", if up { "1" } else { "0" });
    let help = "The xenscope that exports this.";
    let mut build = Family::new("xenscope_build", Type::Info, "", help);
    let version = env!("CARGO_PKG_VERSION");
    build.put(&with(String::new(), "version", version), "1");
    [is_up, build]
}
