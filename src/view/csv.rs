//! CSV: one row per sample and domain, with the columns that the domains have in JSON.

use super::{Sample, json};

/// The columns before those of the domain.
const SAMPLE_COLUMNS: [&str; 2] = ["time", "interval_ns"];

/// The sample's rows, under a header when `header` asks for one.
pub fn rows(sample: Sample<'_>, header: bool) -> String {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    // Writing to a Vec does not fail, and every row has the same number of columns.
    if header {
        let _ = writer.serialize((SAMPLE_COLUMNS, json::DOMAIN_FIELDS));
    }
    for domain in json::domains(sample) {
        let time = sample.snapshot.time;
        let _ = writer.serialize((time, sample.rates.interval_ns, domain));
    }
    let out = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::doctored::{domain, snapshot};
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
        assert_eq!(
            rows(sample, true),
            "time,interval_ns,id,uuid,name,type,state,shutdown_reason,vcpus_online,vcpus_max,\
             cpu_time_ns,cpu_percent,cpu_percent_of_vcpus,memory_bytes,memory_max_bytes,\
             memory_target_bytes\n\
             1970-01-01T00:00:00Z,,7,00000000-0000-0000-0000-000000000008,\"a,\"\"b\"\"\",pvh,\
             blocked,,1,2,5,,,134217728,,134217728\n"
        );
    }

    #[test]
    fn the_columns_are_the_fields_that_json_has() {
        let snapshot = snapshot(0, 0, vec![domain(7, "web", 0, 5)]);
        let sample = Sample {
            snapshot: &snapshot,
            rates: &Rates::between(None, &snapshot),
        };
        let line = json::line(sample);
        let domain = line.split("\"domains\":").nth(1).unwrap();
        let positions: Vec<usize> = json::DOMAIN_FIELDS
            .iter()
            .map(|field| domain.find(&format!("\"{field}\":")).unwrap())
            .collect();
        assert!(positions.is_sorted(), "{domain}");
        assert_eq!(domain.matches("\":").count(), json::DOMAIN_FIELDS.len());
    }
}
