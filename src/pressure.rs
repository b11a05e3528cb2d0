//! Which domains suffer, and why, from one sample. Each reason comes from figures that views show.

use std::sync::Arc;

use crate::rates::Rate;
use crate::runstate::IDLE;
use crate::sample::{DomainSample, Sample};
use crate::snapshot::{DiskCounter, DomId, DomainState, NicCounter};

/// The share of the time its vCPUs wanted, in per cent, from which a loss is a reason.
const WORTH_TELLING_PERCENT: f64 = 5.0;

/// The time in per cent of a pCPU, ready and throttled together, from which it is a reason as well. A domain that does
/// next to nothing loses a large share of next to nothing: each time that it is woken, it waits some microseconds for
/// the scheduler. An idle dom0 is ready for some 2 % of a pCPU. 5 % is 50 ms of each second.
const LEAST_LOST_PERCENT: f64 = 5.0;

/// The time of a disk's request that counts as much as 1 % of a pCPU, in nanoseconds: a disk that is just slow counts as
/// much as the least loss of CPU time.
const REQUEST_NS_PER_PERCENT: f64 = 10e6;

/// How far its memory is below its target before that is a reason: a hundredth, and 4 MiB.
const MEMORY_SLACK: (u64, u64) = (100, 4 << 20);

/// The time of a disk's request, in the mean, from which it is slow.
pub const SLOW_NS: f64 = 50e6;

/// The disk counters that the reasons come from.
pub const DISK_COUNTERS: [DiskCounter; 5] = [
    DiskCounter::OutOfSlots,
    DiskCounter::ReadRequests,
    DiskCounter::WriteRequests,
    DiskCounter::ReadTime,
    DiskCounter::WriteTime,
];

/// A domain, what it lost, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Pressure {
    /// Its place in the snapshot.
    pub place: usize,
    /// The share of the time that its vCPUs wanted to run in which they could not, because they were ready or
    /// throttled, in per cent; `None` if they were not traced.
    pub lost_percent: Option<f64>,
    /// Why it suffers; empty if it does not.
    pub reasons: Vec<Reason>,
}

impl Pressure {
    /// Returns how much it suffers beside others, in per cent of a pCPU, see [`Reason::severity`]: its CPU time that was
    /// lost, ready and throttled together, or another reason if that is worse.
    pub fn severity(&self) -> f64 {
        let (of_cpu, others): (Vec<&Reason>, Vec<&Reason>) =
            self.reasons.iter().partition(|one| one.is_of_cpu());
        let lost = of_cpu.into_iter().map(Reason::severity).sum();
        others
            .into_iter()
            .map(Reason::severity)
            .fold(lost, f64::max)
    }

    /// Returns the share of the wanted time that its vCPUs lost, in per cent, if that is one of the reasons.
    pub fn lost_worth_telling(&self) -> Option<f64> {
        let is_reason = self.reasons.iter().any(Reason::is_of_cpu);
        self.lost_percent.filter(|_| is_reason)
    }
}

/// Why a domain suffers.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// It has crashed, and is kept.
    Crashed,
    /// Its vCPUs waited for a pCPU.
    Ready {
        /// In per cent of one vCPU.
        percent: f64,
        /// The domains that had the pCPUs, the longest first, in per cent of that time; those that are idle without a
        /// name.
        waited_for: Vec<(Occupant, f64)>,
    },
    /// Its cap kept its vCPUs from running.
    Throttled {
        /// In per cent of one vCPU.
        percent: f64,
        /// The cap, in per cent of one pCPU.
        cap_percent: Option<u16>,
    },
    /// Its memory is below its target.
    MemoryShort {
        /// By this many bytes.
        bytes: u64,
        /// The target in bytes.
        target_bytes: u64,
    },
    /// Requests to a disk found no free slot.
    NoSlots {
        /// The disk.
        disk: String,
        /// How often, per second.
        per_second: f64,
    },
    /// A disk is slow.
    SlowDisk {
        /// The disk.
        disk: String,
        /// Nanoseconds of a request in the mean, of reads or of writes, whichever is more.
        latency_ns: f64,
    },
    /// A NIC drops packets.
    Drops {
        /// The NIC.
        nic: String,
        /// Packets per second, in both directions.
        per_second: f64,
    },
    /// dom0's own kernel counts steal time.
    Steal {
        /// In per cent of one pCPU.
        percent: f64,
    },
}

impl Reason {
    /// Returns how bad it is beside other reasons, in per cent of a pCPU: for CPU time, what was lost. A hundredth of
    /// its target that a domain lacks counts as 1, as do 10 ms of a disk's request. Drops and requests without a slot
    /// have no natural limit: one a second counts as 3, 10 as 10, 100 as 20, 1,000 as 30. A crash is worse than all
    /// else.
    pub fn severity(&self) -> f64 {
        match self {
            Self::Crashed => f64::INFINITY,
            Self::Ready { percent, .. }
            | Self::Throttled { percent, .. }
            | Self::Steal { percent } => *percent,
            Self::MemoryShort {
                bytes,
                target_bytes,
            } => *bytes as f64 * 100.0 / (*target_bytes as f64).max(1.0),
            Self::SlowDisk { latency_ns, .. } => latency_ns / REQUEST_NS_PER_PERCENT,
            Self::NoSlots { per_second, .. } | Self::Drops { per_second, .. } => {
                10.0 * per_second.ln_1p() / f64::ln(10.0)
            }
        }
    }

    fn is_of_cpu(&self) -> bool {
        matches!(self, Self::Ready { .. } | Self::Throttled { .. })
    }
}

/// Who had a pCPU that another domain waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occupant {
    /// A domain, with its name if it has one.
    Domain(DomId, Option<Arc<str>>),
    /// Nobody.
    Idle,
}

/// Returns the domains that suffer, the worst first, see [`Pressure::severity`], then by how many reasons they have.
pub fn sufferers(sample: Sample<'_>) -> Vec<Pressure> {
    let mut all: Vec<Pressure> = sample
        .domains()
        .enumerate()
        .map(|(place, domain)| of(sample, place, domain))
        .filter(|one| !one.reasons.is_empty())
        .collect();
    all.sort_by(|one, other| {
        let by_severity = other.severity().total_cmp(&one.severity());
        by_severity.then(other.reasons.len().cmp(&one.reasons.len()))
    });
    all
}

/// Returns what the domain at this place of the snapshot lost, and why.
pub fn of(sample: Sample<'_>, place: usize, one: DomainSample<'_>) -> Pressure {
    Pressure {
        place,
        lost_percent: one.rates.states.lost_percent().map(|lost| lost.value),
        reasons: reasons(sample, one),
    }
}

/// Returns why a domain suffers, the worst first, because some views have room for one reason only; nothing if it does
/// not.
pub fn reasons(sample: Sample<'_>, one: DomainSample<'_>) -> Vec<Reason> {
    let states = one.rates.states;
    let value = |rate: Option<Rate>| rate.map(|rate| rate.value);
    let (ready, throttled) = (value(states.ready_percent), value(states.throttled_percent));
    let lost = ready.unwrap_or(0.0) + throttled.unwrap_or(0.0);
    let wanted = value(states.running_percent)
        .zip(ready)
        .map(|(running, _)| running + lost);
    // Without a trace, the hypervisor's own count is in per cent of a vCPU.
    let share = |part: f64| wanted.map_or(part, |all| part * 100.0 / all.max(f64::MIN_POSITIVE));
    let is_worth = |part: &f64| lost >= LEAST_LOST_PERCENT && share(*part) >= WORTH_TELLING_PERCENT;
    let mut reasons = Vec::new();
    let has_crashed = one.domain.states.summary() == DomainState::Crashed;
    reasons.extend(has_crashed.then_some(Reason::Crashed));
    let of_ready = ready.filter(is_worth).map(|percent| Reason::Ready {
        percent,
        waited_for: waited_for(one),
    });
    let of_cap = throttled.filter(is_worth).map(|percent| Reason::Throttled {
        percent,
        cap_percent: cap(one),
    });
    reasons.extend(of_ready.into_iter().chain(of_cap));
    reasons.extend(memory_short(one));
    reasons.extend(slow_disks(one));
    reasons.extend(drops(one));
    if one.domain.id == DomId::DOM0 {
        let steal = value(sample.rates.host.dom0_steal_percent);
        let steal = steal.filter(|&percent| percent >= WORTH_TELLING_PERCENT);
        reasons.extend(steal.map(|percent| Reason::Steal { percent }));
    }
    reasons.sort_by(|one, other| other.severity().total_cmp(&one.severity()));
    reasons
}

fn waited_for(one: DomainSample<'_>) -> Vec<(Occupant, f64)> {
    let shares = one.rates.waited_for.iter();
    let named = shares.map(|&(id, percent)| {
        let occupant = match id {
            IDLE => Occupant::Idle,
            id => {
                let domain = one.snapshot.domain(id);
                Occupant::Domain(id, domain.and_then(|domain| domain.name.clone()))
            }
        };
        (occupant, percent)
    });
    named.collect()
}

fn cap(one: DomainSample<'_>) -> Option<u16> {
    let (_, cap_percent) = one.domain.scheduling?.share()?;
    cap_percent
}

/// Returns by how much a domain that is not being built or torn down is below its target.
fn memory_short(one: DomainSample<'_>) -> Option<Reason> {
    let domain = one.domain;
    let target_bytes = domain.memory_target_bytes?;
    let bytes = domain.memory_short_bytes()?;
    let (part, least) = MEMORY_SLACK;
    let is_short = bytes > least && bytes > target_bytes / part;
    let runs = !domain.states.keep_from_running();
    (is_short && runs).then_some(Reason::MemoryShort {
        bytes,
        target_bytes,
    })
}

fn slow_disks(one: DomainSample<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for disk in one.disks().into_iter().flatten() {
        let name = || disk.disk.device.clone();
        let no_slots = disk.rates[DiskCounter::OutOfSlots].map_or(0.0, |rate| rate.value);
        if no_slots > 0.0 {
            reasons.push(Reason::NoSlots {
                disk: name(),
                per_second: no_slots,
            });
        }
        let latencies = [disk.rates.read_latency_ns, disk.rates.write_latency_ns];
        let latency_ns = latencies.into_iter().flatten().fold(0.0, f64::max);
        if latency_ns >= SLOW_NS {
            reasons.push(Reason::SlowDisk {
                disk: name(),
                latency_ns,
            });
        }
    }
    reasons
}

fn drops(one: DomainSample<'_>) -> Vec<Reason> {
    let nics = one.nics().into_iter().flatten();
    let reasons = nics.filter_map(|nic| {
        let counters = [NicCounter::RxDrops, NicCounter::TxDrops];
        let rates = counters.map(|counter| nic.rates[counter]);
        let per_second = rates.iter().flatten().map(|rate| rate.value).sum::<f64>();
        (per_second > 0.0).then(|| Reason::Drops {
            nic: nic.nic.device.clone(),
            per_second,
        })
    });
    reasons.collect()
}

#[cfg(test)]
mod tests;
