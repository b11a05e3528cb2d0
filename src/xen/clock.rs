//! Xen's own clock, which it counts CPU time with.
//!
//! dom0's clock is often another one (the clocksource `tsc`), at a rate of its own. No call of
//! libxenctrl tells Xen's, so this one goes through libxencall, which libxenctrl is linked to.

use std::mem::size_of;
use std::ptr::NonNull;

use super::Hypervisor;
use super::binding::{
    __HYPERVISOR_hvm_op, HVMOP_get_time, LibXenCtrl, xen_hvm_get_time, xencall_handle,
};
use super::logger::Logger;
use crate::clock::stamped;
use crate::snapshot::XenClock;

/// A line for hypercalls that libxenctrl has no function for, and the memory that the answer is
/// written to. The logger that it was opened with must outlive it.
pub(super) struct Clock {
    library: &'static LibXenCtrl,
    handle: NonNull<xencall_handle>,
    answer: NonNull<xen_hvm_get_time>,
}

impl Clock {
    /// `None` when it can't be opened.
    fn open(library: &'static LibXenCtrl, logger: &Logger) -> Option<Self> {
        // SAFETY: the logger outlives the handle, as this type asks for.
        let handle = unsafe { library.xencall_open(logger.as_ptr(), 0) };
        let handle = NonNull::new(handle)?;
        // SAFETY: the handle is open.
        let answer =
            unsafe { library.xencall_alloc_buffer(handle.as_ptr(), size_of::<xen_hvm_get_time>()) };
        let Some(answer) = NonNull::new(answer.cast()) else {
            // SAFETY: the handle is open, and not used after this.
            unsafe { library.xencall_close(handle.as_ptr()) };
            return None;
        };
        Some(Self {
            library,
            handle,
            answer,
        })
    }

    /// Nanoseconds since Xen booted; `None` when Xen does not tell, as when it is built without
    /// HVM.
    fn now_ns(&self) -> Option<u64> {
        // SAFETY: the handle is open; the answer is memory for hypercalls, as large as this
        // operation's argument, and ours alone.
        let returned = unsafe {
            self.library.xencall2(
                self.handle.as_ptr(),
                __HYPERVISOR_hvm_op,
                HVMOP_get_time.into(),
                self.answer.as_ptr() as u64,
            )
        };
        // SAFETY: the buffer is ours, aligned to a page, and any bytes in it are a number.
        let answer = unsafe { self.answer.read() };
        (returned == 0).then_some(answer.now)
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        // SAFETY: the buffer came from this handle, is freed nowhere else and not used after this.
        unsafe {
            self.library
                .xencall_free_buffer(self.handle.as_ptr(), self.answer.as_ptr().cast());
        }
        // SAFETY: the handle came from `xencall_open`, is closed nowhere else, and is not used
        // after this.
        unsafe { self.library.xencall_close(self.handle.as_ptr()) };
    }
}

impl Hypervisor {
    /// What Xen's clock says (`HVMOP_get_time`, xen/hvm/hvm_op.h); `None` when Xen does not tell.
    pub fn clock(&mut self) -> Option<XenClock> {
        if self.clock.is_none() {
            self.clock = Clock::open(self.library, &self.logger);
        }
        let clock = self.clock.as_ref()?;
        let (ns, stamp) = stamped(|| clock.now_ns());
        Some(XenClock { ns: ns?, stamp })
    }
}
