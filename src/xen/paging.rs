//! The pool of memory that Xen takes a domain's page tables from.

use std::ffi::c_int;

use super::hypervisor::Hypervisor;
use crate::snapshot::DomId;

impl Hypervisor {
    /// Returns the size of a domain's paging pool in bytes; `None` for a PV domain, which has none
    /// (Xen refuses to tell), for one that is gone, and where the library lacks the call.
    pub fn paging_pool_bytes(&self, domain: DomId) -> Option<u64> {
        let size_of = (*self.paging_mempool_size.get_or_init(|| {
            // SAFETY: libxenctrl has no other function of this name, and xenctrl.h of 4.17 to 4.20
            // declares it like the type.
            unsafe { self.library.optional(b"xc_get_paging_mempool_size\0") }
        }))?;
        let mut bytes = 0;
        // SAFETY: the handle is open; the number is ours and outlives the call. The library, and so
        // the function, stays loaded until the process ends.
        let returned: c_int =
            unsafe { size_of(self.handle.as_ptr(), domain.0.into(), &raw mut bytes) };
        (returned == 0).then_some(bytes)
    }
}
