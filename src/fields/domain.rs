//! The fields of domains and vCPUs.

use std::sync::LazyLock;

use super::device;
use super::field::{
    AFFINITIES, DETAILS, DISKS, Field, NAMES, NIC_COUNTERS, PAGING_POOLS, SCHEDULING, STATE_TIMES,
    TARGETS, Thing, Unit, VCPUS, YES_NO,
};
use super::value::Value;
use crate::rates::{Rate, StateRates};
use crate::sample::{DomainSample, VcpuSample};
use crate::snapshot::{
    DomainState, Reservation, Scheduling, ShutdownReason, StateTimes, VcpuState,
};

impl Thing for DomainSample<'static> {
    type Of<'a> = DomainSample<'a>;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<DomainSample<'static>>>> = LazyLock::new(domain_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn domain_fields() -> Vec<Field<DomainSample<'static>>> {
    type F = Field<DomainSample<'static>>;
    use Unit::{Bytes, Count, Nanoseconds, Percent};
    vec![
        F::number("id", "its ID, which a later domain may reuse", |of| of.domain.id.into()).label("domid"),
        F::text("uuid", "its UUID in Xen", |of| of.domain.uuid.into()),
        F::text("name", "its name in XenStore", |of| of.domain.name.as_deref().into()).part(NAMES),
        F::state("type", &["pv", "pvh", "hvm"], "how it is virtualised", |of| of.domain.kind.name().into()).label("type"),
        F::state("state", DomainState::NAMES, "its state", |of| of.domain.states.summary().name().into()),
        F::state("shutdown_reason", ShutdownReason::NAMES, "shutdown reason that the guest reports, or a number", |of| of.domain.states.shutdown.map(ShutdownReason::name).into()),
        F::gauge("vcpus_online", Count, "vCPUs online", |of| of.domain.vcpus_online.into()),
        F::gauge("vcpus_max", Count, "maximum number of vCPUs", |of| of.domain.vcpus_max.into()),
        F::counter(("cpu_time_ns", Some("cpu_percent")), Nanoseconds, "time that its vCPUs have run", |of| of.domain.cpu_time_ns.into()),
        F::rate("cpu_percent", Percent, "CPU use: 100 is one pCPU", |of| of.rates.cpu_percent.into()),
        F::rate("cpu_percent_of_vcpus", Percent, "CPU use: 100 is all of its online vCPUs", |of| of.rates.cpu_percent_of_vcpus.into()),
        F::gauge("memory_bytes", Bytes, "memory allocated to it", |of| of.domain.memory_bytes.into()),
        F::gauge("memory_max_bytes", Bytes, "limit of its memory; null without a limit", |of| limit(of.domain.memory_max_bytes)),
        F::gauge("memory_target_bytes", Bytes, "target of its balloon driver", |of| of.domain.memory_target_bytes.into()).part(TARGETS),
        F::gauge("memory_short_bytes", Bytes, "memory that it lacks to its target", |of| of.domain.memory_short_bytes().into()).part(TARGETS).no_metric(),
        F::gauge("memory_static_max_bytes", Bytes, "its maximum memory, set when it was built", |of| of.domain.memory_static_max_bytes.into()).part(DETAILS),
        F::gauge("memory_videoram_bytes", Bytes, "video memory of an HVM domain, which its target leaves out", |of| of.domain.memory_videoram_bytes.into()).part(DETAILS),
        F::gauge("memory_claimed_bytes", Bytes, "memory claimed for it but not yet allocated", |of| of.domain.memory_claimed_bytes.into()),
        F::gauge("memory_shared_bytes", Bytes, "memory that it shares with other domains", |of| of.domain.memory_shared_bytes.into()),
        F::gauge("memory_paged_bytes", Bytes, "memory paged out", |of| of.domain.memory_paged_bytes.into()),
        F::gauge("paging_pool_bytes", Bytes, "size of its paging pool; null for PV", |of| of.domain.paging_pool_bytes.into()).part(PAGING_POOLS),
        F::number("target_domain_id", "the domain that it serves, if it is a stub domain", |of| of.domain.target_domain.into()).part(DETAILS),
        F::number("pool", "its CPU pool", |of| of.domain.pool.into()).label("pool"),
        F::text("scheduler", "the scheduler of its CPU pool", |of| of.domain.scheduling.map(Scheduling::scheduler).into()).part(SCHEDULING),
        F::gauge("weight", Count, "its weight under credit and credit2; 256 unless set", |of| of.domain.scheduling.and_then(Scheduling::weight).into()).part(SCHEDULING),
        F::gauge("cap_percent", Percent, "its limit: 100 is one pCPU; null without a cap", |of| cap(of.domain.scheduling)).part(SCHEDULING),
        F::gauge("period_ns", Nanoseconds, "rtds: period of its vCPUs; null if they differ", |of| reservation(of, |reserved| reserved.period_ns.into())).part(SCHEDULING),
        F::gauge("budget_ns", Nanoseconds, "rtds: budget of its vCPUs; null if they differ", |of| reservation(of, |reserved| reserved.budget_ns.into())).part(SCHEDULING),
        F::state("extra_time", YES_NO, "rtds: whether its vCPUs may run beyond their budget", |of| reservation(of, |reserved| reserved.extra_time.into())).part(SCHEDULING),
    ]
    .into_iter()
    .chain(state_fields(|of: &DomainSample<'_>| of.domain.state_times, |of: &DomainSample<'_>| of.domain.ready_ns, |of: &DomainSample<'_>| of.rates.states))
    .chain([
        F::counter(("ready_missed_changes", None), Count, "changes of state that XCP-ng's count of ready time lacks", |of| of.domain.ready_missed_changes.into()).part(STATE_TIMES).no_metric(),
    ])
    .collect()
}

/// Returns the fields about the states of a vCPU, or of all vCPUs of a domain together. `ready_ns` is another count of
/// ready time, for a host that is not traced.
#[rustfmt::skip]
fn state_fields<T: Thing>(
    times: fn(&T::Of<'_>) -> Option<StateTimes>,
    ready_ns: fn(&T::Of<'_>) -> Option<u64>,
    rates: fn(&T::Of<'_>) -> StateRates,
) -> Vec<Field<T>> {
    use Unit::{Count, Nanoseconds, Percent, PerSecond};
    let counter = |names, unit, doc, get: fn(&StateTimes) -> u64| {
        Field::<T>::counter(names, unit, doc, move |of| times(of).as_ref().map(get).into())
    };
    let rate = |name, unit, doc, get: fn(&StateRates) -> Option<Rate>| {
        Field::<T>::rate(name, unit, doc, move |of| get(&rates(of)).into())
    };
    let scheduled = STATE_TIMES.and(SCHEDULING);
    vec![
        Field::counter(("ready_time_ns", Some("ready_percent")), Nanoseconds, "time ready to run, waiting for a pCPU", move |of| times(of).map(|times| times.ready_ns).or_else(|| ready_ns(of)).into()).part(STATE_TIMES),
        rate("ready_percent", Percent, "time waiting for a pCPU: 100 is one vCPU", |of| of.ready_percent).part(STATE_TIMES),
        counter(("blocked_time_ns", Some("blocked_percent")), Nanoseconds, "time waiting for an event", |of| of.blocked_ns).part(STATE_TIMES),
        rate("blocked_percent", Percent, "time waiting for an event: 100 is one vCPU", |of| of.blocked_percent).part(STATE_TIMES),
        counter(("offline_time_ns", Some("offline_percent")), Nanoseconds, "time paused, unplugged or throttled", |of| of.offline_ns).part(STATE_TIMES),
        rate("offline_percent", Percent, "time paused, unplugged or throttled: 100 is one vCPU", |of| of.offline_percent).part(STATE_TIMES),
        rate("throttled_percent", Percent, "share of the time that its cap kept it from running", |of| of.throttled_percent).part(scheduled),
        rate("lost_percent", Percent, "share of the time it wanted to run that it could not", StateRates::lost_percent).part(scheduled),
        counter(("schedules", Some("schedules_per_second")), Count, "times it was scheduled in", |of| of.schedules).part(STATE_TIMES),
        rate("schedules_per_second", PerSecond, "times it was scheduled in", |of| of.schedules_per_second).part(STATE_TIMES),
        counter(("waits", Some("waits_per_second")), Count, "waits for a pCPU", |of| of.waits).part(STATE_TIMES),
        rate("waits_per_second", PerSecond, "waits for a pCPU", |of| of.waits_per_second).part(STATE_TIMES),
        Field::gauge("longest_wait_ns", Nanoseconds, "its longest wait since the sample before", move |of| times(of).map(|times| times.longest_wait_ns).into()).part(STATE_TIMES).no_metric(),
    ]
}

/// Returns a limit; `None` is no limit, not an unknown one.
fn limit<'a>(bytes: Option<u64>) -> Value<'a> {
    bytes.map_or(Value::Unlimited, Value::Count)
}

fn cap<'a>(scheduling: Option<Scheduling>) -> Value<'a> {
    match scheduling.and_then(Scheduling::share) {
        Some((_, cap)) => cap.map_or(Value::Unlimited, Value::from),
        None => Value::Unknown,
    }
}

fn reservation(
    of: &DomainSample<'_>,
    get: impl FnOnce(Reservation) -> Value<'static>,
) -> Value<'static> {
    match of.domain.scheduling {
        Some(Scheduling::Rtds {
            reservation: Some(reserved),
        }) => get(reserved),
        _ => Value::Unknown,
    }
}

/// Returns the sums of rates over a domain's NICs and disks, for sorting and display. They are not
/// in JSON and CSV, because programs can compute them from the devices' rates.
///
/// They are named after the devices' rates: `nics_rx_bytes_per_second`.
pub fn sums() -> &'static [Field<DomainSample<'static>>] {
    static FIELDS: LazyLock<Vec<Field<DomainSample<'static>>>> = LazyLock::new(|| {
        let nics = device::all().map(|counter| {
            device::nic(counter).sum(("nics_", NIC_COUNTERS), move |of| {
                of.rates.of_nics(of.domain, counter).into()
            })
        });
        let disks = device::all().filter_map(|counter| {
            let counted = device::disk(counter);
            (!counted.is_time()).then(|| {
                let part = DISKS.with_disk_counters(&[counter]);
                counted.sum(("disks_", part), move |of| {
                    of.rates.of_disks(of.domain, counter).into()
                })
            })
        });
        let dropped = "packets that its NICs dropped, in both directions";
        let drops = Field::<DomainSample<'static>>::rate(
            "nics_drops_per_second",
            Unit::PerSecond,
            dropped,
            |of| of.rates.nic_drops(of.domain).into(),
        )
        .part(NIC_COUNTERS);
        nics.chain([drops]).chain(disks).collect()
    });
    &FIELDS
}

impl Thing for VcpuSample<'static> {
    type Of<'a> = VcpuSample<'a>;

    fn fields() -> &'static [Field<Self>] {
        static FIELDS: LazyLock<Vec<Field<VcpuSample<'static>>>> = LazyLock::new(vcpu_fields);
        &FIELDS
    }
}

#[rustfmt::skip]
fn vcpu_fields() -> Vec<Field<VcpuSample<'static>>> {
    type F = Field<VcpuSample<'static>>;
    vec![
        F::number("id", "its number in the domain", |of| of.vcpu.id.into()).part(VCPUS),
        F::state("online", YES_NO, "whether it is online", |of| (of.vcpu.state != VcpuState::Offline).into()).part(VCPUS),
        F::state("state", &["running", "runnable", "blocked", "offline"], "its state", |of| of.vcpu.state.name().into()).part(VCPUS),
        F::number("pcpu", "the pCPU that it is on, or was on last", |of| of.vcpu.pcpu.into()).part(VCPUS),
        F::counter(("cpu_time_ns", Some("cpu_percent")), Unit::Nanoseconds, "time that it has run", |of| of.vcpu.cpu_time_ns.into()).part(VCPUS),
        F::rate("cpu_percent", Unit::Percent, "CPU use: 100 is one pCPU", |of| of.cpu_percent.into()).part(VCPUS),
        F::text("hard_affinity", "the pCPUs that it may run on", |of| of.vcpu.hard_affinity.as_deref().into()).part(AFFINITIES),
        F::text("soft_affinity", "the pCPUs that it prefers", |of| of.vcpu.soft_affinity.as_deref().into()).part(AFFINITIES),
    ]
    .into_iter()
    .chain(state_fields(|of: &VcpuSample<'_>| of.vcpu.state_times, |_: &VcpuSample<'_>| None, |of: &VcpuSample<'_>| of.states))
    .collect()
}
