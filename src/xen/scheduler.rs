//! A domain's parameters in its scheduler.

use super::binding::*;
use super::error::Error;
use super::hypervisor::Hypervisor;
use super::hypervisor::unless_gone;
use crate::snapshot::{DomId, Domain, Reservation, Scheduler, Scheduling};

/// Returns the scheduler with this number (`XEN_SCHEDULER_*`, xen/domctl.h).
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
    /// Reads the domain's parameters in `scheduler`, the scheduler of its pool. `None` for a
    /// scheduler that xenscope has no name for, if the domain no longer exists or has changed
    /// its pool, and if the security policy denies it.
    ///
    /// # Errors
    /// If the hypervisor refuses the scheduler's call.
    pub fn scheduling(
        &self,
        domain: &Domain,
        scheduler: Scheduler,
    ) -> Result<Option<Scheduling>, Error> {
        let answer = match scheduler {
            Scheduler::Credit => self.credit(domain.id),
            Scheduler::Credit2 => self.credit2(domain.id),
            Scheduler::Rtds => self.rtds(domain),
            Scheduler::Arinc653 => Ok(Scheduling::Arinc653),
            Scheduler::Null => Ok(Scheduling::Null),
            Scheduler::Other(_) => return Ok(None),
        };
        // Xen answers EINVAL if the domain now has another scheduler.
        unless_gone(answer)
    }

    fn credit(&self, domain: DomId) -> Result<Scheduling, Error> {
        let mut share = xen_domctl_sched_credit::default();
        // SAFETY: the handle is open; we own the structure and it outlives the call.
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
        // SAFETY: the handle is open; we own the structure and it outlives the call.
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

    /// Reads the parameters of each vCPU, because for the domain as a whole Xen has only the
    /// scheduler's defaults.
    fn rtds(&self, domain: &Domain) -> Result<Scheduling, Error> {
        let mut vcpus: Vec<_> = (0..domain.vcpus_max)
            .map(|vcpuid| xen_domctl_schedparam_vcpu {
                vcpuid,
                ..xen_domctl_schedparam_vcpu::default()
            })
            .collect();
        // SAFETY: the handle is open; we own the list, it has `vcpus_max` elements, and outlives
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
            reservation: common(vcpus.iter().map(reservation)),
        })
    }
}

fn reservation(vcpu: &xen_domctl_schedparam_vcpu) -> Reservation {
    // SAFETY: every variant of the union is plain numbers, so any bits are valid. All bytes are
    // initialised: the structure was zeroed, and Xen has filled in this variant.
    let reserved = unsafe { vcpu.u.rtds };
    Reservation {
        // Xen counts both in microseconds.
        period_ns: u64::from(reserved.period) * 1000,
        budget_ns: u64::from(reserved.budget) * 1000,
        extra_time: reserved.flags & XEN_DOMCTL_SCHEDRT_extra != 0,
    }
}

impl Hypervisor {
    /// Reads how long credit lets a vCPU run at a time in a pool, in nanoseconds (`tslice_ms` of
    /// `xen_sysctl_credit_schedule`, xen/sysctl.h); `None` if Xen refuses.
    pub(super) fn credit_timeslice_ns(&self, pool: u32) -> Option<u64> {
        let mut parameters = xen_sysctl_credit_schedule::default();
        // SAFETY: the handle is open; we own the structure and it outlives the call.
        let returned = unsafe {
            self.library
                .xc_sched_credit_params_get(self.handle.as_ptr(), pool, &raw mut parameters)
        };
        (returned == 0).then(|| u64::from(parameters.tslice_ms) * 1_000_000)
    }
}

/// Returns the value that all items have; `None` if they differ or there are none.
fn common<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|first| all.all(|other| other == *first))
}

/// Returns the cap in per cent; `None` if there is no cap, which Xen writes as 0.
fn cap(percent: u16) -> Option<u16> {
    (percent != 0).then_some(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservation_is_what_all_vcpus_share() {
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
        assert_eq!(common([plain, plain].into_iter()), Some(expected));
        for other in [
            vcpu(20_000, 4_000, 0),
            vcpu(10_000, 5_000, 0),
            vcpu(10_000, 4_000, XEN_DOMCTL_SCHEDRT_extra),
        ] {
            assert_eq!(common([plain, plain, other].into_iter()), None, "{other:?}");
        }
        assert_eq!(common([plain; 0].into_iter()), None);
    }
}
