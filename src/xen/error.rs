//! What can go wrong on the way to the hypervisor: what, where, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::version::{PROVEN_MINORS, Version};
use crate::snapshot::DomId;

/// Why the hypervisor could not be asked, or did not answer.
#[derive(Debug, Error)]
pub enum Error {
    /// This kernel does not run on Xen.
    #[error(
        "no Xen below this kernel (/sys/hypervisor/type is not \"xen\"); run xenscope in a Xen host's dom0"
    )]
    NotXen,
    /// It runs on Xen, which does not say which version it is.
    #[error("{} does not say which Xen runs; is sysfs mounted whole?", path.display())]
    VersionUnreadable {
        /// The folder that should have said it.
        path: PathBuf,
    },
    /// It runs on Xen, as a guest without privilege.
    #[error(
        "this is a guest and not dom0: only dom0 may ask the hypervisor about domains; run xenscope in dom0"
    )]
    NotDom0,
    /// The process may not open the device that hypercalls go through.
    #[error(
        "only root may make hypercalls (opening /dev/xen/privcmd was refused); run xenscope as root, with sudo for example"
    )]
    NotRoot,
    /// dom0's kernel has no device for hypercalls.
    #[error(
        "neither /dev/xen/privcmd nor /proc/xen/privcmd can be opened ({source}); load the module xen-privcmd, or mount xenfs on /proc/xen"
    )]
    NoPrivcmd {
        /// What opening it said.
        source: io::Error,
    },
    /// No one has tried xenscope on this version of Xen.
    #[error(
        "Xen {version} is outside the range that xenscope is proven on (4.{} to 4.{}); --allow-untested-xen goes on all the same",
        PROVEN_MINORS.0, PROVEN_MINORS.1
    )]
    UntestedXen {
        /// The version that runs.
        version: Version,
    },
    /// The library that belongs to the running hypervisor is not installed.
    #[error("{name}, which belongs to the running hypervisor, is not installed ({said}); install this Xen version's libraries (Debian: libxenmisc{})", name.trim_start_matches("libxenctrl.so."))]
    LibraryMissing {
        /// Its file name.
        name: String,
        /// What the loader said.
        said: String,
    },
    /// The library is there, and can't be used.
    #[error("{name} can't be used ({said}); reinstall this Xen version's libraries")]
    LibraryUnusable {
        /// Its file name.
        name: String,
        /// What the loader said.
        said: String,
    },
    /// libxenctrl and the hypervisor do not speak the same version of the interface.
    #[error(
        "the hypervisor (Xen {version}) refuses the interface version of this dom0's libxenctrl ({call}); install the libraries that were built with this hypervisor, or boot the hypervisor that belongs to them"
    )]
    InterfaceVersion {
        /// The call that was refused.
        call: &'static str,
        /// The hypervisor's version.
        version: String,
    },
    /// The hypervisor's security policy forbids it.
    #[error(
        "the hypervisor's security policy (FLASK) denies {call} to this domain; allow it in the policy"
    )]
    Denied {
        /// The call that was denied.
        call: &'static str,
    },
    /// The domain went away before it was asked for.
    #[error("domain {domain} is gone")]
    DomainGone {
        /// The domain that was asked for.
        domain: DomId,
    },
    /// Any other failure of a call.
    #[error("{call}{} failed: {source}", domain.map(|id| format!(" for domain {id}")).unwrap_or_default())]
    Hypercall {
        /// The call of libxenctrl.
        call: &'static str,
        /// The domain that it was about, if any.
        domain: Option<DomId>,
        /// What the hypervisor or the kernel said.
        source: io::Error,
    },
}
