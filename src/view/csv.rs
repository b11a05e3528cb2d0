//! CSV: one row per sample and domain (or vCPU, or pCPU), with the names that JSON has for them.

use serde::Serialize;

use super::text::numbers;
use super::{Sample, json};
use crate::snapshot::VcpuState;

/// The columns before those of the domain, the vCPU or the pCPU.
const SAMPLE: [&str; 2] = ["time", "interval_ns"];

/// The columns of a vCPU; a set of pCPUs is written like 0-3,6.
const VCPU: [&str; 10] = [
    "domain_id",
    "domain_name",
    "id",
    "online",
    "state",
    "pcpu",
    "cpu_time_ns",
    "cpu_percent",
    "hard_affinity",
    "soft_affinity",
];

/// The columns of a pCPU.
const PCPU: [&str; 8] = [
    "id",
    "online",
    "socket",
    "core",
    "node",
    "pool",
    "idle_time_ns",
    "cpu_percent",
];

/// The sample's domains, under a header when `header` asks for one.
pub fn domains(sample: Sample<'_>, header: bool) -> String {
    let rows = sample
        .domains()
        .map(|(domain, rates)| json::figures(domain, rates));
    text(sample, header.then_some(&json::FIGURES), rows)
}

/// The vCPUs of the sample's domains, under a header when `header` asks for one.
pub fn vcpus(sample: Sample<'_>, header: bool) -> String {
    let rows = sample.vcpus().map(|(domain, vcpu, percent)| {
        (
            domain.id,
            domain.name.as_deref(),
            vcpu.id,
            vcpu.state != VcpuState::Offline,
            vcpu.state,
            vcpu.pcpu,
            vcpu.cpu_time_ns,
            percent.map(|percent| percent.value),
            vcpu.hard_affinity.as_deref().map(numbers),
            vcpu.soft_affinity.as_deref().map(numbers),
        )
    });
    text(sample, header.then_some(&VCPU), rows)
}

/// The host's pCPUs, under a header when `header` asks for one.
pub fn pcpus(sample: Sample<'_>, header: bool) -> String {
    let host = &sample.snapshot.host;
    let rows = sample.pcpus().map(|(pcpu, percent)| {
        (
            pcpu.id,
            pcpu.is_online(),
            pcpu.socket,
            pcpu.core,
            pcpu.node,
            host.pool_of(pcpu.id).map(|pool| pool.id),
            pcpu.idle_time_ns,
            percent.map(|percent| percent.value),
        )
    });
    text(sample, header.then_some(&PCPU), rows)
}

fn text<const N: usize>(
    sample: Sample<'_>,
    header: Option<&[&str; N]>,
    rows: impl Iterator<Item = impl Serialize>,
) -> String {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    // Writing to a Vec does not fail, and every row has the same number of columns.
    if let Some(header) = header {
        let _ = writer.serialize((SAMPLE, header.as_slice()));
    }
    for row in rows {
        let _ = writer.serialize((sample.snapshot.time, sample.rates.interval_ns, row));
    }
    let out = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::doctored::{domain, snapshot, vcpu};
    use crate::rates::Rates;

    #[test]
    fn unknown_is_empty_and_names_are_quoted_and_exact() {
        let mut shell = domain(7, "a,\"b\"", 0, 5);
        shell.memory_max_bytes = None;
        let snapshot = snapshot(0, 0, vec![shell]);
        let sample = Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        };
        let text = domains(sample, true);
        let (header, row) = text.split_once('\n').unwrap();
        assert!(header.starts_with("time,interval_ns,id,uuid,name,type,state,shutdown_reason,"));
        assert!(
            row.starts_with(
                "1970-01-01T00:00:00Z,,7,00000000-0000-0000-0000-000000000008,\
                 \"a,\"\"b\"\"\",pvh,blocked,,1,2,5,,,134217728,,134217728,"
            ),
            "{row}"
        );
        assert_eq!(domains(sample, false), row);
    }

    #[test]
    fn every_row_has_the_columns_that_the_header_names() {
        let mut web = domain(7, "web", 0, 5);
        web.vcpus = Some(vec![vcpu(0, 1, 3)]);
        let snapshot = snapshot(0, 0, vec![web]);
        let sample = Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        };
        assert!(vcpus(sample, true).contains("7,web,0,true,running,1,3,,0-1,0-1"));
        for text in [
            domains(sample, true),
            vcpus(sample, true),
            pcpus(sample, true),
        ] {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let columns = reader.headers().unwrap().len();
            let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
            assert!(!rows.is_empty(), "{text}");
            assert!(rows.iter().all(|row| row.len() == columns), "{text}");
        }
    }

    #[test]
    fn the_columns_of_a_domain_are_the_fields_that_json_has() {
        let snapshot = snapshot(0, 0, vec![domain(7, "web", 0, 5)]);
        let sample = Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        };
        let line = json::line(sample);
        let domain = line.split("\"domains\":").nth(1).unwrap();
        let domain = domain.split("\"vcpus\":").next().unwrap();
        let positions: Vec<usize> = json::FIGURES
            .iter()
            .map(|field| domain.find(&format!("\"{field}\":")).unwrap())
            .collect();
        assert!(positions.is_sorted(), "{domain}");
        assert_eq!(domain.matches("\":").count(), json::FIGURES.len());
    }
}
