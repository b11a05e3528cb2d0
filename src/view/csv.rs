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
