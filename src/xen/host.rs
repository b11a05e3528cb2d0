//! The host's memory and pCPUs.

use std::ffi::c_int;

use super::binding::{XC_PAGE_SHIFT, xc_cpuinfo_t, xc_physinfo_t};
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
        })
    }

    /// Reads the host's free memory in bytes (`free_pages` of `xc_physinfo_t`).
    ///
    /// # Errors
    /// If the hypervisor refuses `physinfo`.
    pub fn memory_free_bytes(&self) -> Result<u64, Error> {
        Ok(self.physinfo()?.free_pages << XC_PAGE_SHIFT)
    }

    fn physinfo(&self) -> Result<xc_physinfo_t, Error> {
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
