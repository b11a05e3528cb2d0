//! All about a domain, as a paragraph.

use super::Sample;
use super::text::{UNKNOWN, mib, or_unknown, safe};
use crate::rates::{DomainRates, Measured};
use crate::snapshot::Domain;

/// One paragraph for each domain of the sample.
pub fn paragraphs(sample: Sample<'_>) -> String {
    let paragraphs: Vec<String> = sample
        .domains()
        .map(|(domain, rates)| paragraph(domain, rates, sample.rates.interval_ns))
        .collect();
    paragraphs.join("\n")
}

fn paragraph(domain: &Domain, rates: &DomainRates, interval_ns: Option<u64>) -> String {
    let name = safe(domain.name.as_deref().unwrap_or(UNKNOWN));
    let state = match domain.states.shutdown {
        Some(reason) => format!("{} ({reason})", domain.states.summary()),
        None => domain.states.summary().to_string(),
    };
    let uuid = match domain.store_uuid {
        Some(other) if other != domain.uuid => {
            format!("{} (XenStore has {other})", domain.uuid)
        }
        _ => domain.uuid.to_string(),
    };
    let percent =
        |figure: Option<Measured>| or_unknown(figure, |figure| format!("{:.1} %", figure.value));
    let lines = [
        ("uuid", uuid),
        ("type", domain.kind.to_string()),
        ("state", state),
        (
            "cpu",
            format!(
                "{} of one pCPU, {} of its vCPUs{}",
                percent(rates.cpu_percent),
                percent(rates.cpu_percent_of_vcpus),
                interval_ns.map_or_else(String::new, |ns| format!(", over {:.2} s", seconds(ns)))
            ),
        ),
        ("cpu time", format!("{:.3} s", seconds(domain.cpu_time_ns))),
        (
            "vcpus",
            format!("{} online of {}", domain.vcpus_online, domain.vcpus_max),
        ),
        (
            "memory",
            format!(
                "{} used, ceiling {}, target {}",
                mib(domain.memory_bytes),
                domain
                    .memory_max_bytes
                    .map_or_else(|| "none".to_owned(), mib),
                or_unknown(domain.memory_target_bytes, mib)
            ),
        ),
    ];
    let mut out = format!("{name} (domain {})\n", domain.id);
    for (label, value) in lines {
        out.push_str(&format!("  {label:<10}{value}\n"));
    }
    out
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
