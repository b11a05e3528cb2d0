//! How long vCPUs have been in each state, by Xen's trace buffers.

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;

/// How long a vCPU has been in each state since the trace began, or all vCPUs of a domain together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateTimes {
    /// Nanoseconds on a pCPU.
    pub running_ns: u64,
    /// Nanoseconds ready to run, waiting for a pCPU.
    pub ready_ns: u64,
    /// Nanoseconds waiting for an event.
    pub blocked_ns: u64,
    /// Nanoseconds that it could not run: paused, unplugged, or capped and out of budget.
    pub offline_ns: u64,
    /// Nanoseconds in which its state is unknown, because records were lost.
    pub unknown_ns: u64,
    /// How often it was scheduled in.
    pub schedules: u64,
    /// How many waits for a pCPU have begun.
    pub waits: u64,
    /// Nanoseconds of the longest wait since the sample before; of one that still lasts, until now.
    pub longest_wait_ns: u64,
}

impl StateTimes {
    /// Returns the nanoseconds of all states.
    pub fn total_ns(&self) -> u64 {
        [
            self.running_ns,
            self.ready_ns,
            self.blocked_ns,
            self.offline_ns,
            self.unknown_ns,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// Returns whether the figures hold: not more than a thousandth of the time is unknown.
    pub fn is_known(&self) -> bool {
        self.total_ns() > 0 && self.unknown_ns <= self.total_ns() / 1000
    }

    /// Adds those of another vCPU.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.running_ns, other.running_ns),
            (&mut self.ready_ns, other.ready_ns),
            (&mut self.blocked_ns, other.blocked_ns),
            (&mut self.offline_ns, other.offline_ns),
            (&mut self.unknown_ns, other.unknown_ns),
            (&mut self.schedules, other.schedules),
            (&mut self.waits, other.waits),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
        self.longest_wait_ns = self.longest_wait_ns.max(other.longest_wait_ns);
    }
}

/// The trace that the state times are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceTotals {
    /// When it began, in nanoseconds of the TSC. Times of different traces have nothing in common.
    pub begin_ns: u64,
    /// Nanoseconds since then.
    pub elapsed_ns: u64,
    /// How many records have been used.
    pub records: u64,
    /// How many records contradict the one before.
    pub contradictions: u64,
    /// Nanoseconds for which pCPUs lost records, summed over the pCPUs.
    pub lost_ns: u64,
    /// Nanoseconds that vCPUs have run, the idle ones too, summed over the vCPUs.
    pub running_ns: u64,
    /// Nanoseconds that vCPUs were ready, summed over the vCPUs; too few if records were lost.
    pub ready_ns: u64,
    /// The most vCPUs that were ready at a time since the sample before; `None` if records were lost.
    pub most_ready: Option<u32>,
    /// When it was read.
    pub stamp: Stamp,
}
