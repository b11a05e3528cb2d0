//! What `xenscope doctor` asks. None of it changes anything.

use std::ffi::{c_char, c_int, c_uint};
use std::ptr::NonNull;

use super::binding::*;
use super::error::Error;
use super::hypervisor::Hypervisor;
use crate::snapshot::DomId;

/// The interface versions that are tried. Xen 4.17 to 4.22 have 0x15 to 0x18.
const INTERFACES: std::ops::RangeInclusive<u64> = 0x10..=0x28;

/// The length of `struct xen_sysctl` (xen/sysctl.h) in words of 64 bits.
const SYSCTL_WORDS: usize = 17;

/// The length of `struct xen_domctl` (xen/domctl.h) in words of 64 bits.
const DOMCTL_WORDS: usize = 18;

/// As many event channels as a domain can have (`EVTCHN_FIFO_NR_CHANNELS`, xen/event_channel.h).
const MOST_CHANNELS: u32 = 1 << 17;

/// The length of each reading of Xen's console in bytes.
const CONSOLE_PART: usize = 16 << 10;

/// The most of Xen's console that is read, in bytes.
const CONSOLE_MOST: usize = 4 << 20;

type ReadConsole = unsafe extern "C" fn(
    *mut xc_interface,
    *mut c_char,
    *mut c_uint,
    c_int,
    c_int,
    *mut u32,
) -> c_int;
type ChannelStatus = unsafe extern "C" fn(*mut xc_interface, *mut evtchn_status) -> c_int;

/// The interface versions that the hypervisor accepts; `None` if it refuses all that were tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interfaces {
    /// That of calls about the host (`XEN_SYSCTL_INTERFACE_VERSION`, xen/sysctl.h).
    pub sysctl: Option<u64>,
    /// That of calls about a domain (`XEN_DOMCTL_INTERFACE_VERSION`, xen/domctl.h).
    pub domctl: Option<u64>,
}

impl Hypervisor {
    /// Returns the hypervisor's version, such as `4.17.5`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Makes a call about the host and one about dom0 by libxenctrl, as samples do.
    ///
    /// # Errors
    /// If the hypervisor or dom0's kernel refuses one of them, for example because libxenctrl has another interface
    /// version.
    pub fn try_calls(&self) -> Result<(), Error> {
        self.physinfo()?;
        self.vcpu(DomId(0), 0, false)?;
        Ok(())
    }

    /// Finds out which interface versions the hypervisor accepts, by calls that only read.
    pub fn interfaces(&self) -> Interfaces {
        let accepts_sysctl = |&version: &u64| {
            let mut request = [0; SYSCTL_WORDS];
            request[0] = u64::from(XEN_SYSCTL_physinfo) | version << 32;
            self.accepts(__HYPERVISOR_sysctl, request)
        };
        let accepts_domctl = |&version: &u64| {
            // The word after the command has the domain's ID: 0.
            let mut request = [0; DOMCTL_WORDS];
            request[0] = u64::from(XEN_DOMCTL_getdomaininfo) | version << 32;
            self.accepts(__HYPERVISOR_domctl, request)
        };
        Interfaces {
            sysctl: INTERFACES.into_iter().find(accepts_sysctl),
            domctl: INTERFACES.into_iter().find(accepts_domctl),
        }
    }

    /// Makes a hypercall with this argument; returns whether it succeeds.
    fn accepts<const WORDS: usize>(&self, hypercall: u32, request: [u64; WORDS]) -> bool {
        let call = |calls: NonNull<xencall_handle>, argument: NonNull<[u64; WORDS]>| {
            // SAFETY: this is hypercall memory as large as the request, and nothing else uses it.
            unsafe { argument.write(request) };
            let address = argument.as_ptr() as u64;
            // SAFETY: the handle is open. Xen writes only this memory: the request has no addresses.
            unsafe { self.library.xencall1(calls.as_ptr(), hypercall, address) }
        };
        // SAFETY: the answer is plain numbers.
        unsafe { self.hypercall(call) }.is_some()
    }

    /// Reads Xen's console, as `xl dmesg` prints it; `None` if Xen refuses. What is older than its buffer is lost.
    pub fn console(&self) -> Option<String> {
        // SAFETY: the type is that of xenctrl.h.
        let read: ReadConsole = unsafe { self.library.optional(b"xc_readconsolering\0") }?;
        let mut part = vec![0_u8; CONSOLE_PART];
        let (mut text, mut index) = (Vec::new(), 0);
        while text.len() < CONSOLE_MOST {
            let mut length = part.len() as c_uint;
            let buffer = part.as_mut_ptr().cast();
            // SAFETY: the handle is open; the buffer has `length` bytes; all outputs outlive the call.
            let returned = unsafe {
                read(
                    self.handle.as_ptr(),
                    buffer,
                    &raw mut length,
                    0,
                    1,
                    &raw mut index,
                )
            };
            match part.get(..length as usize) {
                Some(part) if returned == 0 && !part.is_empty() => text.extend_from_slice(part),
                _ if returned == 0 => break,
                _ => return None,
            }
        }
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// Returns whether a program has the interrupt of the trace buffers, which whoever traces has; `None` if
    /// libxenctrl cannot tell.
    pub fn has_tracer(&self) -> Option<bool> {
        // SAFETY: the type is that of xenctrl.h.
        let status: ChannelStatus = unsafe { self.library.optional(b"xc_evtchn_status\0") }?;
        for port in 0..MOST_CHANNELS {
            let mut channel = evtchn_status {
                port,
                ..evtchn_status::default()
            };
            // SAFETY: the handle is open; we own the structure and it outlives the call.
            let returned = unsafe { status(self.handle.as_ptr(), &raw mut channel) };
            if returned < 0 {
                // Dom0 has no channel from this one on; channel 0 is always there.
                return (port > 0).then_some(false);
            }
            if channel.status == EVTCHNSTAT_virq {
                // SAFETY: it is a virtual interrupt, and all of its bytes were written.
                let interrupt = unsafe { channel.u.virq };
                if interrupt == VIRQ_TBUF {
                    return Some(true);
                }
            }
        }
        Some(false)
    }
}
