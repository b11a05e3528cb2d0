//! Switching Xen's trace on and off: `XEN_SYSCTL_tbuf_op` (xen/sysctl.h).

use std::ffi::{c_int, c_ulong};
use std::io;
use std::ptr::NonNull;

use crate::xen::binding::*;
use crate::xen::error::Error;
use crate::xen::hypervisor::Hypervisor;

/// The changes of vCPUs' states, and nothing else.
pub(super) const STATES: u32 = TRC_SCHED_MIN;

/// The events that Xen traces if nobody said otherwise.
pub(super) const EVERYTHING: u32 = TRC_ALL;

/// The first minor version of Xen with sysctl interface 0x16.
const NEWER_SYSCTL: u32 = 21;

/// What to do if Xen refuses to trace.
const REMEDY: &str = "the hypervisor must be built with CONFIG_TRACEBUFFER, and have free memory";

type Enable = unsafe extern "C" fn(*mut xc_interface, c_ulong, *mut c_ulong, *mut c_ulong) -> c_int;
type SetMask = unsafe extern "C" fn(*mut xc_interface, u32) -> c_int;
/// `xc_cpumap_t` is an array of bytes.
type SetPcpus = unsafe extern "C" fn(*mut xc_interface, *mut u8) -> c_int;
type Disable = unsafe extern "C" fn(*mut xc_interface) -> c_int;

/// A sysctl about the trace buffers (`struct xen_sysctl`, whose interface version depends on the hypervisor).
#[repr(C)]
#[derive(Clone, Copy)]
struct Sysctl {
    command: u32,
    interface_version: u32,
    body: Body,
}

#[repr(C)]
#[derive(Clone, Copy)]
union Body {
    operation: xen_sysctl_tbuf_op,
    /// As long as the longest operation.
    _size: [u8; 128],
}

/// What Xen says of its trace buffers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Info {
    /// The events that are traced, or will be.
    pub(super) mask: u32,
    /// The first frame of the list of buffers.
    pub(super) frame: u64,
    /// The size of the list in bytes; 0 if there are no buffers.
    pub(super) bytes: usize,
}

impl Hypervisor {
    /// Reads what is traced, and where the buffers are.
    pub(super) fn trace_info(&self) -> Result<Info, Error> {
        let request = Sysctl {
            command: XEN_SYSCTL_tbuf_op,
            interface_version: match self.minor >= NEWER_SYSCTL {
                true => 0x16,
                false => 0x15,
            },
            body: Body {
                operation: xen_sysctl_tbuf_op {
                    cmd: XEN_SYSCTL_TBUFOP_get_info,
                    ..xen_sysctl_tbuf_op::default()
                },
            },
        };
        let call = |calls: NonNull<xencall_handle>, sysctl: NonNull<Sysctl>| {
            // SAFETY: this is hypercall memory as large as the request, and nothing else uses it.
            unsafe { sysctl.write(request) };
            let address = sysctl.as_ptr() as u64;
            // SAFETY: the handle is open, and Xen reads and writes only this memory.
            unsafe {
                self.library
                    .xencall1(calls.as_ptr(), __HYPERVISOR_sysctl, address)
            }
        };
        // SAFETY: a sysctl is plain numbers.
        let answer = unsafe { self.hypercall(call) };
        let Some((answer, _)) = answer else {
            let failed = self.check("XEN_SYSCTL_tbuf_op", None, -1);
            return failed.map(|_| Info::default());
        };
        // SAFETY: this is the operation that was asked for, and all of its bytes were written.
        let operation = unsafe { answer.body.operation };
        Ok(Info {
            mask: operation.evt_mask,
            frame: operation.buffer_mfn,
            bytes: operation.size as usize,
        })
    }

    /// Sets which events are traced.
    pub(super) fn set_trace_mask(&self, mask: u32) -> Result<(), Error> {
        // SAFETY: the type is that of xenctrl.h.
        let set = unsafe { self.library.optional::<SetMask>(b"xc_tbuf_set_evt_mask\0") };
        let set = set.ok_or_else(missing)?;
        // SAFETY: the handle is open.
        let returned = unsafe { set(self.handle.as_ptr(), mask) };
        traced("xc_tbuf_set_evt_mask", returned)
    }

    /// Traces all pCPUs. Another program may have left out some (`xentrace -c`), and nothing says which.
    pub(super) fn trace_all_pcpus(&self) -> Result<(), Error> {
        let mut all = vec![u8::MAX; self.cpumap_bytes()?];
        // SAFETY: the type is that of xenctrl.h.
        let set = unsafe { self.library.optional::<SetPcpus>(b"xc_tbuf_set_cpu_mask\0") };
        let set = set.ok_or_else(missing)?;
        // SAFETY: the handle is open; the map is `xc_get_cpumap_size` bytes long, and outlives the call.
        let returned = unsafe { set(self.handle.as_ptr(), all.as_mut_ptr()) };
        traced("xc_tbuf_set_cpu_mask", returned)
    }

    /// Makes buffers of this many pages for each pCPU, unless there are some, and begins to trace.
    pub(super) fn enable_trace(&self, pages: u32) -> Result<(), Error> {
        // SAFETY: the type is that of xenctrl.h.
        let enable = unsafe { self.library.optional::<Enable>(b"xc_tbuf_enable\0") };
        let enable = enable.ok_or_else(missing)?;
        let (mut frame, mut bytes) = (0, 0);
        let (handle, pages) = (self.handle.as_ptr(), c_ulong::from(pages));
        // SAFETY: the handle is open; both outputs outlive the call.
        let returned = unsafe { enable(handle, pages, &raw mut frame, &raw mut bytes) };
        traced("xc_tbuf_enable", returned)
    }

    /// Stops tracing. The buffers stay until the host reboots.
    pub(super) fn disable_trace(&self) -> Result<(), Error> {
        // SAFETY: the type is that of xenctrl.h.
        let disable = unsafe { self.library.optional::<Disable>(b"xc_tbuf_disable\0") };
        let disable = disable.ok_or_else(missing)?;
        // SAFETY: the handle is open.
        let returned = unsafe { disable(self.handle.as_ptr()) };
        traced("xc_tbuf_disable", returned)
    }
}

fn traced(what: &'static str, returned: c_int) -> Result<(), Error> {
    match returned {
        0.. => Ok(()),
        _ => Err(refused(what, io::Error::last_os_error())),
    }
}

fn missing() -> Error {
    refused(
        "a function of libxenctrl",
        io::Error::from_raw_os_error(libc::ENOSYS),
    )
}

fn refused(what: &'static str, source: io::Error) -> Error {
    Error::Trace {
        what,
        source,
        remedy: REMEDY,
    }
}
