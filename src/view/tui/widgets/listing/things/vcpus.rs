//! All vCPUs.

use std::sync::LazyLock;

use super::{Listed, VCPUS, of_domain, of_domains};
use crate::sample::{Sample, VcpuSample};
use crate::snapshot::Collect;
use crate::view::tui::action::List;
use crate::view::tui::widgets::listing::column::{Column, Tint};
use crate::view::tui::widgets::listing::rows::{Entry, Place};

impl Listed for VcpuSample<'static> {
    const LIST: List = List::Vcpus;
    const WHAT: &'static str = "vCPUs";
    const PART: Collect = VCPUS;
    const SORT: &'static str = "CPU%";

    fn columns() -> &'static [Column<Self>] {
        static COLUMNS: LazyLock<Vec<Column<VcpuSample<'static>>>> = LazyLock::new(vcpu_columns);
        &COLUMNS
    }

    fn entries(sample: Sample<'_>) -> Option<Vec<Entry>> {
        of_domains(sample, |domain| {
            Some(domain.vcpus.as_ref()?.iter().map(|vcpu| vcpu.id))
        })
    }

    fn at<'a>(sample: Sample<'a>, place: Place) -> Option<Self::Of<'a>> {
        sample.domain(place.domain?)?.vcpus()?.nth(place.index)
    }
}

#[rustfmt::skip]
fn vcpu_columns() -> Vec<Column<VcpuSample<'static>>> {
    type C = Column<VcpuSample<'static>>;
    let lost = |column: C| column.tinted(Tint::Load);
    of_domain().into_iter().chain([
        C::of("id", "VCPU", 90),
        C::of("state", "STATE", 50).map(|column| column.wide(8, 8)),
        C::of("pcpu", "PCPU", 70),
        C::of("cpu_percent", "CPU%", 80),
        C::of("ready_percent", "READY%", 78).map(lost),
        C::of("throttled_percent", "THR%", 77).map(lost),
        C::of("longest_wait_ns", "LONGEST", 60).map(|column| column.wide(8, 9)),
        C::of("blocked_percent", "BLOCKED%", 20),
        C::of("waits_per_second", "WAITS/s", 25),
        C::of("schedules_per_second", "SCHED/s", 22),
        C::of("cpu_time_ns", "CPU TIME", 30),
        C::of("hard_affinity", "HARD", 40).map(|column| column.wide(6, 24)),
        C::of("soft_affinity", "SOFT", 39).map(|column| column.wide(6, 24)),
    ]).flatten().collect()
}
