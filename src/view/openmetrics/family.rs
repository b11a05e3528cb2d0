//! Metric families, and the lines that describe them.

use super::format::Format;
use super::value;
use crate::fields::{Unit, Value};

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Counter,
    Gauge,
    StateSet,
    Info,
}

/// A metric family and its samples, without timestamps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The lines that describe it in OpenMetrics.
    pub open_metrics: String,
    /// The same in the classic format.
    pub classic: String,
    /// A line for each sample, the same in both formats.
    pub samples: String,
    /// The name of its samples; empty if it was received from another process.
    name: String,
}

impl Family {
    /// Makes a family without samples. `name` has the unit, and not the suffix of the type.
    pub(super) fn new(name: &str, kind: Type, unit: &str, help: &str) -> Self {
        let (suffix, open, classic) = match kind {
            Type::Counter => ("_total", "counter", "counter"),
            Type::Gauge => ("", "gauge", "gauge"),
            Type::StateSet => ("", "stateset", "gauge"),
            Type::Info => ("_info", "info", "gauge"),
        };
        let unit = match unit {
            "" => String::new(),
            unit => format!("# UNIT {name} {unit}\n"),
        };
        let sample = format!("{name}{suffix}");
        Self {
            open_metrics: format!("# TYPE {name} {open}\n{unit}# HELP {name} {help}\n"),
            classic: format!("# HELP {sample} {help}\n# TYPE {sample} {classic}\n"),
            samples: String::new(),
            name: sample,
        }
    }

    /// Makes a family of what another process has formatted.
    pub fn received(open_metrics: String, classic: String, samples: String) -> Self {
        Self {
            open_metrics,
            classic,
            samples,
            name: String::new(),
        }
    }

    /// Adds a sample with this text as its value. `labels` is `name="value",…`, or empty.
    pub(super) fn put(&mut self, labels: &str, value: &str) {
        self.begin(labels);
        self.samples.push_str(value);
        self.samples.push('\n');
    }

    /// Adds a sample; none if the value is unknown.
    pub(super) fn put_value(&mut self, labels: &str, value: Value<'_>, unit: Unit) {
        let before = self.samples.len();
        self.begin(labels);
        match value::write(&mut self.samples, value, unit) {
            true => self.samples.push('\n'),
            false => self.samples.truncate(before),
        }
    }

    /// Writes a sample up to its value.
    fn begin(&mut self, labels: &str) {
        self.samples.push_str(&self.name);
        if !labels.is_empty() {
            self.samples.push('{');
            self.samples.push_str(labels);
            self.samples.push('}');
        }
        self.samples.push(' ');
    }

    /// Adds a sample for each state. The label of the state has the family's name.
    pub(super) fn put_states(&mut self, labels: &str, states: &[&str], current: &str) {
        for &state in states {
            let out = &mut self.samples;
            out.push_str(&self.name);
            out.push('{');
            out.push_str(labels);
            out.push_str(if labels.is_empty() { "" } else { "," });
            out.push_str(&self.name);
            out.push_str("=\"");
            out.push_str(state);
            out.push_str(if state == current {
                "\"} 1\n"
            } else {
                "\"} 0\n"
            });
        }
    }

    /// Returns how many bytes it takes at most.
    pub(super) fn length(&self) -> usize {
        self.samples.len() + self.open_metrics.len().max(self.classic.len())
    }

    pub(super) fn write(&self, out: &mut String, format: Format) {
        out.push_str(match format {
            Format::OpenMetrics => &self.open_metrics,
            Format::Classic => &self.classic,
        });
        out.push_str(&self.samples);
    }
}
