//! The fields of a sample, of the host, and of its pCPUs, NUMA nodes and CPU pools.

use std::sync::LazyLock;

use super::field::{Field, HOST, STATE_TIMES, Thing, Unit, YES_NO};
use crate::sample::{Dom0Sample, HostSample, PcpuSample, Sample};
use crate::snapshot::{Build, Node, Pool};

/// The version of the fields. It goes up if a field changes its meaning or goes away, not if one is
/// added.
pub const SCHEMA: u32 = 1;

impl Thing for Sample<'static> {
    type Of<'a> = Sample<'a>;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<Sample<'static>>>> = LazyLock::new(sample_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn sample_fields() -> Vec<Field<Sample<'static>>> {
    type F = Field<Sample<'static>>;
    vec![
        F::number("schema", "goes up when a field changes its meaning or goes away", |_| SCHEMA.into()),
        F::text("time", "wall-clock time of the sample, RFC 3339, UTC", |of| of.snapshot.time.into()),
        F::gauge("interval_ns", Unit::Nanoseconds, "time since the sample before", |of| of.rates.interval_ns.into()).no_metric(),
        F::text("xenstore_as_of", "time of the names, if XenStore does not answer", |of| of.snapshot.xenstore_as_of().into()),
    ]
}

impl Thing for HostSample<'static> {
    type Of<'a> = HostSample<'a>;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<HostSample<'static>>>> = LazyLock::new(host_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn host_fields() -> Vec<Field<HostSample<'static>>> {
    type F = Field<HostSample<'static>>;
    vec![
        F::text("xen_version", "version of the running hypervisor", |of| of.host.xen_version.as_str().into()),
        F::gauge("uptime_ns", Unit::Nanoseconds, "time since Xen booted", |of| of.host.uptime_ns.into()).part(HOST),
        F::gauge("pcpus", Unit::Count, "pCPUs online", |of| of.host.pcpus.into()),
        F::gauge("cpu_khz", Unit::Kilohertz, "clock rate of the pCPUs", |of| of.host.cpu_khz.into()),
        F::gauge("memory_bytes", Unit::Bytes, "memory that Xen manages", |of| of.host.memory_bytes.into()),
        F::gauge("memory_free_bytes", Unit::Bytes, "memory that is free", |of| of.host.memory_free_bytes.into()),
        F::gauge("memory_claimed_bytes", Unit::Bytes, "free memory that is claimed for domains under construction", |of| of.host.memory_claimed_bytes.into()),
        F::rate("cpu_percent", Unit::Percent, "share of all pCPUs that was not idle", |of| of.rates.cpu_percent.into()),
        F::gauge("ready_vcpus", Unit::Count, "vCPUs that waited for a pCPU at a time, in the mean", |of| of.rates.ready_vcpus.into()).part(STATE_TIMES).no_metric(),
        F::gauge("most_ready_vcpus", Unit::Count, "most vCPUs that waited for a pCPU at a time", |of| of.host.trace.and_then(|trace| trace.most_ready).into()).part(STATE_TIMES).no_metric(),
        F::counter(("trace_records", None), Unit::Count, "records of the trace buffers that were used", |of| of.host.trace.map(|trace| trace.records).into()).part(STATE_TIMES),
        F::counter(("trace_lost_ns", None), Unit::Nanoseconds, "time for which pCPUs lost records, summed", |of| of.host.trace.map(|trace| trace.lost_ns).into()).part(STATE_TIMES),
    ]
}

impl Thing for PcpuSample<'static> {
    type Of<'a> = PcpuSample<'a>;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<PcpuSample<'static>>>> = LazyLock::new(pcpu_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn pcpu_fields() -> Vec<Field<PcpuSample<'static>>> {
    type F = Field<PcpuSample<'static>>;
    vec![
        F::number("id", "its number in Xen", |of| of.pcpu.id.into()),
        F::state("online", YES_NO, "whether it is online", |of| of.pcpu.is_online().into()),
        F::number("socket", "its socket", |of| of.pcpu.socket.into()).part(HOST).label("socket"),
        F::number("core", "its core in the socket", |of| of.pcpu.core.into()).part(HOST).label("core"),
        F::number("node", "its NUMA node", |of| of.pcpu.node.into()).part(HOST).label("node"),
        F::number("pool", "its CPU pool", |of| of.host.pool_of(of.pcpu.id).map(|pool| pool.id).into()).part(HOST).label("pool"),
        F::counter(("idle_time_ns", Some("cpu_percent")), Unit::Nanoseconds, "time that it has been idle", |of| of.pcpu.idle_time_ns.into()),
        F::rate("cpu_percent", Unit::Percent, "share of the time that it was not idle", |of| of.cpu_percent.into()),
    ]
}

impl Thing for Node {
    type Of<'a> = &'a Node;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<Node>>> = LazyLock::new(node_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn node_fields() -> Vec<Field<Node>> {
    type F = Field<Node>;
    vec![
        F::number("id", "its number", |of| of.id.into()).part(HOST),
        F::gauge("memory_bytes", Unit::Bytes, "memory on it", |of| of.memory_bytes.into()).part(HOST),
        F::gauge("memory_free_bytes", Unit::Bytes, "memory on it that is free", |of| of.memory_free_bytes.into()).part(HOST),
    ]
}

impl Thing for Pool {
    type Of<'a> = &'a Pool;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<Pool>>> = LazyLock::new(pool_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn pool_fields() -> Vec<Field<Pool>> {
    type F = Field<Pool>;
    vec![
        F::number("id", "its number", |of| of.id.into()).part(HOST),
        F::text("name", "its name in XenStore", |of| of.name.as_deref().into()).part(HOST).label("name"),
        F::text("scheduler", "its scheduler; a number if unknown", |of| of.scheduler.name().into()).part(HOST).label("scheduler"),
        F::gauge("timeslice_ns", Unit::Nanoseconds, "how long credit lets a vCPU run at a time", |of| of.timeslice_ns.into()).part(HOST),
        F::text("pcpus", "the numbers of its pCPUs", |of| of.pcpus.as_slice().into()).part(HOST),
        F::gauge("domains", Unit::Count, "domains in it", |of| of.domains.into()).part(HOST),
    ]
}

impl Thing for Build {
    type Of<'a> = &'a Build;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<Build>>> = LazyLock::new(build_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn build_fields() -> Vec<Field<Build>> {
    type F = Field<Build>;
    vec![
        F::text("changeset", "the changeset that Xen was built from", |of| of.changeset.as_str().into()).part(HOST).label("changeset"),
        F::text("compiler", "the compiler that it was built with", |of| of.compiler.as_str().into()).part(HOST).label("compiler"),
        F::text("date", "when it was built", |of| of.date.as_str().into()).part(HOST).label("date"),
        F::text("id", "its build ID", |of| of.id.as_deref().into()).part(HOST).label("build_id"),
        F::text("command_line", "the command line that it was booted with", |of| of.command_line.as_str().into()).part(HOST),
        F::text("capabilities", "the kinds of guests that it can run", |of| of.capabilities.as_str().into()).part(HOST),
    ]
}

impl Thing for Dom0Sample<'static> {
    type Of<'a> = Dom0Sample<'a>;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<Dom0Sample<'static>>>> = LazyLock::new(dom0_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn dom0_fields() -> Vec<Field<Dom0Sample<'static>>> {
    type F = Field<Dom0Sample<'static>>;
    vec![
        F::gauge("uptime_ns", Unit::Nanoseconds, "time since dom0's kernel booted", |of| of.kernel.uptime_ns.into()).part(HOST),
        F::counter(("cpu_time_ns", Some("cpu_percent")), Unit::Nanoseconds, "CPU time that dom0's kernel counts", |of| of.kernel.cpu_time_ns.into()).part(HOST),
        F::rate("cpu_percent", Unit::Percent, "CPU use that dom0's kernel counts: 100 is one pCPU", |of| of.rates.dom0_cpu_percent.into()).part(HOST),
        F::counter(("steal_time_ns", Some("steal_percent")), Unit::Nanoseconds, "steal time that dom0's kernel counts", |of| of.kernel.steal_time_ns.into()).part(HOST),
        F::rate("steal_percent", Unit::Percent, "steal that dom0's kernel counts: 100 is one pCPU", |of| of.rates.dom0_steal_percent.into()).part(HOST),
    ]
}
