//! How the host's pCPUs are arranged: sockets, cores, NUMA nodes and CPU pools.

use std::ptr::null_mut;

use super::binding::*;
use super::error::Error;
use super::hypervisor::Hypervisor;
use super::scheduler::scheduler;
use super::vcpus::members;
use crate::snapshot::{Node, Pcpu, Pool};

/// What Xen says of an id or a size that there is none of (`XEN_INVALID_*`, xen/sysctl.h).
const NONE: u32 = u32::MAX;

impl Hypervisor {
    /// Fills in where each pCPU is.
    ///
    /// # Errors
    /// When the hypervisor refuses `cputopoinfo`.
    pub fn locate(&self, pcpus: &mut [Pcpu]) -> Result<(), Error> {
        let mut places = vec![xc_cputopo_t::default(); pcpus.len()];
        let mut count = places.len() as u32;
        // SAFETY: the handle is open; the buffer is ours and holds as many elements as `count`
        // says; both outlive the call.
        let returned = unsafe {
            self.library
                .xc_cputopoinfo(self.handle.as_ptr(), &raw mut count, places.as_mut_ptr())
        };
        self.check("xc_cputopoinfo", None, returned)?;
        let known = |id: u32| (id != NONE).then_some(id);
        for (pcpu, place) in pcpus.iter_mut().zip(&places).take(count as usize) {
            pcpu.socket = known(place.socket);
            pcpu.core = known(place.core);
            pcpu.node = known(place.node);
        }
        Ok(())
    }

    /// The NUMA nodes and their memory.
    ///
    /// # Errors
    /// When the hypervisor refuses `numainfo`.
    pub fn nodes(&self) -> Result<Vec<Node>, Error> {
        let mut count = 0;
        // SAFETY: the handle is open; two null buffers ask for the number of nodes only.
        let returned = unsafe {
            self.library
                .xc_numainfo(self.handle.as_ptr(), &raw mut count, null_mut(), null_mut())
        };
        self.check("xc_numainfo", None, returned)?;
        let mut memory = vec![xc_meminfo_t::default(); count as usize];
        // SAFETY: the handle is open; the buffer is ours and holds as many elements as `count`
        // says; null stands for distances that are not asked for.
        let returned = unsafe {
            self.library.xc_numainfo(
                self.handle.as_ptr(),
                &raw mut count,
                memory.as_mut_ptr(),
                null_mut(),
            )
        };
        self.check("xc_numainfo", None, returned)?;
        let known = |bytes: u64| (bytes != u64::from(NONE)).then_some(bytes);
        Ok((0..count)
            .zip(memory)
            .map(|(id, node)| Node {
                id,
                memory_bytes: known(node.memsize),
                memory_free_bytes: known(node.memfree),
            })
            .collect())
    }

    /// The CPU pools, without their names.
    ///
    /// # Errors
    /// When the hypervisor refuses to tell.
    pub fn pools(&self) -> Result<Vec<Pool>, Error> {
        let bytes = self.cpumap_bytes()?;
        let mut pools: Vec<Pool> = Vec::new();
        // Each call gives the first pool from that id on.
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
                // There is none from this id on.
                Err(Error::Hypercall { source, .. })
                    if source.raw_os_error() == Some(libc::ENOENT) =>
                {
                    Ok(None)
                }
                Err(error) => Err(error),
                Ok(_) => Ok(None),
            };
        }
        // SAFETY: not null, so it points to a structure that libxenctrl filled in and that is ours
        // until it is freed below.
        let pool = unsafe { &*info };
        // SAFETY: `cpumap` points to a map that was allocated with `xc_cpumap_alloc`, which is
        // `xc_get_cpumap_size` long, and lives as long as the structure.
        let map = unsafe { std::slice::from_raw_parts(pool.cpumap, map_bytes) };
        let found = Pool {
            id: pool.cpupool_id,
            name: None,
            scheduler: scheduler(pool.sched_id),
            pcpus: members(map),
            domains: pool.n_dom,
        };
        // SAFETY: the structure came from `xc_cpupool_getinfo`, is freed here only, and neither it
        // nor its map is used after this.
        unsafe { self.library.xc_cpupool_infofree(self.handle.as_ptr(), info) };
        Ok(Some(found))
    }
}
