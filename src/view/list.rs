//! The domains, one line each.

use super::Sample;
use super::table::{Align, Table};
use crate::sample::DomainSample;
use crate::units::mib;

/// Formats the table of `xenscope list`, at most `width` columns wide if names can be shortened.
pub fn table(sample: Sample<'_>, width: Option<usize>) -> String {
    let heads = [
        ("TYPE", Align::Left),
        ("STATE", Align::Left),
        ("VCPUS", Align::Right),
        ("MEMORY", Align::Right),
    ];
    let rows = sample.domains().map(|DomainSample { domain, .. }| {
        let cells = vec![
            domain.kind.to_string(),
            domain.states.summary().to_string(),
            domain.vcpus_online.to_string(),
            mib(domain.memory_bytes),
        ];
        (domain, cells)
    });
    Table::of_domains(false, &heads, rows).render(width)
}
