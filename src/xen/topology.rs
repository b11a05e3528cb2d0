//! The arrangement of the host's pCPUs: sockets, cores, NUMA nodes and CPU pools.

use std::ptr::null_mut;

use super::binding::*;
use super::error::Error;
use super::hypervisor::Hypervisor;
use super::scheduler::scheduler;
use super::vcpus::set_bits;
use crate::snapshot::{Node, Pcpu, Pool, Scheduler};

/// What Xen writes for an ID or a size that does not exist (`XEN_INVALID_*`, xen/sysctl.h).
const INVALID: u32 = u32::MAX;

impl Hypervisor {
    /// Fills in each pCPU's socket, core and node (`xc_cputopo_t`).
    ///
    /// # Errors
    /// If the hypervisor refuses `cputopoinfo`.
    pub fn locate(&self, pcpus: &mut [Pcpu]) -> Result<(), Error> {
        let mut topology = vec![xc_cputopo_t::default(); pcpus.len()];
        let mut count = topology.len() as u32;
        // SAFETY: the handle is open; we own the buffer and it holds `count` elements; both outlive
        // the call.
        let returned = unsafe {
            self.library
                .xc_cputopoinfo(self.handle.as_ptr(), &raw mut count, topology.as_mut_ptr())
        };
        self.check("xc_cputopoinfo", None, returned)?;
        let known = |id: u32| (id != INVALID).then_some(id);
        for (pcpu, found) in pcpus.iter_mut().zip(&topology).take(count as usize) {
            pcpu.socket = known(found.socket);
            pcpu.core = known(found.core);
            pcpu.node = known(found.node);
        }
        Ok(())
    }

    /// Reads the NUMA nodes and their memory in bytes (`xc_meminfo_t`).
    ///
    /// # Errors
    /// If the hypervisor refuses `numainfo`.
    pub fn nodes(&self) -> Result<Vec<Node>, Error> {
        let mut count = 0;
        // SAFETY: the handle is open; two null buffers ask only for the number of nodes.
        let returned = unsafe {
            self.library
                .xc_numainfo(self.handle.as_ptr(), &raw mut count, null_mut(), null_mut())
        };
        self.check("xc_numainfo", None, returned)?;
        let mut memory = vec![xc_meminfo_t::default(); count as usize];
        // SAFETY: the handle is open; we own the buffer and it holds `count` elements; null means
        // that the distances are not wanted.
        let returned = unsafe {
            self.library.xc_numainfo(
                self.handle.as_ptr(),
                &raw mut count,
                memory.as_mut_ptr(),
                null_mut(),
            )
        };
        self.check("xc_numainfo", None, returned)?;
        let known = |bytes: u64| (bytes != u64::from(INVALID)).then_some(bytes);
        Ok((0..count)
            .zip(memory)
            .map(|(id, node)| Node {
                id,
                memory_bytes: known(node.memsize),
                memory_free_bytes: known(node.memfree),
            })
            .collect())
    }

    /// Reads the CPU pools, without their names.
    ///
    /// # Errors
    /// If the hypervisor refuses `cpupool_getinfo`.
    pub fn pools(&self) -> Result<Vec<Pool>, Error> {
        let bytes = self.cpumap_bytes()?;
        let mut pools: Vec<Pool> = Vec::new();
        // Each call returns the first pool whose ID is not lower than the one given.
        while let Some(pool) = self.pool_from(pools.last().map_or(0, |pool| pool.id + 1), bytes)? {
            pools.push(pool);
        }
        Ok(pools)
    }

    fn pool_from(&self, id: u32, map_bytes: usize) -> Result<Option<Pool>, Error> {
        // SAFETY: the handle is open.
        let info = unsafe { self.library.xc_cpupool_getinfo(self.handle.as_ptr(), id) };
        if info.is_null() {
            return match self.check("xc_cpupool_getinfo", None, -1) {
                // No pool has such an ID.
                Err(Error::Hypercall { source, .. })
                    if source.raw_os_error() == Some(libc::ENOENT) =>
                {
                    Ok(None)
                }
                Err(error) => Err(error),
                Ok(_) => Ok(None),
            };
        }
        // SAFETY: it is not null, so it points to a structure that libxenctrl filled in and that we
        // own until it is freed below.
        let pool = unsafe { &*info };
        // SAFETY: `cpumap` points to a map that was allocated with `xc_cpumap_alloc`, which is
        // `xc_get_cpumap_size` bytes long and lives as long as the structure.
        let map = unsafe { std::slice::from_raw_parts(pool.cpumap, map_bytes) };
        let scheduler = scheduler(pool.sched_id);
        let found = Pool {
            id: pool.cpupool_id,
            name: None,
            scheduler,
            timeslice_ns: (scheduler == Scheduler::Credit)
                .then(|| self.credit_timeslice_ns(pool.cpupool_id))
                .flatten(),
            pcpus: set_bits(map),
            domains: pool.n_dom,
        };
        // SAFETY: the structure came from `xc_cpupool_getinfo`, is freed only here, and neither it
        // nor its map is used afterwards.
        unsafe { self.library.xc_cpupool_infofree(self.handle.as_ptr(), info) };
        Ok(Some(found))
    }
}
