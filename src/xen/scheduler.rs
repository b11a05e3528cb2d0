//! What a scheduler allows a domain.

use super::binding::*;
use super::error::Error;
use super::hypervisor::Hypervisor;
use super::hypervisor::unless_gone;
use crate::snapshot::{DomId, Domain, Reservation, Scheduler, Scheduling};

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
        domain: &Domain,
        scheduler: Scheduler,
    ) -> Result<Option<Scheduling>, Error> {
        let told = match scheduler {
            Scheduler::Credit => self.credit(domain.id),
            Scheduler::Credit2 => self.credit2(domain.id),
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

    /// Asks for each vCPU, for what Xen has of the domain as a whole are the scheduler's defaults.
    fn rtds(&self, domain: &Domain) -> Result<Scheduling, Error> {
        let mut vcpus: Vec<_> = (0..domain.vcpus_max)
            .map(|vcpuid| xen_domctl_schedparam_vcpu {
                vcpuid,
                ..xen_domctl_schedparam_vcpu::default()
            })
            .collect();
        // SAFETY: the handle is open; the list is ours, has as many elements as said, and outlives
        // the call.
        let returned = unsafe {
            self.library.xc_sched_rtds_vcpu_get(
                self.handle.as_ptr(),
                domain.id.0.into(),
                vcpus.as_mut_ptr(),
                domain.vcpus_max,
            )
        };
        self.check("xc_sched_rtds_vcpu_get", Some(domain.id), returned)?;
        Ok(Scheduling::Rtds {
            reservation: one(vcpus.iter().map(reservation)),
        })
    }
}

fn reservation(vcpu: &xen_domctl_schedparam_vcpu) -> Reservation {
    // SAFETY: every variant of the union is plain numbers, for which any bits will do, and none is
    // left unset: it was zeroed, and Xen has filled in this one.
    let reserved = unsafe { vcpu.u.rtds };
    Reservation {
        // Xen counts both in microseconds.
        period_ns: u64::from(reserved.period) * 1000,
        budget_ns: u64::from(reserved.budget) * 1000,
        extra_time: reserved.flags & XEN_DOMCTL_SCHEDRT_extra != 0,
    }
}

/// What all of them are; `None` when they differ, or when there is none.
fn one<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|first| all.all(|other| other == *first))
}

/// Xen writes "no cap" as 0.
fn cap(percent: u16) -> Option<u16> {
    (percent != 0).then_some(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_the_reservation_that_all_of_its_vcpus_have() {
        let vcpu = |period, budget, flags| {
            let mut vcpu = xen_domctl_schedparam_vcpu::default();
            vcpu.u.rtds = xen_domctl_sched_rtds {
                period,
                budget,
                flags,
            };
            reservation(&vcpu)
        };
        let plain = vcpu(10_000, 4_000, 0);
        let (period_ns, budget_ns) = (10_000_000, 4_000_000);
        let expected = Reservation {
            period_ns,
            budget_ns,
            extra_time: false,
        };
        assert_eq!(one([plain, plain].into_iter()), Some(expected));
        for other in [
            vcpu(20_000, 4_000, 0),
            vcpu(10_000, 5_000, 0),
            vcpu(10_000, 4_000, XEN_DOMCTL_SCHEDRT_extra),
        ] {
            assert_eq!(one([plain, plain, other].into_iter()), None, "{other:?}");
        }
        assert_eq!(one([plain; 0].into_iter()), None);
    }
}
