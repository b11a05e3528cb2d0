//! Errors of hypercalls: what failed, why, and what to do.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::version::{TESTED_MINORS, Version};
use crate::snapshot::DomId;

/// Why a call to the hypervisor failed.
#[derive(Debug, Error)]
pub enum Error {
    /// This kernel does not run on Xen.
    #[error(
        "not running on Xen: /sys/hypervisor/type is not \"xen\"; run xenscope in the dom0 of a Xen host"
    )]
    NotXen,
    /// sysfs has no readable version of Xen.
    #[error("cannot read the version of Xen from {}; check that sysfs is mounted on /sys", path.display())]
    VersionUnreadable {
        /// The folder that was read.
        path: PathBuf,
    },
    /// This kernel is a guest without dom0's privilege.
    #[error("this is a guest, not dom0: only dom0 may query the hypervisor; run xenscope in dom0")]
    NotDom0,
    /// The process may not open a device that hypercalls go through.
    #[error(
        "cannot open {device}: permission denied; run xenscope as root, for example with sudo; in a service, allow it (DeviceAllow={device} rw)"
    )]
    Refused {
        /// The device's path.
        device: &'static str,
    },
    /// dom0's kernel has no hypercall device.
    #[error(
        "cannot open /dev/xen/privcmd or /proc/xen/privcmd: {source}; load the module xen-privcmd, or mount xenfs on /proc/xen"
    )]
    NoPrivcmd {
        /// The error of opening it.
        source: io::Error,
    },
    /// xenscope is not tested on this version of Xen.
    #[error(
        "Xen {version} is untested: it is known to work on 4.{} to 4.{}; use --allow-untested-xen to run anyway",
        TESTED_MINORS.0, TESTED_MINORS.1
    )]
    UntestedXen {
        /// The running version.
        version: Version,
    },
    /// The libxenctrl of the running hypervisor is not installed.
    #[error("{name} is not installed: {message}; install the libraries of the running Xen (Debian: libxenmisc{})", name.trim_start_matches("libxenctrl.so."))]
    LibraryMissing {
        /// The library's file name.
        name: String,
        /// The loader's message.
        message: String,
    },
    /// The libxenctrl of the running hypervisor cannot be used.
    #[error("cannot use {name}: {message}; reinstall the libraries of the running Xen")]
    LibraryUnusable {
        /// The library's file name.
        name: String,
        /// The loader's message.
        message: String,
    },
    /// libxenctrl and the hypervisor have different interface versions.
    #[error(
        "{call} refused: libxenctrl has another interface version than the hypervisor (Xen {version}); install the libraries built with this hypervisor, or boot the hypervisor that belongs to the libraries"
    )]
    InterfaceVersion {
        /// The libxenctrl call.
        call: &'static str,
        /// The hypervisor's version.
        version: String,
    },
    /// The hypervisor's security policy denies the call.
    #[error(
        "{call} denied: the security policy (FLASK) does not allow it to this domain; allow it in the policy"
    )]
    Denied {
        /// The libxenctrl call.
        call: &'static str,
    },
    /// dom0's kernel does not pass the call on.
    #[error(
        "{call} denied by dom0's kernel: it filters hypercalls, for example under Secure Boot lockdown; boot a kernel that allows it"
    )]
    Filtered {
        /// The libxenctrl call.
        call: &'static str,
    },
    /// The hypervisor lacks the call.
    #[error(
        "{call} is missing in Xen {version}: it was built without it (CONFIG_SYSCTL, CONFIG_PM_STATS); use a hypervisor that has it"
    )]
    NotBuilt {
        /// The libxenctrl call.
        call: &'static str,
        /// The hypervisor's version.
        version: String,
    },
    /// Xen keeps no trace.
    #[error("cannot trace: {what} failed: {source}; {remedy}")]
    Trace {
        /// What failed.
        what: &'static str,
        /// The error of it.
        source: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// Another program traces other events.
    #[error(
        "cannot trace: another program uses Xen's trace buffers, and does not trace what vCPUs do (mask {mask:#x}); end it, or start it as 'xentrace -e 0x21000'"
    )]
    TraceTaken {
        /// The events that it traces, as `xentrace -e` has them.
        mask: u32,
    },
    /// The domain no longer exists.
    #[error("domain {domain} no longer exists")]
    DomainGone {
        /// The domain's ID.
        domain: DomId,
    },
    /// Any other failure of a call.
    #[error("{call}{} failed: {source}", domain.map(|id| format!(" for domain {id}")).unwrap_or_default())]
    Hypercall {
        /// The libxenctrl call.
        call: &'static str,
        /// The domain that the call is about, if any.
        domain: Option<DomId>,
        /// The error from errno.
        source: io::Error,
    },
}
