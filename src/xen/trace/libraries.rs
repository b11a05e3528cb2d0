//! Event channels and the memory of Xen itself, by the libraries that libxenctrl needs too.
//!
//! They are opened by their names when a trace begins, so that a dom0 without them lacks only this.

use std::error::Error as _;
use std::ffi::{c_int, c_uint, c_void};
use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;

use libloading::Library;

use crate::xen::binding::VIRQ_TBUF;
use crate::xen::error::Error;

/// Memory of Xen itself (`DOMID_XEN`, xen/xen.h).
const DOMID_XEN: u32 = 0x7ff2;

/// `xenevtchn_open` and `xenforeignmemory_open`: a logger or null, and flags.
type Open = unsafe extern "C" fn(*mut c_void, c_uint) -> *mut c_void;
/// `xenevtchn_close`, `xenevtchn_fd`, `xenevtchn_pending`, `xenforeignmemory_close`.
type OfHandle = unsafe extern "C" fn(*mut c_void) -> c_int;
/// `xenevtchn_bind_virq` and `xenevtchn_unmask`: a virtual interrupt or a port.
type OfPort = unsafe extern "C" fn(*mut c_void, c_uint) -> c_int;
/// `xenforeignmemory_map`: domain, protection, pages, their frames, and where to write errors.
type Map =
    unsafe extern "C" fn(*mut c_void, u32, c_int, usize, *const u64, *mut c_int) -> *mut c_void;
/// `xenforeignmemory_unmap`: address and pages.
type Unmap = unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> c_int;

/// Opens a library. It stays loaded, as libxenctrl does, which needs it.
fn open(name: &'static str) -> Result<&'static Library, Error> {
    // SAFETY: these libraries' initialisers do not depend on the program that loads them.
    let library = unsafe { Library::new(name) }.map_err(|error| unusable(name, &error))?;
    Ok(Box::leak(Box::new(library)))
}

fn unusable(name: &str, error: &libloading::Error) -> Error {
    let message = error.source().map(ToString::to_string);
    Error::LibraryUnusable {
        name: name.to_owned(),
        message: message.unwrap_or_else(|| error.to_string()),
    }
}

/// Looks up a function.
///
/// # Safety
/// `F` is the type of the function.
unsafe fn function<F: Copy>(
    library: &Library,
    name: &'static str,
    function: &'static str,
) -> Result<F, Error> {
    // SAFETY: the caller guarantees the type.
    let symbol = unsafe { library.get::<F>(function) };
    let symbol = symbol.map_err(|error| unusable(name, &error))?;
    Ok(*symbol)
}

const EVENTS: &str = "libxenevtchn.so.1";

/// The virtual interrupt that Xen sends when a trace buffer is half full. Only one program can have it, so it also
/// says who may trace.
pub(super) struct Interrupt {
    handle: NonNull<c_void>,
    fd: c_int,
    pending: OfHandle,
    unmask: OfPort,
    close: OfHandle,
}

impl Interrupt {
    /// Takes the interrupt; `None` if another program has it.
    ///
    /// # Errors
    /// If libxenevtchn cannot be used, or Xen refuses.
    pub(super) fn take() -> Result<Option<Self>, Error> {
        let library = open(EVENTS)?;
        // SAFETY: the types are those of xenevtchn.h.
        let open: Open = unsafe { function(library, EVENTS, "xenevtchn_open") }?;
        // SAFETY: as above.
        let bind: OfPort = unsafe { function(library, EVENTS, "xenevtchn_bind_virq") }?;
        // SAFETY: as above.
        let fd: OfHandle = unsafe { function(library, EVENTS, "xenevtchn_fd") }?;
        // SAFETY: as above.
        let pending = unsafe { function(library, EVENTS, "xenevtchn_pending") }?;
        // SAFETY: as above.
        let unmask = unsafe { function(library, EVENTS, "xenevtchn_unmask") }?;
        // SAFETY: as above.
        let close = unsafe { function(library, EVENTS, "xenevtchn_close") }?;
        // SAFETY: a null logger means the library's own.
        let handle = unsafe { open(null_mut(), 0) };
        let handle = NonNull::new(handle).ok_or_else(|| failed("opening /dev/xen/evtchn"))?;
        // SAFETY: the handle is open.
        let fd = unsafe { fd(handle.as_ptr()) };
        let interrupt = Self {
            handle,
            fd,
            pending,
            unmask,
            close,
        };
        // SAFETY: the handle is open.
        let port = unsafe { bind(handle.as_ptr(), VIRQ_TBUF) };
        if port >= 0 {
            return Ok(Some(interrupt));
        }
        // Read before `interrupt` is closed.
        let error = failed("binding VIRQ_TBUF");
        match &error {
            Error::Trace { source, .. } if source.raw_os_error() == Some(libc::EEXIST) => Ok(None),
            _ => Err(error),
        }
    }

    /// Returns the descriptor that can be read from when the interrupt has come.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the library keeps it open as long as the handle, which `self` owns.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }

    /// Takes note of an interrupt that has come, so that the next one can come.
    pub(super) fn acknowledge(&self) {
        // SAFETY: the handle is open.
        let port = unsafe { (self.pending)(self.handle.as_ptr()) };
        if let Ok(port) = c_uint::try_from(port) {
            // SAFETY: the handle is open.
            unsafe { (self.unmask)(self.handle.as_ptr(), port) };
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        // SAFETY: the handle came from `xenevtchn_open`, is closed nowhere else and not used afterwards.
        unsafe { (self.close)(self.handle.as_ptr()) };
    }
}

const MEMORY: &str = "libxenforeignmemory.so.1";

/// A handle to map the memory of Xen.
pub(super) struct XenMemory {
    handle: NonNull<c_void>,
    map: Map,
    unmap: Unmap,
    close: OfHandle,
}

impl XenMemory {
    /// Opens the handle.
    ///
    /// # Errors
    /// If libxenforeignmemory cannot be used, or dom0's kernel refuses.
    pub(super) fn open() -> Result<Rc<Self>, Error> {
        let library = open(MEMORY)?;
        // SAFETY: the types are those of xenforeignmemory.h; `xen_pfn_t` is a u64 on x86-64 and ARM.
        let open: Open = unsafe { function(library, MEMORY, "xenforeignmemory_open") }?;
        // SAFETY: as above.
        let map = unsafe { function(library, MEMORY, "xenforeignmemory_map") }?;
        // SAFETY: as above.
        let unmap = unsafe { function(library, MEMORY, "xenforeignmemory_unmap") }?;
        // SAFETY: as above.
        let close = unsafe { function(library, MEMORY, "xenforeignmemory_close") }?;
        // SAFETY: a null logger means the library's own.
        let handle = unsafe { open(null_mut(), 0) };
        let handle = NonNull::new(handle).ok_or_else(|| failed("opening /dev/xen/privcmd"))?;
        Ok(Rc::new(Self {
            handle,
            map,
            unmap,
            close,
        }))
    }

    /// Maps these frames of Xen, one after the other.
    ///
    /// # Errors
    /// If Xen refuses one of them.
    pub(super) fn map(self: &Rc<Self>, frames: &[u64], writable: bool) -> Result<Mapping, Error> {
        let protection = match writable {
            true => libc::PROT_READ | libc::PROT_WRITE,
            false => libc::PROT_READ,
        };
        let (frame, count) = (frames.as_ptr(), frames.len());
        let handle = self.handle.as_ptr();
        // SAFETY: the handle is open, and the frames outlive the call. Without a list for errors, the call fails if
        // any frame does.
        let start = unsafe { (self.map)(handle, DOMID_XEN, protection, count, frame, null_mut()) };
        let start = NonNull::new(start).ok_or_else(|| failed("mapping the trace buffers"))?;
        Ok(Mapping {
            start,
            pages: count,
            memory: Rc::clone(self),
        })
    }
}

impl Drop for XenMemory {
    fn drop(&mut self) {
        // SAFETY: the handle came from `xenforeignmemory_open`, is closed nowhere else, and no mapping is left.
        unsafe { (self.close)(self.handle.as_ptr()) };
    }
}

/// Returns the error of a call that has just failed.
fn failed(what: &'static str) -> Error {
    Error::Trace {
        what,
        source: io::Error::last_os_error(),
        remedy: "run xenscope as root in dom0, and see docs/waits.md",
    }
}

/// Mapped frames of Xen, which Xen writes to at any time.
pub(super) struct Mapping {
    start: NonNull<c_void>,
    pages: usize,
    memory: Rc<XenMemory>,
}

impl Mapping {
    /// Returns the number of bytes.
    pub(super) fn len(&self) -> usize {
        self.pages * 4096
    }

    /// Returns the address of the word at this offset in bytes; `None` if it is outside or not aligned.
    pub(super) fn word(&self, offset: usize) -> Option<NonNull<u32>> {
        let is_inside = offset.is_multiple_of(4) && offset < self.len();
        // SAFETY: the offset is inside the mapping, which is one allocation.
        is_inside.then(|| unsafe { self.start.byte_add(offset) }.cast())
    }

    /// Reads the word at this offset in bytes; `None` as for [`Mapping::word`].
    pub(super) fn read(&self, offset: usize) -> Option<u32> {
        let word = self.word(offset)?;
        // SAFETY: the word is inside the mapping, which lives as long as `self`, and aligned. Xen may write to it,
        // so this reads it once.
        Some(unsafe { word.read_volatile() })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let handle = self.memory.handle.as_ptr();
        // SAFETY: the mapping came from this handle, is unmapped nowhere else and not used afterwards.
        unsafe { (self.memory.unmap)(handle, self.start.as_ptr(), self.pages) };
    }
}
