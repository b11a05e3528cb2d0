//! Who waited for a pCPU, how long, and for whom: the figures of `xenscope waits`, from a trace and snapshots.

mod interval;
pub mod recorded;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod waited_ns;

use std::sync::Arc;

use crate::snapshot::DomId;

/// What a trace found.
#[derive(Clone, Debug, PartialEq)]
pub struct Waits {
    /// Wall-clock time at the end of the interval.
    pub time: jiff::Timestamp,
    /// Nanoseconds of the interval, from the first record to the last one.
    pub interval_ns: u64,
    /// How many records of the trace buffers were used.
    pub records: u64,
    /// Nanoseconds for which pCPUs lost records, summed over the pCPUs.
    pub lost_ns: u64,
    /// How many vCPUs waited at a time, in the mean; `None` if a vCPU's figures are unknown.
    pub ready_vcpus: Option<f64>,
    /// The most vCPUs that waited at a time; `None` if records were lost.
    pub most_ready_vcpus: Option<u32>,
    /// The domains, by their IDs.
    pub domains: Vec<DomainWaits>,
}

/// The figures of a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainWaits {
    /// Its ID.
    pub id: DomId,
    /// Its UUID.
    pub uuid: uuid::Uuid,
    /// Its name; `None` as in a snapshot.
    pub name: Option<Arc<str>>,
    /// The sums over its vCPUs, in per cent of one pCPU.
    pub shares: Shares,
    /// For whom its vCPUs waited.
    pub waited_for: WaitedFor,
    /// Nanoseconds for which its ready time is known.
    pub measured_ns: u64,
    /// Its vCPUs; `None` if they are unknown, or if its ID belonged to another domain before.
    pub vcpus: Option<Vec<VcpuWaits>>,
}

/// The figures of a vCPU.
#[derive(Clone, Debug, PartialEq)]
pub struct VcpuWaits {
    /// Its number in the domain.
    pub id: u32,
    /// Its share of the interval in each state.
    pub shares: Shares,
    /// How often it was scheduled in, per second.
    pub schedules_per_second: Option<f64>,
    /// How often it was scheduled in on another pCPU than before, per second.
    pub moves_per_second: Option<f64>,
    /// How often it waited, per second.
    pub waits_per_second: Option<f64>,
    /// Nanoseconds of a wait in the mean; `None` also if there was none.
    pub mean_wait_ns: Option<f64>,
    /// Nanoseconds that 99 of 100 waits do not exceed, at most twice the shortest such time; `None` as for the mean.
    pub p99_wait_ns: Option<u64>,
    /// Nanoseconds of its longest wait; `None` as for the mean.
    pub longest_wait_ns: Option<u64>,
    /// The pCPUs that it ran on.
    pub pcpus: Option<Vec<u32>>,
    /// The NUMA nodes of these pCPUs; `None` also if one of them is unknown.
    pub nodes: Option<Vec<u32>>,
    /// For whom it waited.
    pub waited_for: WaitedFor,
}

/// The shares of states in per cent; `None` if too much is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shares {
    /// On a pCPU.
    pub running_percent: Option<f64>,
    /// Ready to run, waiting for a pCPU.
    pub ready_percent: Option<f64>,
    /// Waiting for an event.
    pub blocked_percent: Option<f64>,
    /// Kept from running by its cap, at most; `None` also if it was paused, unplugged or had another cap at one end.
    pub throttled_percent: Option<f64>,
    /// Paused, unplugged, or throttled.
    pub offline_percent: Option<f64>,
    /// Lost records; `None` if nothing is known.
    pub unknown_percent: Option<f64>,
}

/// For whom a vCPU or a domain waited, in per cent of its ready time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaitedFor {
    /// The domains that had the pCPUs, the longest first; `None` if its figures are unknown.
    pub domains: Option<Vec<Occupant>>,
    /// Nobody: a pCPU was idle. `None` if it did not wait, or its figures are unknown.
    pub idle_percent: Option<f64>,
    /// Not known who. `None` as for `idle_percent`.
    pub unknown_percent: Option<f64>,
}

/// A domain that had a pCPU which another one waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Occupant {
    /// Its ID.
    pub id: DomId,
    /// Its name; `None` as in a snapshot, or if it is gone.
    pub name: Option<Arc<str>>,
    /// Per cent of the ready time.
    pub percent: f64,
}
