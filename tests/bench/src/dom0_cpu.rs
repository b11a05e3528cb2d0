//! dom0's CPU time, as the hypervisor counts it.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use xenscope::snapshot::{DomId, Stamp};
use xenscope::xen::Hypervisor;

/// How long an idle dom0 is measured: as long as a program, because reading it has a cost.
const IDLE: Duration = Duration::from_secs(20);

/// dom0's CPU time at one point in time.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    cpu_time_ns: u64,
    at: Stamp,
}

/// Reads dom0's CPU time, and subtracts what an idle dom0 uses.
pub(crate) struct Dom0Cpu {
    hypervisor: Hypervisor,
    /// What an idle dom0 runs of each nanosecond.
    pub(crate) idle_share: f64,
}

impl Dom0Cpu {
    /// Opens the hypervisor and measures an idle dom0 for [`IDLE`].
    pub(crate) fn open() -> Result<Self> {
        let mut dom0 = Self {
            hypervisor: Hypervisor::open(false)?,
            idle_share: 0.0,
        };
        let before = dom0.read()?;
        sleep(IDLE);
        let after = dom0.read()?;
        dom0.idle_share = used(before, after) / elapsed_ns(before, after);
        Ok(dom0)
    }

    /// Returns dom0's CPU time now.
    pub(crate) fn read(&mut self) -> Result<Reading> {
        let (domains, _) = self.hypervisor.domains()?;
        let dom0 = domains.iter().find(|domain| domain.id == DomId(0));
        let dom0 = dom0.context("the hypervisor lists no dom0")?;
        Ok(Reading {
            cpu_time_ns: dom0.cpu_time_ns,
            at: dom0.stamp,
        })
    }

    /// Returns the nanoseconds that dom0 has run since `before`, less what an idle dom0 runs.
    pub(crate) fn cost_since(&mut self, before: Reading) -> Result<f64> {
        let after = self.read()?;
        Ok(used(before, after) - self.idle_share * elapsed_ns(before, after))
    }
}

fn used(before: Reading, after: Reading) -> f64 {
    after.cpu_time_ns.saturating_sub(before.cpu_time_ns) as f64
}

fn elapsed_ns(before: Reading, after: Reading) -> f64 {
    after.at.at_ns.saturating_sub(before.at.at_ns) as f64
}
