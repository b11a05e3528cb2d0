//! What dom0 has run, by the hypervisor's count.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use xenscope::snapshot::{DomId, Stamp};
use xenscope::xen::Hypervisor;

/// How long an idle dom0 is watched: as long as a program is, for a look at it costs something too.
const IDLE: Duration = Duration::from_secs(20);

/// dom0's account at one point in time.
#[derive(Clone, Copy)]
pub(crate) struct Balance {
    cpu_time_ns: u64,
    at: Stamp,
}

/// dom0's account, and what dom0 uses of its time when nothing is measured.
pub(crate) struct Books {
    hypervisor: Hypervisor,
    /// Of each nanosecond.
    pub(crate) idle_share: f64,
}

impl Books {
    /// Opens them, and watches an idle dom0 for a while.
    pub(crate) fn open() -> Result<Self> {
        let mut books = Self {
            hypervisor: Hypervisor::open(false)?,
            idle_share: 0.0,
        };
        let before = books.balance()?;
        sleep(IDLE);
        let after = books.balance()?;
        books.idle_share = used(before, after) / elapsed_ns(before, after);
        Ok(books)
    }

    /// Reads the account.
    pub(crate) fn balance(&mut self) -> Result<Balance> {
        let (domains, _) = self.hypervisor.domains()?;
        let dom0 = domains.iter().find(|domain| domain.id == DomId(0));
        let dom0 = dom0.context("the hypervisor lists no dom0")?;
        Ok(Balance {
            cpu_time_ns: dom0.cpu_time_ns,
            at: dom0.stamp,
        })
    }

    /// Nanoseconds that dom0 has run since `before`, less what it does anyway.
    pub(crate) fn cost_since(&mut self, before: Balance) -> Result<f64> {
        let after = self.balance()?;
        Ok(used(before, after) - self.idle_share * elapsed_ns(before, after))
    }
}

fn used(before: Balance, after: Balance) -> f64 {
    after.cpu_time_ns.saturating_sub(before.cpu_time_ns) as f64
}

fn elapsed_ns(before: Balance, after: Balance) -> f64 {
    after.at.at_ns.saturating_sub(before.at.at_ns) as f64
}
