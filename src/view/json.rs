//! One JSON object per line and sample, for programs.
//!
//! Every field is described in README.md, "The JSON fields". What is not known is null.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use uuid::Uuid;

use super::Sample;
use super::text::is_unsafe;
use crate::snapshot::{DomId, DomainType, ShutdownReason, State};

/// Goes up when a field changes its meaning or goes away, not when one is added.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Record<'a> {
    schema: u32,
    time: jiff::Timestamp,
    interval_ns: Option<u64>,
    host: Host<'a>,
    domains: Vec<Domain<'a>>,
}

#[derive(Serialize)]
struct Host<'a> {
    xen_version: &'a str,
    pcpus: u32,
    memory_bytes: u64,
    memory_free_bytes: u64,
    cpu_percent: Option<f64>,
}

/// The names of the fields of [`Domain`], in their order.
pub(super) const DOMAIN_FIELDS: [&str; 14] = [
    "id",
    "uuid",
    "name",
    "type",
    "state",
    "shutdown_reason",
    "vcpus_online",
    "vcpus_max",
    "cpu_time_ns",
    "cpu_percent",
    "cpu_percent_of_vcpus",
    "memory_bytes",
    "memory_max_bytes",
    "memory_target_bytes",
];

/// The fields of a domain: in JSON as here, in CSV a column each.
#[derive(Serialize)]
pub(super) struct Domain<'a> {
    id: DomId,
    uuid: Uuid,
    name: Option<&'a str>,
    r#type: DomainType,
    state: State,
    shutdown_reason: Option<ShutdownReason>,
    vcpus_online: u32,
    vcpus_max: u32,
    cpu_time_ns: u64,
    cpu_percent: Option<f64>,
    cpu_percent_of_vcpus: Option<f64>,
    memory_bytes: u64,
    memory_max_bytes: Option<u64>,
    memory_target_bytes: Option<u64>,
}

/// The domains of a sample, field by field.
pub(super) fn domains(sample: Sample<'_>) -> impl Iterator<Item = Domain<'_>> {
    sample.domains().map(|(domain, rates)| Domain {
        id: domain.id,
        uuid: domain.uuid,
        name: domain.name.as_deref(),
        r#type: domain.kind,
        state: domain.states.summary(),
        shutdown_reason: domain.states.shutdown,
        vcpus_online: domain.vcpus_online,
        vcpus_max: domain.vcpus_max,
        cpu_time_ns: domain.cpu_time_ns,
        cpu_percent: rates.cpu_percent.map(|figure| figure.value),
        cpu_percent_of_vcpus: rates.cpu_percent_of_vcpus.map(|figure| figure.value),
        memory_bytes: domain.memory_bytes,
        memory_max_bytes: domain.memory_max_bytes,
        memory_target_bytes: domain.memory_target_bytes,
    })
}

/// The sample as one line.
pub fn line(sample: Sample<'_>) -> String {
    let host = &sample.snapshot.host;
    let record = Record {
        schema: SCHEMA,
        time: sample.snapshot.time,
        interval_ns: sample.rates.interval_ns,
        host: Host {
            xen_version: &host.xen_version,
            pcpus: host.pcpus,
            memory_bytes: host.memory_bytes,
            memory_free_bytes: host.memory_free_bytes,
            cpu_percent: sample.rates.host.cpu_percent.map(|figure| figure.value),
        },
        domains: domains(sample).collect(),
    };
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Escaping);
    // Writing to a Vec does not fail, and the record has neither maps nor numbers that JSON lacks.
    let _ = record.serialize(&mut serializer);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

/// Escapes, beyond what JSON asks for, what could upset a terminal that the line ends up on.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_unsafe) {
            let (before, from) = rest.split_at(at);
            CompactFormatter.write_string_fragment(writer, before)?;
            let mut characters = from.chars();
            for unit in characters
                .next()
                .into_iter()
                .collect::<String>()
                .encode_utf16()
            {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::doctored::{SECOND, domain, snapshot};
    use crate::rates::Rates;

    #[test]
    fn one_line_with_the_schema_first_and_null_for_unknown() {
        let mut web = domain(5, "web", 0, 7);
        web.states.shutdown = Some(ShutdownReason::SoftReset);
        web.memory_max_bytes = None;
        let snapshot = snapshot(SECOND, 0, vec![web]);
        let sample = Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        };
        assert_eq!(
            line(sample),
            "{\"schema\":1,\"time\":\"1970-01-01T00:00:00Z\",\"interval_ns\":null,\"host\":{\
             \"xen_version\":\"4.17.5\",\"pcpus\":2,\"memory_bytes\":4294967296,\
             \"memory_free_bytes\":1073741824,\"cpu_percent\":null},\"domains\":[{\"id\":5,\
             \"uuid\":\"00000000-0000-0000-0000-000000000006\",\"name\":\"web\",\"type\":\"pvh\",\
             \"state\":\"shutdown\",\"shutdown_reason\":\"soft_reset\",\"vcpus_online\":1,\
             \"vcpus_max\":2,\"cpu_time_ns\":7,\"cpu_percent\":null,\
             \"cpu_percent_of_vcpus\":null,\"memory_bytes\":134217728,\
             \"memory_max_bytes\":null,\"memory_target_bytes\":134217728}]}\n"
        );
    }

    #[test]
    fn names_are_exact_and_can_do_nothing_to_a_terminal() {
        let name = "a\x1b[2J\u{9b}\u{202e}\u{e0001}\"ä漢";
        let snapshot = snapshot(SECOND, 0, vec![domain(5, name, 0, 7)]);
        let sample = Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        };
        let line = line(sample);
        assert!(!line.trim_end().contains(is_unsafe), "{line:?}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["domains"][0]["name"], name);
    }
}
