//! vCPUs, one line each.

use super::Sample;
use super::table::{Align, Head, Table};
use crate::rates::{Rate, StateRates};
use crate::sample::VcpuSample;
use crate::snapshot::{Identity, StateTimes, Vcpu};
use crate::text::{numbers, or_unknown};
use crate::units::{nanoseconds, seconds, tenths};

/// Formats the table of `xenscope vcpus`, at most `width` columns wide if texts can be shortened.
pub fn lines(sample: Sample<'_>, wanted: &[Identity], width: Option<usize>) -> String {
    let table = table(sample, wanted, false);
    match table.is_empty() {
        true => "There are no vCPUs.\n".to_owned(),
        false => table.render(width),
    }
}

/// Returns the table of the vCPUs of these domains, or of all if none is named.
pub(super) fn table(sample: Sample<'_>, wanted: &[Identity], full_name: bool) -> Table {
    let traced = sample.snapshot.collected.state_times;
    let rows = sample.in_order(wanted).into_iter().flat_map(|one| {
        let vcpus = one.vcpus().into_iter().flatten();
        vcpus.map(move |vcpu| (one.domain, row(vcpu, traced)))
    });
    Table::of_domains(full_name, &heads(traced), rows)
}

/// Returns the columns of a vCPU. Those of a trace are before the ones that a narrow screen may lack.
pub(super) fn heads(traced: bool) -> Vec<Head> {
    let mut heads = HEADS.to_vec();
    if traced {
        heads.splice(AFTER_SHARE..AFTER_SHARE, STATE_HEADS);
    }
    heads
}

/// Returns the cells of a vCPU.
pub(super) fn row(
    VcpuSample {
        vcpu,
        cpu_percent,
        states,
    }: VcpuSample<'_>,
    traced: bool,
) -> Vec<String> {
    let mut cells = cells(vcpu, cpu_percent);
    if traced {
        let states = self::states(states, vcpu.state_times);
        cells.splice(AFTER_SHARE..AFTER_SHARE, states);
    }
    cells
}

/// The columns of the states of a vCPU or a domain.
pub(super) const STATE_HEADS: [Head; 4] = [
    ("READY %", Align::Right),
    ("THR %", Align::Right),
    ("WAITS/S", Align::Right),
    ("LONGEST", Align::Right),
];

/// Returns the cells of the states of a vCPU or a domain.
pub(super) fn states(rates: StateRates, times: Option<StateTimes>) -> [String; 4] {
    let longest = times.filter(|_| rates.ready_percent.is_some());
    [
        tenths(rates.ready_percent),
        tenths(rates.throttled_percent),
        tenths(rates.waits_per_second),
        or_unknown(longest, |times| nanoseconds(times.longest_wait_ns as f64)),
    ]
}

/// The number of columns of a vCPU up to its CPU use.
const AFTER_SHARE: usize = 4;

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
