//! The hypervisor, asked directly: the only home of `unsafe`.
//!
//! `binding` is what bindgen made of `<xenctrl.h>`; its names go no further than this folder.
//! [`detection`] finds out without a hypercall which Xen runs, `library` opens the libxenctrl that
//! belongs to it, [`Hypervisor`] owns the handle that every call needs, and the other files have a
//! safe method for each call. [`crash`] has nothing to do with them but its unsafe call.

#![allow(unsafe_code)]

mod binding;
mod build;
mod clock;
pub mod crash;
pub mod detection;
mod domains;
mod error;
mod host;
mod hypervisor;
mod library;
mod logger;
mod paging;
mod scheduler;
mod topology;
mod vcpus;
pub mod version;

pub use error::Error;
pub use hypervisor::Hypervisor;
