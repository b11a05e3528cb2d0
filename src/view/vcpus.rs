//! vCPUs, one line each.

use super::Sample;
use super::table::{Align, Head, Table};
use crate::rates::Rate;
use crate::snapshot::Vcpu;
use crate::text::{numbers, or_unknown};
use crate::units::{seconds, tenths};

/// Formats the table of `xenscope vcpus`, at most `width` columns wide if texts can be shortened.
pub fn lines(sample: Sample<'_>, width: Option<usize>) -> String {
    table(sample, false).render(width)
}

/// Returns the table of the vCPUs of all domains.
pub(super) fn table(sample: Sample<'_>, full_name: bool) -> Table {
    let rows = sample.domains().flat_map(|one| {
        let vcpus = one.vcpus().into_iter().flatten();
        vcpus.map(move |vcpu| (one.domain, cells(vcpu.vcpu, vcpu.cpu_percent)))
    });
    Table::of_domains(full_name, &HEADS, rows)
}

/// The columns of a vCPU.
pub(super) const HEADS: [Head; 7] = [
    ("VCPU", Align::Right),
    ("STATE", Align::Left),
    ("PCPU", Align::Right),
    ("CPU %", Align::Right),
    ("CPU TIME", Align::Right),
    ("HARD AFFINITY", Align::Yielding),
    ("SOFT AFFINITY", Align::Yielding),
];

/// Returns the cells of a vCPU.
pub(super) fn cells(vcpu: &Vcpu, share: Option<Rate>) -> Vec<String> {
    let set = |pcpus: &Option<Vec<u32>>| or_unknown(pcpus.as_deref(), numbers);
    vec![
        vcpu.id.to_string(),
        vcpu.state.to_string(),
        or_unknown(vcpu.pcpu, |pcpu| pcpu.to_string()),
        tenths(share),
        seconds(vcpu.cpu_time_ns),
        set(&vcpu.hard_affinity),
        set(&vcpu.soft_affinity),
    ]
}
