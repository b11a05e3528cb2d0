//! Xen's clock, which Xen counts CPU time by, and what it counted for dom0's own vCPUs.
//!
//! dom0's clock is often another one (clocksource `tsc`) and runs at a rate of its own. Each pCPU computes the time
//! from its own TSC, so that their clocks can differ too. libxenctrl has no call for some of this, so this file uses
//! libxencall through libxenctrl's own handle.

use std::ffi::c_int;
use std::mem::size_of;
use std::ptr::NonNull;

use super::binding::*;
use super::hypervisor::Hypervisor;
use crate::clock::stamped;
use crate::snapshot::{Dom0Vcpu, PcpuClock, Stamp, XenClock};

/// `MSR_IA32_TSC`. Xen answers with the pCPU's time in nanoseconds instead (xen/platform.h).
const MSR_IA32_TSC: u64 = 0x10;

/// How often the clock of a pCPU is read. The reading that took the shortest time is used.
const READINGS: usize = 5;

impl Hypervisor {
    /// Reads Xen's clock (`HVMOP_get_time`, xen/hvm/hvm_op.h); `None` if Xen refuses, for example
    /// because it is built without HVM.
    pub fn clock(&self) -> Option<XenClock> {
        let call = |calls: NonNull<xencall_handle>, answer: NonNull<xen_hvm_get_time>| {
            // SAFETY: the handle is open; the answer is hypercall memory as large as this operation's argument,
            // and nothing else uses it.
            unsafe {
                self.library.xencall2(
                    calls.as_ptr(),
                    __HYPERVISOR_hvm_op,
                    HVMOP_get_time.into(),
                    answer.as_ptr() as u64,
                )
            }
        };
        // SAFETY: the answer is a plain number.
        let (time, stamp) = unsafe { self.hypercall(call) }?;
        Some(XenClock {
            ns: time.now,
            stamp,
        })
    }

    /// Reads the clock of each of these pCPUs, on that pCPU (`XENPF_resource_op`, xen/platform.h); `None` if Xen
    /// refuses, which it does on ARM.
    pub fn pcpu_clocks(&self, pcpus: impl Iterator<Item = u32>) -> Option<Vec<PcpuClock>> {
        let narrowest = |pcpu| {
            let readings = (0..READINGS).map(|_| self.pcpu_clock(pcpu));
            let readings = readings.collect::<Option<Vec<PcpuClock>>>()?;
            let width = |clock: &PcpuClock| clock.stamp.uncertainty_ns;
            readings.into_iter().min_by_key(width)
        };
        pcpus.map(narrowest).collect()
    }

    fn pcpu_clock(&self, pcpu: u32) -> Option<PcpuClock> {
        let mut entry = xenpf_resource_entry {
            u: xenpf_resource_entry__bindgen_ty_1 {
                cmd: XEN_RESOURCE_OP_MSR_READ,
            },
            rsvd: 0,
            idx: MSR_IA32_TSC,
            val: 0,
        };
        let mut operation = xc_resource_op {
            result: 0,
            cpu: pcpu,
            nr_entries: 1,
            entries: &raw mut entry,
        };
        let (returned, stamp) = stamped(|| {
            // SAFETY: the handle is open; we own the operation and its one entry, and both outlive the call.
            unsafe {
                self.library
                    .xc_resource_op(self.handle.as_ptr(), 1, &raw mut operation)
            }
        });
        // The result is the number of entries that were done.
        (returned >= 0 && operation.result == 1).then_some(PcpuClock {
            pcpu,
            ns: entry.val,
            stamp,
        })
    }

    /// Reads how long each of dom0's first `count` vCPUs has been in each state
    /// (`VCPUOP_get_runstate_info`, xen/vcpu.h); `None` if Xen refuses.
    pub fn dom0_vcpus(&self, count: u32) -> Option<Vec<Dom0Vcpu>> {
        (0..count).map(|id| self.dom0_vcpu(id)).collect()
    }

    fn dom0_vcpu(&self, id: u32) -> Option<Dom0Vcpu> {
        let call = |calls: NonNull<xencall_handle>, answer: NonNull<vcpu_runstate_info>| {
            // SAFETY: as for Xen's clock.
            unsafe {
                self.library.xencall3(
                    calls.as_ptr(),
                    __HYPERVISOR_vcpu_op,
                    VCPUOP_get_runstate_info.into(),
                    id.into(),
                    answer.as_ptr() as u64,
                )
            }
        };
        // SAFETY: the answer is plain numbers.
        let (info, stamp) = unsafe { self.hypercall(call) }?;
        let of = |state: u32| info.time[state as usize];
        Some(Dom0Vcpu {
            id,
            running_ns: of(RUNSTATE_running),
            runnable_ns: of(RUNSTATE_runnable),
            blocked_ns: of(RUNSTATE_blocked),
            offline_ns: of(RUNSTATE_offline),
            stamp,
        })
    }

    /// Makes a hypercall that writes an answer, and stamps it; `None` if it fails. `call` gets the handle for calls,
    /// and memory of that handle that is as large as the answer.
    ///
    /// # Safety
    /// Any bytes are a valid `T`.
    pub(super) unsafe fn hypercall<T: Copy>(
        &self,
        call: impl FnOnce(NonNull<xencall_handle>, NonNull<T>) -> c_int,
    ) -> Option<(T, Stamp)> {
        // SAFETY: the handle is open. It keeps ownership of the handle that is returned.
        let calls = unsafe { self.library.xc_interface_xcall_handle(self.handle.as_ptr()) };
        let calls = NonNull::new(calls)?;
        // SAFETY: the handle for calls is open as long as the other one. The library keeps a few
        // pages for such buffers, so this rarely costs a system call.
        let buffer = unsafe {
            self.library
                .xencall_alloc_buffer(calls.as_ptr(), size_of::<T>())
        };
        let buffer = NonNull::new(buffer.cast::<T>())?;
        // SAFETY: we own the buffer, it is aligned to a page and as large as `T`.
        unsafe { buffer.write_bytes(0, 1) };
        let (returned, stamp) = stamped(|| call(calls, buffer));
        // SAFETY: as above, and the caller guarantees that any bytes are valid.
        let answer = unsafe { buffer.read() };
        // SAFETY: the buffer came from this handle, is freed nowhere else and not used afterwards.
        unsafe {
            self.library
                .xencall_free_buffer(calls.as_ptr(), buffer.as_ptr().cast());
        }
        (returned == 0).then_some((answer, stamp))
    }
}
