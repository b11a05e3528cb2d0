//! Labels, and which of them identify a thing.

use std::collections::HashSet;
use std::fmt::Write;
use std::mem;

use crate::fields::Value;
use crate::text::{numbers, safe};

/// Returns the labels with another one. Characters of the value that could do something to a terminal are
/// escaped, and what the formats need to be escaped.
pub(super) fn with(mut labels: String, name: &str, value: &str) -> String {
    if !labels.is_empty() {
        labels.push(',');
    }
    labels.push_str(name);
    labels.push_str("=\"");
    for c in safe(value).chars() {
        // A line feed is unsafe, so there is none left.
        if matches!(c, '\\' | '"') {
            labels.push('\\');
        }
        labels.push(c);
    }
    labels.push('"');
    labels
}

/// Returns the labels with another one. An unknown value is empty, which to Prometheus is the same as no
/// label.
pub(super) fn with_value(labels: String, name: &str, value: Value<'_>) -> String {
    match value {
        Value::Unknown | Value::Unlimited => with(labels, name, ""),
        Value::Text(text) => with(labels, name, text),
        Value::Bool(yes) => with(labels, name, if yes { "true" } else { "false" }),
        Value::Count(count) => with_number(labels, name, count),
        Value::Real(real) => with(labels, name, &real.to_string()),
        Value::Uuid(uuid) => with(labels, name, &uuid.to_string()),
        Value::Time(time) => with(labels, name, &time.to_string()),
        Value::Numbers(all) => with(labels, name, &numbers(all)),
    }
}

/// Returns the labels with a number.
pub(super) fn with_number(mut labels: String, name: &str, number: impl Into<u64>) -> String {
    if !labels.is_empty() {
        labels.push(',');
    }
    let _ = write!(labels, "{name}=\"{}\"", number.into());
    labels
}

/// A thing and its labels.
pub(super) struct Labelled<T> {
    pub(super) of: T,
    labels: String,
    /// The length of the labels that identify it; other things may have the same.
    identity: usize,
}

impl<T> Labelled<T> {
    /// Gives a thing the labels that identify it.
    pub(super) fn new(labels: String, of: T) -> Self {
        Self {
            of,
            identity: labels.len(),
            labels,
        }
    }

    /// Returns its labels, which no other thing of its kind has.
    pub(super) fn labels(&self) -> &str {
        &self.labels
    }

    /// Returns the labels that identify it.
    pub(super) fn identity(&self) -> &str {
        &self.labels[..self.identity]
    }
}

/// Adds a label to the things of a kind if some have the same labels: to all but the first of those, it
/// has this number as its value. It is empty for the others, which to Prometheus is the same as no label.
pub(super) fn distinguish<T>(things: &mut [Labelled<T>], name: &str, number: impl Fn(&T) -> u64) {
    let mut seen = HashSet::new();
    let again: Vec<bool> = things
        .iter()
        .map(|one| !seen.insert(one.labels.as_str()))
        .collect();
    if !again.contains(&true) {
        return;
    }
    for (thing, again) in things.iter_mut().zip(again) {
        let labels = mem::take(&mut thing.labels);
        thing.labels = match again {
            true => with_number(labels, name, number(&thing.of)),
            false => with(labels, name, ""),
        };
    }
}
