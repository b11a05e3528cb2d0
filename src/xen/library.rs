//! The dom0's own libxenctrl, opened at run time.
//!
//! Its file name carries the version of Xen that it belongs to (`libxenctrl.so.4.17`), and the
//! calls used here have the same signatures and layouts from 4.17 to 4.20, so one xenscope serves
//! them all: `tests/integration/layout.rs` proves it from the headers.

use std::error::Error as _;

use super::binding::LibXenCtrl;
use super::error::Error;
use super::version::Version;

/// The name that the running hypervisor's libxenctrl has.
pub(super) fn name(version: Version) -> String {
    format!("libxenctrl.so.{version}")
}

/// Opens the libxenctrl that belongs to `version`. It stays until the process ends: what it takes is
/// small, and taking it and the seven libraries that come with it out of the process is not.
///
/// # Errors
/// [`Error::LibraryMissing`] when the loader finds none, [`Error::LibraryUnusable`] when it finds
/// one that it can't load or that lacks a function.
pub(super) fn open(version: Version) -> Result<&'static LibXenCtrl, Error> {
    let name = name(version);
    // SAFETY: loading runs the library's initialisers; libxenctrl and what it links against have
    // none that ask anything of their loader. The name is libxenctrl's own SONAME, so that the
    // functions found in it have the signatures of its header, which `binding` was made from.
    let library = unsafe { LibXenCtrl::new(&name) }.map_err(|error| {
        // The sentence of the loader itself is the source of libloading's error.
        let said = error
            .source()
            .map_or_else(|| error.to_string(), |source| source.to_string());
        // It has no error numbers, only these words for a file that is not there.
        if said.contains(&format!("{name}: cannot open shared object file")) {
            Error::LibraryMissing { name, said }
        } else {
            Error::LibraryUnusable { name, said }
        }
    })?;
    Ok(Box::leak(Box::new(library)))
}
