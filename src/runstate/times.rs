//! How long a vCPU has been in each state, and how long it waited.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{DomId, VcpuState};

/// How long a vCPU was in each state within an interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Nanoseconds on a pCPU.
    pub running_ns: u64,
    /// Nanoseconds that it was ready to run and waited for a pCPU.
    pub ready_ns: u64,
    /// Nanoseconds that it waited for an event.
    pub blocked_ns: u64,
    /// Nanoseconds that it could not run: paused, unplugged, or capped and out of budget.
    pub offline_ns: u64,
    /// Nanoseconds in which its state is unknown, because records were lost or contradict each other.
    pub unknown_ns: u64,
    /// How often it was scheduled in.
    pub schedules: u64,
    /// How often it was scheduled in on another pCPU than before.
    pub moves: u64,
    /// The pCPUs that it ran on.
    pub ran_on: BTreeSet<u32>,
    /// Its waits for a pCPU. One that began before the interval, or has not ended, counts with its part in it.
    pub waits: Waits,
    /// For whom it waited, in nanoseconds of its ready time. Each moment of it is split evenly over the pCPUs that the
    /// vCPU may run on, and charged to the domain that ran there; [`IDLE`](super::IDLE) if none did. What is missing
    /// to `ready_ns` is unknown.
    pub waited_for_ns: BTreeMap<DomId, u64>,
}

impl Times {
    /// Returns the nanoseconds of all states.
    pub fn total_ns(&self) -> u64 {
        self.known_ns() + self.unknown_ns
    }

    /// Returns whether the figures hold: not more than a thousandth of the time is unknown.
    pub fn is_known(&self) -> bool {
        self.total_ns() > 0 && self.unknown_ns <= self.total_ns() / 1000
    }

    fn known_ns(&self) -> u64 {
        self.running_ns + self.ready_ns + self.blocked_ns + self.offline_ns
    }

    /// Adds time in this state; `None` if it is unknown.
    pub(super) fn add(&mut self, state: Option<VcpuState>, ns: u64) {
        let sum = match state {
            Some(VcpuState::Running) => &mut self.running_ns,
            Some(VcpuState::Runnable) => &mut self.ready_ns,
            Some(VcpuState::Blocked) => &mut self.blocked_ns,
            Some(VcpuState::Offline) => &mut self.offline_ns,
            None => &mut self.unknown_ns,
        };
        *sum += ns;
    }
}

/// How long the waits of a vCPU were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// How many there were.
    pub count: u64,
    /// Nanoseconds of the longest; 0 if there was none.
    pub longest_ns: u64,
    /// How many there were of each length: element `n` counts those below 2^n ns that are not in the elements
    /// before.
    pub histogram: [u64; 65],
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            count: 0,
            longest_ns: 0,
            histogram: [0; 65],
        }
    }
}

impl Waits {
    /// Counts a wait.
    pub(super) fn add(&mut self, ns: u64) {
        self.count += 1;
        self.longest_ns = self.longest_ns.max(ns);
        self.histogram[(u64::BITS - ns.leading_zeros()) as usize] += 1;
    }

    /// Returns a length in nanoseconds that this share of the waits does not exceed, at most twice the shortest such
    /// length; `None` without waits.
    pub fn quantile_ns(&self, share: f64) -> Option<u64> {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        let place = self.histogram.iter().position(|count| {
            seen += count;
            seen >= wanted.max(1)
        })?;
        let end = 1_u64.checked_shl(place as u32).unwrap_or(u64::MAX);
        Some(end.min(self.longest_ns))
    }
}
