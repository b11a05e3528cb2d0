//! Memory that Xen uses for domains, beyond what it counts as theirs.

use super::binding::{XC_PAGE_SHIFT, gnttab_query_size};
use super::hypervisor::Hypervisor;
use crate::snapshot::{DomId, PodMemory, SharedMemory};

impl Hypervisor {
    /// Reads the size of a domain's grant table in bytes (`nr_frames` of `gnttab_query_size`,
    /// xen/grant_table.h); `None` if Xen refuses or the domain no longer exists.
    pub fn grant_table_bytes(&self, domain: DomId) -> Option<u64> {
        let mut query = gnttab_query_size {
            dom: domain.0,
            ..gnttab_query_size::default()
        };
        // SAFETY: the handle is open; we own the structure and it outlives the call.
        let returned = unsafe {
            self.library
                .xc_gnttab_query_size(self.handle.as_ptr(), &raw mut query)
        };
        // A status of 0 is success (GNTST_okay).
        (returned == 0 && query.status == 0).then(|| u64::from(query.nr_frames) << XC_PAGE_SHIFT)
    }

    /// Reads what a domain has of populate-on-demand memory; `None` for PV, if Xen refuses, or if the
    /// domain no longer exists.
    pub fn pod_memory(&self, domain: DomId) -> Option<PodMemory> {
        let (mut total, mut cache, mut entries) = (0, 0, 0);
        // SAFETY: the handle is open; we own the three numbers and they outlive the call.
        let returned = unsafe {
            self.library.xc_domain_get_pod_target(
                self.handle.as_ptr(),
                domain.0.into(),
                &raw mut total,
                &raw mut cache,
                &raw mut entries,
            )
        };
        (returned == 0).then_some(PodMemory {
            cache_bytes: cache << XC_PAGE_SHIFT,
            entries_bytes: entries << XC_PAGE_SHIFT,
        })
    }

    /// Reads how much memory domains share; `None` if Xen is built without sharing.
    pub fn shared_memory(&self) -> Option<SharedMemory> {
        // SAFETY: the handle is open.
        let used = unsafe { self.library.xc_sharing_used_frames(self.handle.as_ptr()) };
        // SAFETY: as above.
        let freed = unsafe { self.library.xc_sharing_freed_pages(self.handle.as_ptr()) };
        // A failure is negative.
        let bytes = |pages| Some(u64::try_from(pages).ok()? << XC_PAGE_SHIFT);
        Some(SharedMemory {
            used_bytes: bytes(used)?,
            freed_bytes: bytes(freed)?,
        })
    }
}
