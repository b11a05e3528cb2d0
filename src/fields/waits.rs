//! The fields of `xenscope waits`.

use std::sync::LazyLock;

use super::field::{Field, Thing, Unit};
use super::host::SCHEMA;
use crate::waits::{DomainWaits, Occupant, VcpuWaits, Waits};

impl Thing for Waits {
    type Of<'a> = &'a Waits;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<Waits>>> = LazyLock::new(waits_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn waits_fields() -> Vec<Field<Waits>> {
    type F = Field<Waits>;
    vec![
        F::number("schema", "goes up when a field changes its meaning or goes away", |_| SCHEMA.into()),
        F::text("time", "wall-clock time at the end, RFC 3339, UTC", |of| of.time.into()),
        F::gauge("interval_ns", Unit::Nanoseconds, "time between the first record and the last one", |of| of.interval_ns.into()),
        F::gauge("records", Unit::Count, "records of the trace buffers that were used", |of| of.records.into()),
        F::gauge("lost_ns", Unit::Nanoseconds, "time for which pCPUs lost records, summed", |of| of.lost_ns.into()),
        F::gauge("ready_vcpus", Unit::Count, "vCPUs that waited at a time, in the mean", |of| of.ready_vcpus.into()),
        F::gauge("most_ready_vcpus", Unit::Count, "most vCPUs that waited at a time", |of| of.most_ready_vcpus.into()),
    ]
}

impl Thing for DomainWaits {
    type Of<'a> = &'a DomainWaits;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<DomainWaits>>> = LazyLock::new(domain_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn domain_fields() -> Vec<Field<DomainWaits>> {
    type F = Field<DomainWaits>;
    vec![
        F::number("id", "its ID, which a later domain may reuse", |of| of.id.into()),
        F::text("uuid", "its UUID", |of| of.uuid.into()),
        F::text("name", "its name", |of| of.name.as_deref().into()),
        F::rate("running_percent", Unit::Percent, "time its vCPUs ran: 100 is one vCPU", |of| of.shares.running_percent.into()),
        F::rate("ready_percent", Unit::Percent, "time its vCPUs waited for a pCPU", |of| of.shares.ready_percent.into()),
        F::rate("blocked_percent", Unit::Percent, "time its vCPUs waited for an event", |of| of.shares.blocked_percent.into()),
        F::rate("throttled_percent", Unit::Percent, "time its cap kept its vCPUs from running", |of| of.shares.throttled_percent.into()),
        F::rate("offline_percent", Unit::Percent, "time they were paused, unplugged or throttled", |of| of.shares.offline_percent.into()),
        F::rate("unknown_percent", Unit::Percent, "time in which records were lost", |of| of.shares.unknown_percent.into()),
        F::rate("waited_idle_percent", Unit::Percent, "share of the ready time beside idle pCPUs", |of| of.waited_for.idle_percent.into()),
        F::rate("waited_unknown_percent", Unit::Percent, "share of the ready time with unknown others", |of| of.waited_for.unknown_percent.into()),
        F::gauge("measured_ns", Unit::Nanoseconds, "time for which its ready time is known", |of| of.measured_ns.into()),
    ]
}

impl Thing for VcpuWaits {
    type Of<'a> = &'a VcpuWaits;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<VcpuWaits>>> = LazyLock::new(vcpu_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn vcpu_fields() -> Vec<Field<VcpuWaits>> {
    type F = Field<VcpuWaits>;
    vec![
        F::number("id", "its number in the domain", |of| of.id.into()),
        F::rate("running_percent", Unit::Percent, "time on a pCPU", |of| of.shares.running_percent.into()),
        F::rate("ready_percent", Unit::Percent, "time it was ready to run and waited for a pCPU", |of| of.shares.ready_percent.into()),
        F::rate("blocked_percent", Unit::Percent, "time it waited for an event", |of| of.shares.blocked_percent.into()),
        F::rate("throttled_percent", Unit::Percent, "time its cap kept it from running", |of| of.shares.throttled_percent.into()),
        F::rate("offline_percent", Unit::Percent, "time it was paused, unplugged or throttled", |of| of.shares.offline_percent.into()),
        F::rate("unknown_percent", Unit::Percent, "time in which records were lost", |of| of.shares.unknown_percent.into()),
        F::rate("schedules_per_second", Unit::PerSecond, "how often it was scheduled in", |of| of.schedules_per_second.into()),
        F::rate("moves_per_second", Unit::PerSecond, "how often on another pCPU than before", |of| of.moves_per_second.into()),
        F::rate("waits_per_second", Unit::PerSecond, "how often it waited for a pCPU", |of| of.waits_per_second.into()),
        F::gauge("mean_wait_ns", Unit::Nanoseconds, "its waits in the mean", |of| of.mean_wait_ns.into()),
        F::gauge("p99_wait_ns", Unit::Nanoseconds, "99 % of its waits were not longer", |of| of.p99_wait_ns.into()),
        F::gauge("longest_wait_ns", Unit::Nanoseconds, "its longest wait", |of| of.longest_wait_ns.into()),
        F::text("pcpus", "the pCPUs that it ran on", |of| of.pcpus.as_deref().into()),
        F::text("nodes", "the NUMA nodes that it ran on", |of| of.nodes.as_deref().into()),
        F::rate("waited_idle_percent", Unit::Percent, "share of the ready time beside idle pCPUs", |of| of.waited_for.idle_percent.into()),
        F::rate("waited_unknown_percent", Unit::Percent, "share of the ready time with unknown others", |of| of.waited_for.unknown_percent.into()),
    ]
}

impl Thing for Occupant {
    type Of<'a> = &'a Occupant;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<Occupant>>> = LazyLock::new(occupant_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn occupant_fields() -> Vec<Field<Occupant>> {
    type F = Field<Occupant>;
    vec![
        F::number("id", "the domain that had the pCPUs", |of| of.id.into()),
        F::text("name", "its name", |of| of.name.as_deref().into()),
        F::rate("percent", Unit::Percent, "share of the ready time that it had them", |of| of.percent.into()),
    ]
}
