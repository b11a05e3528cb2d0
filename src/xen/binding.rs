//! The bindgen output for `wrapper.h`; the allowlist is in `build.rs`.

// Generated code has C's names and no documentation.
#![allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    dead_code,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    clippy::unwrap_used,
    clippy::expect_used
)]

include!(concat!(env!("OUT_DIR"), "/binding.rs"));

/// `xc_get_paging_mempool_size` (xenctrl.h), which not every libxenctrl has.
pub(super) type PagingMempoolSize =
    unsafe extern "C" fn(*mut xc_interface, u32, *mut u64) -> ::std::ffi::c_int;

/// `xc_xenver_extraversion` and the like (xenctrl.h), which libxenctrl has from 4.20 on. The text is
/// allocated by `malloc`.
pub(super) type XenverText = unsafe extern "C" fn(*mut xc_interface) -> *mut ::std::ffi::c_char;

impl LibXenCtrl {
    /// Looks up a function that not every libxenctrl has; `None` if this library lacks it.
    ///
    /// # Safety
    /// `F` is the type of the function, and `name` ends in a zero byte.
    pub(super) unsafe fn optional<F: Copy>(&self, name: &[u8]) -> Option<F> {
        // SAFETY: the caller guarantees the type.
        let symbol = unsafe { self.__library.get::<F>(name) };
        symbol.ok().map(|symbol| *symbol)
    }
}
