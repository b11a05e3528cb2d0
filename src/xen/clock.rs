//! Xen's own clock, which Xen counts CPU time by.
//!
//! dom0's clock is often another one (clocksource `tsc`) and runs at a rate of its own. libxenctrl
//! has no call that reads Xen's clock, so this file uses libxencall through libxenctrl's own
//! handle.

use std::mem::size_of;
use std::ptr::NonNull;

use super::binding::{__HYPERVISOR_hvm_op, HVMOP_get_time, xen_hvm_get_time, xencall_handle};
use super::hypervisor::Hypervisor;
use crate::clock::stamped;
use crate::snapshot::XenClock;

impl Hypervisor {
    /// Reads Xen's clock (`HVMOP_get_time`, xen/hvm/hvm_op.h); `None` if Xen refuses, for example
    /// because it is built without HVM.
    pub fn clock(&self) -> Option<XenClock> {
        // SAFETY: the handle is open. It keeps ownership of the handle that is returned.
        let calls = unsafe { self.library.xc_interface_xcall_handle(self.handle.as_ptr()) };
        let calls = NonNull::new(calls)?;
        // SAFETY: the handle for calls is open as long as the other one. The library keeps a few
        // pages for such buffers, so this rarely costs a system call.
        let answer = unsafe {
            self.library
                .xencall_alloc_buffer(calls.as_ptr(), size_of::<xen_hvm_get_time>())
        };
        let answer = NonNull::new(answer.cast())?;
        let (ns, stamp) = stamped(|| self.read_clock(calls, answer));
        // SAFETY: the buffer came from this handle, is freed nowhere else and not used afterwards.
        unsafe {
            self.library
                .xencall_free_buffer(calls.as_ptr(), answer.as_ptr().cast());
        }
        Some(XenClock { ns: ns?, stamp })
    }

    /// Reads Xen's clock into `answer`, which is hypercall memory of the handle `calls`.
    fn read_clock(
        &self,
        calls: NonNull<xencall_handle>,
        answer: NonNull<xen_hvm_get_time>,
    ) -> Option<u64> {
        // SAFETY: the handle is open; the answer is hypercall memory as large as this operation's
        // argument, and nothing else uses it.
        let returned = unsafe {
            self.library.xencall2(
                calls.as_ptr(),
                __HYPERVISOR_hvm_op,
                HVMOP_get_time.into(),
                answer.as_ptr() as u64,
            )
        };
        // SAFETY: we own the buffer, it is aligned to a page, and any bytes in it are a valid
        // number.
        let answer = unsafe { answer.read() };
        (returned == 0).then_some(answer.now)
    }
}
