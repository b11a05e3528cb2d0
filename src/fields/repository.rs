//! The fields of storage repositories.

use std::sync::LazyLock;

use super::field::{Field, Thing, Unit};
use super::value::Value;
use crate::repositories::{COLLECT, Repository};
use crate::snapshot::DiskCounter;

impl Thing for Repository {
    type Of<'a> = &'a Repository;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<Repository>>> = LazyLock::new(repository_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn repository_fields() -> Vec<Field<Repository>> {
    type F = Field<Repository>;
    use Unit::{BytesPerSecond, Nanoseconds, PerSecond};
    let rate = |name, unit, doc, counter: DiskCounter| F::rate(name, unit, doc, move |of| of[counter].into());
    let fields = vec![
        F::text("uuid", "its UUID in XAPI", |of| of.uuid.into()),
        F::gauge("disks", Unit::Count, "disks of domains on it", |of| count(of.disks)),
        F::gauge("measured_disks", Unit::Count, "those whose rates are known: the sums are over them", |of| count(of.measured_disks)),
        rate("read_bytes_per_second", BytesPerSecond, "bytes read", DiskCounter::ReadBytes),
        rate("write_bytes_per_second", BytesPerSecond, "bytes written", DiskCounter::WriteBytes),
        rate("read_requests_per_second", PerSecond, "read requests", DiskCounter::ReadRequests),
        rate("write_requests_per_second", PerSecond, "write requests", DiskCounter::WriteRequests),
        rate("out_of_slots_per_second", PerSecond, "requests that found no free slot", DiskCounter::OutOfSlots),
        F::rate("read_latency_ns", Nanoseconds, "mean time per completed read (tapdisk)", |of| of.read_latency_ns.into()),
        F::rate("write_latency_ns", Nanoseconds, "mean time per completed write (tapdisk)", |of| of.write_latency_ns.into()),
        F::number("busiest_domain_id", "the domain with the most requests", |of| of.busiest.as_ref().map(|busiest| busiest.id).into()),
        F::text("busiest_domain", "its name in XenStore", |of| of.busiest.as_ref().and_then(|busiest| busiest.name.as_deref()).into()),
        F::rate("busiest_percent", Unit::Percent, "its share of the requests", |of| of.busiest.as_ref().map(|busiest| busiest.percent).into()),
    ];
    fields.into_iter().map(|field| field.part(COLLECT)).collect()
}

fn count<'a>(number: usize) -> Value<'a> {
    u64::try_from(number).ok().into()
}
