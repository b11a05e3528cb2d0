//! Calls to the hypervisor. The only module with `unsafe` code.
//!
//! `binding` is what bindgen generates from `<xenctrl.h>`; its names do not leave this folder.
//! `detection` reads from sysfs which Xen runs, without a hypercall. `library` opens the libxenctrl
//! of that version. [`Hypervisor`] owns the handle that every call needs. The other files hold a
//! safe method for each call. [`crash`] is here only because of its unsafe call.

#![allow(unsafe_code)]

mod binding;
mod build;
mod clock;
pub mod crash;
mod detection;
mod domains;
mod error;
mod examine;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod host;
mod hypervisor;
mod library;
mod logger;
mod memory;
mod runstates;
mod scheduler;
mod topology;
mod trace;
mod vcpus;
mod version;

pub(crate) use detection::{is_dom0, running};
pub use error::Error;
pub use examine::Interfaces;
pub use hypervisor::Hypervisor;
pub(crate) use library::name as library_name;
pub use runstates::ReadyCount;
pub use trace::{Buffers, Mode, Trace};
pub use version::Version;
