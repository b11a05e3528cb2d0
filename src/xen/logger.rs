//! Where libxenctrl's own messages go: to `tracing`, at debug level.
//!
//! Without a logger of ours libxenctrl would write to stderr, and into the middle of a screen.

use std::ffi::{CStr, c_char, c_int};
use std::ptr::NonNull;

use super::binding::{__va_list_tag, LibXenCtrl, xentoollog_level, xentoollog_logger};

/// Longest message that is passed on whole, in bytes.
const LONGEST: usize = 512;

/// A logger in the form that libxentoollog wants: its functions first, ours behind them.
#[repr(C)]
struct Table {
    functions: xentoollog_logger,
    /// For `vsnprintf`, which stable Rust has no way to call otherwise.
    library: &'static LibXenCtrl,
}

/// Owns the logger that a handle of libxenctrl points to; must outlive that handle.
pub(super) struct Logger(NonNull<Table>);

impl Logger {
    pub(super) fn new(library: &'static LibXenCtrl) -> Self {
        let table = Box::new(Table {
            functions: xentoollog_logger {
                vmessage: Some(message),
                progress: None,
                // Called for loggers that libxenctrl made itself, which this is not.
                destroy: None,
            },
            library,
        });
        Self(NonNull::from(Box::leak(table)))
    }

    /// What `xc_interface_open` takes.
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

/// libxenctrl's messages arrive here.
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
    // SAFETY: `logger` is what `Logger::as_ptr` gave to `xc_interface_open`, that is the first
    // field of a live `Table`, which nothing changes.
    let table = unsafe { &*logger.cast::<Table>() };
    let mut text = [0_u8; LONGEST];
    // SAFETY: the buffer is ours and as long as said; the format and its arguments belong together
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
        // SAFETY: not null, so a C string that is valid until this function returns.
        unsafe { CStr::from_ptr(context) }
    };
    tracing::debug!(
        errno,
        "{}: {}",
        context.to_string_lossy(),
        text.to_string_lossy()
    );
}
