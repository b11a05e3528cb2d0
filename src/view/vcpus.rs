//! vCPUs, one line each.

use super::Sample;
use super::table::{Align, Table};
use super::text::{UNKNOWN, numbers, or_unknown, percent, safe, seconds};
use crate::rates::Measured;
use crate::snapshot::{Domain, Vcpu};

/// The table of `xenscope vcpus`, at most `width` columns wide where the names can give way.
pub fn lines(sample: Sample<'_>, width: Option<usize>) -> String {
    let mut table = table();
    for (domain, vcpu, percent) in sample.vcpus() {
        table.row(cells(domain, vcpu, percent));
    }
    table.render(width)
}

/// The table, without rows.
pub(super) fn table() -> Table {
    Table::new(&[
        ("ID", Align::Right),
        ("NAME", Align::Left),
        ("VCPU", Align::Right),
        ("STATE", Align::Left),
        ("PCPU", Align::Right),
        ("CPU %", Align::Right),
        ("CPU TIME", Align::Right),
        ("MAY RUN ON", Align::Left),
        ("PREFERS", Align::Left),
    ])
}

/// A vCPU's row.
pub(super) fn cells(domain: &Domain, vcpu: &Vcpu, share: Option<Measured>) -> Vec<String> {
    let set = |pcpus: &Option<Vec<u32>>| or_unknown(pcpus.as_deref(), numbers);
    vec![
        domain.id.to_string(),
        safe(domain.name.as_deref().unwrap_or(UNKNOWN)).into_owned(),
        vcpu.id.to_string(),
        vcpu.state.to_string(),
        or_unknown(vcpu.pcpu, |pcpu| pcpu.to_string()),
        percent(share),
        seconds(vcpu.cpu_time_ns),
        set(&vcpu.hard_affinity),
        set(&vcpu.soft_affinity),
    ]
}
