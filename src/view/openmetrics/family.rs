//! Metric families, and the lines that describe them.

use std::fmt::Write;

use super::format::Format;

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

    /// Adds a sample. `labels` is `name="value",…`, or empty.
    pub(super) fn put(&mut self, labels: &str, value: &str) {
        self.samples.push_str(&self.name);
        if !labels.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(self.samples, "{{{labels}}}");
        }
        let _ = writeln!(self.samples, " {value}");
    }

    /// Adds a sample for each state. The label of the state has the family's name.
    pub(super) fn put_states(&mut self, labels: &str, states: &[&str], current: &str) {
        let separator = if labels.is_empty() { "" } else { "," };
        for &state in states {
            let value = u8::from(state == current);
            let _ = writeln!(
                self.samples,
                "{name}{{{labels}{separator}{name}=\"{state}\"}} {value}",
                name = self.name,
            );
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
