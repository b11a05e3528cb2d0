//! Opens dom0's own libxenctrl at run time.
//!
//! Its file name ends in the version of Xen that it belongs to (`libxenctrl.so.4.17`). The calls
//! used here have the same signatures and layouts from 4.17 to 4.22, so one xenscope works with all
//! of these versions; `tests/integration/layout.rs` checks it against the headers.

use std::error::Error as _;

use super::binding::LibXenCtrl;
use super::error::Error;
use super::version::Version;

/// Returns the file name of the libxenctrl that belongs to `version`.
pub(crate) fn name(version: Version) -> String {
    format!("libxenctrl.so.{version}")
}

/// Opens the libxenctrl that belongs to `version`. It stays loaded until the process ends: it takes
/// little memory, and unloading it and the seven libraries that it needs takes time.
///
/// # Errors
/// [`Error::LibraryMissing`] if the loader does not find it, [`Error::LibraryUnusable`] if the
/// loader cannot load it or it lacks a function.
pub(super) fn open(version: Version) -> Result<&'static LibXenCtrl, Error> {
    let name = name(version);
    // SAFETY: loading runs the library's initialisers. Those of libxenctrl and of the libraries
    // that it needs do not depend on the program that loads them. The name is libxenctrl's own
    // SONAME, so its functions have the signatures of the header that `binding` was generated from.
    let library = unsafe { LibXenCtrl::new(&name) }.map_err(|error| {
        // libloading has the loader's own message as the source of its error.
        let message = error
            .source()
            .map_or_else(|| error.to_string(), |source| source.to_string());
        // The loader has no error numbers: only this text means that the file is missing.
        if message.contains(&format!("{name}: cannot open shared object file")) {
            Error::LibraryMissing { name, message }
        } else {
            Error::LibraryUnusable { name, message }
        }
    })?;
    Ok(Box::leak(Box::new(library)))
}
