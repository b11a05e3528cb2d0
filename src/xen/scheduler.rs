//! What a scheduler allows a domain.

use super::Hypervisor;
use super::binding::*;
use super::hypervisor::unless_gone;
use crate::error::Error;
use crate::snapshot::{DomId, Scheduler, Scheduling};

/// The scheduler with this number.
pub(super) fn scheduler(number: u32) -> Scheduler {
    match number {
        XEN_SCHEDULER_CREDIT => Scheduler::Credit,
        XEN_SCHEDULER_CREDIT2 => Scheduler::Credit2,
        XEN_SCHEDULER_ARINC653 => Scheduler::Arinc653,
        XEN_SCHEDULER_RTDS => Scheduler::Rtds,
        XEN_SCHEDULER_NULL => Scheduler::Null,
        other => Scheduler::Other(other),
    }
}

impl Hypervisor {
    /// What `scheduler`, the one of the domain's pool, allows the domain. `None` for a scheduler
    /// without a name here, and for a domain that has gone or changed its pool meanwhile.
    ///
    /// # Errors
    /// When the hypervisor refuses to tell.
    pub fn scheduling(
        &self,
        domain: DomId,
        scheduler: Scheduler,
    ) -> Result<Option<Scheduling>, Error> {
        let told = match scheduler {
            Scheduler::Credit => self.credit(domain),
            Scheduler::Credit2 => self.credit2(domain),
            Scheduler::Rtds => self.rtds(domain),
            Scheduler::Arinc653 => Ok(Scheduling::Arinc653),
            Scheduler::Null => Ok(Scheduling::Null),
            Scheduler::Other(_) => return Ok(None),
        };
        // To Xen a scheduler that is another one by now is as wrong an argument as a missing vCPU.
        unless_gone(told)
    }

    fn credit(&self, domain: DomId) -> Result<Scheduling, Error> {
        let mut share = xen_domctl_sched_credit::default();
        // SAFETY: the handle is open; the structure is ours and outlives the call.
        let returned = unsafe {
            self.library.xc_sched_credit_domain_get(
                self.handle.as_ptr(),
                domain.0.into(),
                &raw mut share,
            )
        };
        self.check("xc_sched_credit_domain_get", Some(domain), returned)?;
        Ok(Scheduling::Credit {
            weight: share.weight,
            cap_percent: cap(share.cap),
        })
    }

    fn credit2(&self, domain: DomId) -> Result<Scheduling, Error> {
        let mut share = xen_domctl_sched_credit2::default();
        // SAFETY: the handle is open; the structure is ours and outlives the call.
        let returned = unsafe {
            self.library.xc_sched_credit2_domain_get(
                self.handle.as_ptr(),
                domain.0.into(),
                &raw mut share,
            )
        };
        self.check("xc_sched_credit2_domain_get", Some(domain), returned)?;
        Ok(Scheduling::Credit2 {
            weight: share.weight,
            cap_percent: cap(share.cap),
        })
    }

    fn rtds(&self, domain: DomId) -> Result<Scheduling, Error> {
        let mut reserved = xen_domctl_sched_rtds::default();
        // SAFETY: the handle is open; the structure is ours and outlives the call.
        let returned = unsafe {
            self.library.xc_sched_rtds_domain_get(
                self.handle.as_ptr(),
                domain.0.into(),
                &raw mut reserved,
            )
        };
        self.check("xc_sched_rtds_domain_get", Some(domain), returned)?;
        Ok(Scheduling::Rtds {
            // Xen counts both in microseconds.
            period_ns: u64::from(reserved.period) * 1000,
            budget_ns: u64::from(reserved.budget) * 1000,
            extra_time: reserved.flags & XEN_DOMCTL_SCHEDRT_extra != 0,
        })
    }
}

/// Xen writes "no cap" as 0.
fn cap(percent: u16) -> Option<u16> {
    (percent != 0).then_some(percent)
}
