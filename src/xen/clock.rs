//! Xen's own clock, which it counts CPU time with.
//!
//! dom0's clock is often another one (the clocksource `tsc`), at a rate of its own. No call of
//! libxenctrl tells Xen's, so this one goes through libxencall, by the line that libxenctrl has open.

use std::mem::size_of;
use std::ptr::NonNull;

use super::binding::{__HYPERVISOR_hvm_op, HVMOP_get_time, xen_hvm_get_time, xencall_handle};
use super::hypervisor::Hypervisor;
use crate::clock::stamped;
use crate::snapshot::XenClock;

impl Hypervisor {
    /// Reads Xen's clock (`HVMOP_get_time`, xen/hvm/hvm_op.h); `None` if Xen does not tell it, as one
    /// that is built without HVM.
    pub fn clock(&self) -> Option<XenClock> {
        // SAFETY: the handle is open. What is returned stays the handle's own.
        let calls = unsafe { self.library.xc_interface_xcall_handle(self.handle.as_ptr()) };
        let calls = NonNull::new(calls)?;
        // SAFETY: the handle for calls is open as long as the other one. The library keeps a few
        // pages for such buffers, so that this mostly costs no system call.
        let answer = unsafe {
            self.library
                .xencall_alloc_buffer(calls.as_ptr(), size_of::<xen_hvm_get_time>())
        };
        let answer = NonNull::new(answer.cast())?;
        let (ns, stamp) = stamped(|| self.read_clock(calls, answer));
        // SAFETY: the buffer came from this handle, is freed nowhere else and not used after this.
        unsafe {
            self.library
                .xencall_free_buffer(calls.as_ptr(), answer.as_ptr().cast());
        }
        Some(XenClock { ns: ns?, stamp })
    }

    /// Reads Xen's clock into `answer`, which is memory for hypercalls by way of `calls`.
    fn read_clock(
        &self,
        calls: NonNull<xencall_handle>,
        answer: NonNull<xen_hvm_get_time>,
    ) -> Option<u64> {
        // SAFETY: the handle is open; the answer is memory for hypercalls, as large as this
        // operation's argument, and ours alone.
        let returned = unsafe {
            self.library.xencall2(
                calls.as_ptr(),
                __HYPERVISOR_hvm_op,
                HVMOP_get_time.into(),
                answer.as_ptr() as u64,
            )
        };
        // SAFETY: the buffer is ours, aligned to a page, and any bytes in it are a number.
        let answer = unsafe { answer.read() };
        (returned == 0).then_some(answer.now)
    }
}
