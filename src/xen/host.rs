//! The host's memory and pCPUs.

use std::ffi::c_int;

use super::binding::{XC_PAGE_SHIFT, xc_cpuinfo_t, xc_cx_stat, xc_physinfo_t};
use super::error::Error;
use super::hypervisor::Hypervisor;
use crate::clock::stamped;
use crate::snapshot::{Host, Pcpu};

impl Hypervisor {
    /// Reads the host's memory, its pCPUs, and how long each pCPU has been idle.
    ///
    /// # Errors
    /// If the hypervisor refuses `physinfo` or `getcpuinfo`.
    pub fn host(&mut self) -> Result<Host, Error> {
        let physinfo = self.physinfo()?;
        let possible = physinfo.max_cpu_id as usize + 1;
        self.pcpu_infos.resize(possible, xc_cpuinfo_t::default());
        let mut filled: c_int = 0;
        let (returned, pcpu_stamp) = stamped(|| {
            // SAFETY: the handle is open; we own the buffer and it holds `possible` elements; both
            // outputs outlive the call.
            unsafe {
                self.library.xc_getcpuinfo(
                    self.handle.as_ptr(),
                    possible as c_int,
                    self.pcpu_infos.as_mut_ptr(),
                    &raw mut filled,
                )
            }
        });
        self.check("xc_getcpuinfo", None, returned)?;

        Ok(Host {
            xen_version: self.version.clone(),
            uptime_ns: None,
            pcpus: physinfo.nr_cpus,
            memory_bytes: physinfo.total_pages << XC_PAGE_SHIFT,
            memory_free_bytes: physinfo.free_pages << XC_PAGE_SHIFT,
            memory_free_after_bytes: None,
            memory_free_at_nodes_bytes: None,
            memory_claimed_bytes: physinfo.outstanding_pages << XC_PAGE_SHIFT,
            shared: None,
            cpu_khz: physinfo.cpu_khz,
            pcpu: (0..)
                .zip(&self.pcpu_infos)
                .take(usize::try_from(filled).unwrap_or(0))
                .map(|(id, pcpu)| Pcpu {
                    id,
                    idle_time_ns: (pcpu.idletime != 0).then_some(pcpu.idletime),
                    idle_states_ns: None,
                    socket: None,
                    core: None,
                    node: None,
                })
                .collect(),
            pcpu_stamp,
            nodes: None,
            pools: None,
            build: None,
            dom0: None,
            dom0_vcpus: None,
            pcpu_clocks: None,
            trace: None,
        })
    }

    /// Reads for each pCPU of the last [`Hypervisor::host`] how many nanoseconds it has been in C-states other than C0;
    /// `None` if Xen does not manage its C-states. Empty before the first.
    pub fn idle_states(&self) -> Vec<Option<u64>> {
        let pcpus = 0..self.pcpu_infos.len();
        // If Xen refuses it for the first one, it does so for all.
        if self.idle_states_ns(0).is_none() {
            return Vec::new();
        }
        pcpus.map(|pcpu| self.idle_states_ns(pcpu)).collect()
    }

    /// Reads the time of one pCPU in C-states (`xc_cx_stat`, xenctrl.h).
    fn idle_states_ns(&self, pcpu: usize) -> Option<u64> {
        let pcpu = c_int::try_from(pcpu).ok()?;
        let mut states: c_int = 0;
        // SAFETY: the handle is open; we own the number and it outlives the call.
        let returned = unsafe {
            self.library
                .xc_pm_get_max_cx(self.handle.as_ptr(), pcpu, &raw mut states)
        };
        let count = usize::try_from(states).ok().filter(|_| returned == 0)?;
        let (mut triggers, mut residencies) = (vec![0_u64; count], vec![0_u64; count]);
        let mut stat = xc_cx_stat {
            nr: u32::try_from(count).ok()?,
            triggers: triggers.as_mut_ptr(),
            residencies: residencies.as_mut_ptr(),
            // The counters of packages and cores are not wanted.
            nr_pc: 0,
            nr_cc: 0,
            ..xc_cx_stat::default()
        };
        // SAFETY: the handle is open; we own the structure and both lists, which have `nr` elements and outlive the
        // call.
        let returned = unsafe {
            self.library
                .xc_pm_get_cxstat(self.handle.as_ptr(), pcpu, &raw mut stat)
        };
        let of_idle = residencies.iter().skip(1);
        (returned == 0).then(|| of_idle.fold(0_u64, |sum, &ns| sum.saturating_add(ns)))
    }

    /// Reads the host's free memory in bytes (`free_pages` of `xc_physinfo_t`).
    ///
    /// # Errors
    /// If the hypervisor refuses `physinfo`.
    pub fn memory_free_bytes(&self) -> Result<u64, Error> {
        Ok(self.physinfo()?.free_pages << XC_PAGE_SHIFT)
    }

    pub(super) fn physinfo(&self) -> Result<xc_physinfo_t, Error> {
        let mut physinfo = xc_physinfo_t::default();
        // SAFETY: the handle is open; we own the structure and it outlives the call.
        let returned = unsafe {
            self.library
                .xc_physinfo(self.handle.as_ptr(), &raw mut physinfo)
        };
        self.check("xc_physinfo", None, returned)?;
        Ok(physinfo)
    }
}
