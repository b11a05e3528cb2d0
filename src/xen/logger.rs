//! Sends libxenctrl's own messages to `tracing`, at debug level.
//!
//! Without this logger, libxenctrl would write to stderr, and so into the live view.

use std::ffi::{CStr, c_char, c_int};
use std::ptr::NonNull;

use super::binding::{__va_list_tag, LibXenCtrl, xentoollog_level, xentoollog_logger};

/// Messages are cut at this length, in bytes.
const LONGEST: usize = 512;

/// A logger in libxentoollog's form: its functions first, then our data.
#[repr(C)]
struct Table {
    functions: xentoollog_logger,
    /// Calls `vsnprintf`, because stable Rust cannot.
    library: &'static LibXenCtrl,
}

/// Owns the logger that a libxenctrl handle points to. It must outlive that handle.
pub(super) struct Logger(NonNull<Table>);

impl Logger {
    pub(super) fn new(library: &'static LibXenCtrl) -> Self {
        let table = Box::new(Table {
            functions: xentoollog_logger {
                vmessage: Some(message),
                progress: None,
                // libxenctrl calls it only for loggers that it made itself.
                destroy: None,
            },
            library,
        });
        Self(NonNull::from(Box::leak(table)))
    }

    /// Returns the pointer that `xc_interface_open` takes.
    pub(super) fn as_ptr(&self) -> *mut xentoollog_logger {
        self.0.as_ptr().cast()
    }
}

impl Drop for Logger {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a leaked `Box<Table>` in `new` and is freed nowhere else.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Receives libxenctrl's messages.
unsafe extern "C" fn message(
    logger: *mut xentoollog_logger,
    _level: xentoollog_level,
    errno: c_int,
    context: *const c_char,
    format: *const c_char,
    arguments: *mut __va_list_tag,
) {
    if format.is_null() || !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    // SAFETY: `logger` is what `Logger::as_ptr` gave to `xc_interface_open`: it points to the first
    // field of a live `Table`, which nothing changes.
    let table = unsafe { &*logger.cast::<Table>() };
    let mut text = [0_u8; LONGEST];
    // SAFETY: we own the buffer and pass its length; the format and its arguments belong together
    // by the contract of xentoollog.h, and are valid until this function returns.
    unsafe {
        table
            .library
            .vsnprintf(text.as_mut_ptr().cast(), text.len() as _, format, arguments)
    };
    let text = CStr::from_bytes_until_nul(&text).unwrap_or_default();
    let context = if context.is_null() {
        c"xc"
    } else {
        // SAFETY: it is not null, so it is a C string that is valid until this function returns.
        unsafe { CStr::from_ptr(context) }
    };
    tracing::debug!(
        errno,
        "{}: {}",
        context.to_string_lossy(),
        text.to_string_lossy()
    );
}
