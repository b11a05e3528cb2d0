//! All pCPUs, with what runs on them and what waits for them.

use std::sync::LazyLock;

use super::{Listed, VCPUS};
use crate::fields::{Kind, Unit, Value};
use crate::sample::{PcpuSample, Sample};
use crate::snapshot::{Collect, Pcpu, Snapshot, VcpuState};
use crate::view::tui::action::List;
use crate::view::tui::widgets::listing::column::{Column, Tint};
use crate::view::tui::widgets::listing::rows::{Entry, Key, Place, Row};

impl Listed for PcpuSample<'static> {
    const LIST: List = List::Pcpus;
    const WHAT: &'static str = "pCPUs";
    const PART: Collect = Collect::NOTHING;
    const SORT: &'static str = "PCPU";

    fn columns() -> &'static [Column<Self>] {
        static COLUMNS: LazyLock<Vec<Column<PcpuSample<'static>>>> = LazyLock::new(pcpu_columns);
        &COLUMNS
    }

    fn entries(sample: Sample<'_>) -> Option<Vec<Entry>> {
        Some(pcpu_entries(sample.snapshot))
    }

    fn at<'a>(sample: Sample<'a>, place: Place) -> Option<Self::Of<'a>> {
        sample.host().pcpus().nth(place.index)
    }
}

/// Returns a row for each pCPU, with the vCPU that ran there and the number that waited for it.
fn pcpu_entries(snapshot: &Snapshot) -> Vec<Entry> {
    let known = snapshot.collected.vcpus;
    let place = |(index, pcpu): (usize, &Pcpu)| {
        let key = Key {
            domain: None,
            id: pcpu.id,
        };
        let place = Place {
            domain: None,
            index,
            vcpu: None,
            queued: known.then_some(0),
        };
        (key, place)
    };
    let pcpus = &snapshot.host.pcpu;
    let mut entries: Vec<Entry> = pcpus.iter().enumerate().map(place).collect();
    for (domain, one) in snapshot.domains.iter().enumerate().filter(|_| known) {
        // A paused vCPU has the state of one that waits.
        let waits = !one.states.keep_from_running();
        for vcpu in one.vcpus.iter().flatten() {
            let Some(at) = vcpu
                .pcpu
                .and_then(|id| pcpus.binary_search_by_key(&id, |pcpu| pcpu.id).ok())
            else {
                continue;
            };
            let (_, place) = &mut entries[at];
            match vcpu.state {
                VcpuState::Running => (place.domain, place.vcpu) = (Some(domain), Some(vcpu.id)),
                VcpuState::Runnable if waits => {
                    place.queued = place.queued.map(|queued| queued + 1)
                }
                _ => {}
            }
        }
    }
    entries
}

#[rustfmt::skip]
fn pcpu_columns() -> Vec<Column<PcpuSample<'static>>> {
    type C = Column<PcpuSample<'static>>;
    [
        C::of("id", "PCPU", 100),
        C::of("node", "NODE", 50),
        C::of("socket", "SOCKET", 50),
        C::of("core", "CORE", 40),
        C::of("pool", "POOL", 45),
        C::of("cpu_percent", "CPU%", 90).map(|column| column.tinted(Tint::Load)),
        C::of_row(|row| row.place.queued.into(), "RUNNABLE", 85, ("vCPUs that waited for it, or that their cap kept from it", VCPUS, Kind::Gauge, Unit::Count))
            .map(|column| column.tinted(Tint::Above(0.0))),
        C::of_domain("id", "ID", 60),
        C::of_row(running, "RUNNING", 80, ("the domain that ran on it", VCPUS, Kind::Text, Unit::None))
            .map(|column| column.wide(8, 24)),
        C::of_row(|row| row.place.vcpu.into(), "VCPU", 70, ("the vCPU that ran on it", VCPUS, Kind::Text, Unit::Number)),
        C::of("online", "ONLINE", 30),
        C::of("idle_time_ns", "IDLE TIME", 20),
    ].into_iter().flatten().collect()
}

/// Returns the name of the domain that ran on a pCPU, or its ID.
fn running<'r>(row: &'r Row<'_, PcpuSample<'static>>) -> Value<'r> {
    match row.domain {
        Some(one) => {
            let name = one.domain.name.as_deref();
            name.map_or(one.domain.id.into(), Value::Text)
        }
        None if row.place.queued.is_some() && row.thing.pcpu.is_online() => Value::Text("(idle)"),
        None => Value::Unknown,
    }
}
