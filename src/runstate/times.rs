//! How long a vCPU has been in each state, and how long it waited.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{DomId, StateTimes, VcpuState};

/// How long a vCPU was in each state within an interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// How long and how often. Of a wait that began before the interval, or has not ended, its part in it counts.
    pub states: StateTimes,
    /// How often it was scheduled in on another pCPU than before.
    pub moves: u64,
    /// The pCPUs that it ran on.
    pub ran_on: BTreeSet<u32>,
    /// How many waits there were of each length: element `n` counts those below 2^n ns that are not in the elements
    /// before.
    pub waits: [u64; 65],
    /// For whom it waited, in nanoseconds of its ready time. Each moment of it is split evenly over the pCPUs that the
    /// vCPU may run on, and charged to the domain that ran there; [`IDLE`](super::IDLE) if none did. What is missing
    /// to the ready time is unknown.
    pub waited_for_ns: BTreeMap<DomId, u64>,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            states: StateTimes::default(),
            moves: 0,
            ran_on: BTreeSet::new(),
            waits: [0; 65],
            waited_for_ns: BTreeMap::new(),
        }
    }
}

impl Times {
    /// Adds time in this state; `None` if it is unknown.
    pub(super) fn add(&mut self, state: Option<VcpuState>, ns: u64) {
        let sum = match state {
            Some(VcpuState::Running) => &mut self.states.running_ns,
            Some(VcpuState::Runnable) => &mut self.states.ready_ns,
            Some(VcpuState::Blocked) => &mut self.states.blocked_ns,
            Some(VcpuState::Offline) => &mut self.states.offline_ns,
            None => &mut self.states.unknown_ns,
        };
        *sum += ns;
    }

    /// Counts a wait.
    pub(super) fn add_wait(&mut self, ns: u64) {
        self.states.waits += 1;
        self.states.longest_wait_ns = self.states.longest_wait_ns.max(ns);
        self.waits[(u64::BITS - ns.leading_zeros()) as usize] += 1;
    }

    /// Returns a length in nanoseconds that this share of the waits does not exceed, at most twice the shortest such
    /// length; `None` without waits.
    pub fn wait_quantile_ns(&self, share: f64) -> Option<u64> {
        let wanted = (self.states.waits as f64 * share).ceil() as u64;
        let mut seen = 0;
        let place = self.waits.iter().position(|count| {
            seen += count;
            seen >= wanted.max(1)
        })?;
        let end = 1_u64.checked_shl(place as u32).unwrap_or(u64::MAX);
        Some(end.min(self.states.longest_wait_ns))
    }
}
