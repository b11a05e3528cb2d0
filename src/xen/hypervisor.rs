//! The handle that every call to the hypervisor needs.

use std::cell::OnceCell;
use std::ffi::c_int;
use std::fs::File;
use std::io;
use std::path::Path;
use std::ptr::NonNull;

use super::binding::{LibXenCtrl, PagingMempoolSize, xc_interface};
use super::detection;
use super::error::Error;
use super::library;
use super::logger::Logger;
use super::version::Version;
use crate::snapshot::{DomId, Domain};

/// Where sysfs is mounted.
const SYSFS: &str = "/sys";

/// What libxenctrl opens: for hypercalls, and for the memory of their arguments.
const DEVICES: [&str; 3] = [
    "/dev/xen/privcmd",
    "/dev/xen/hypercall",
    // Last, because it is opened only if the first one is not there.
    "/proc/xen/privcmd",
];

/// An open connection to the hypervisor.
pub struct Hypervisor {
    pub(super) library: &'static LibXenCtrl,
    pub(super) handle: NonNull<xc_interface>,
    /// The handle points to it.
    _logger: Logger,
    /// Looked up on first use; `None` inside if the library lacks it.
    pub(super) paging_mempool_size: OnceCell<Option<PagingMempoolSize>>,
    /// The hypervisor's version, such as `4.17.5`.
    pub(super) version: String,
    /// Its minor version, such as 17.
    pub(super) minor: u32,
    /// The buffer of `xc_domain_getinfolist`, reused for each sample.
    pub(super) domain_infos: Vec<super::binding::xc_domaininfo_t>,
    /// The number of domains in the last sample; 0 before the first.
    pub(super) domain_count: usize,
    /// An empty list that the next sample's domains are written to.
    pub(super) spare_domains: Vec<Domain>,
    /// The buffer of `xc_getcpuinfo`, reused for each sample.
    pub(super) pcpu_infos: Vec<super::binding::xc_cpuinfo_t>,
}

impl Hypervisor {
    /// Opens a connection to the hypervisor that this kernel runs on. With `allow_untested`, any
    /// version of Xen is accepted.
    ///
    /// # Errors
    /// Not on Xen, an untested version, libxenctrl missing or unusable, not root, not dom0. Each
    /// error text names the remedy.
    pub fn open(allow_untested: bool) -> Result<Self, Error> {
        let sysfs = Path::new(SYSFS);
        let version = detection::running(sysfs)?;
        // In a guest no other remedy helps.
        Self::open_on(version, allow_untested).map_err(|error| match detection::is_dom0(sysfs) {
            Some(false) => Error::NotDom0,
            _ => error,
        })
    }

    fn open_on(version: Version, allow_untested: bool) -> Result<Self, Error> {
        if !version.is_tested() && !allow_untested {
            return Err(Error::UntestedXen { version });
        }
        let library = library::open(version)?;
        let logger = Logger::new(library);
        // SAFETY: the logger outlives the handle, because `Drop` closes the handle before the
        // fields are dropped; null is the documented "no logger for domain building".
        let handle = unsafe { library.xc_interface_open(logger.as_ptr(), std::ptr::null_mut(), 0) };
        let handle = NonNull::new(handle).ok_or_else(|| open_error(io::Error::last_os_error()))?;
        let mut hypervisor = Self {
            library,
            handle,
            _logger: logger,
            paging_mempool_size: OnceCell::new(),
            version: String::new(),
            minor: version.minor,
            domain_infos: Vec::new(),
            domain_count: 0,
            spare_domains: Vec::new(),
            pcpu_infos: Vec::new(),
        };
        hypervisor.version = hypervisor.read_version()?;
        let (xen, library) = (&hypervisor.version, library::name(version));
        tracing::debug!(xen, library, "connected to the hypervisor");
        Ok(hypervisor)
    }

    /// Turns the return value of a libxenctrl call into a result. -1 means a failure, with the
    /// reason in errno; the error names the call and the domain.
    pub(super) fn check(
        &self,
        call: &'static str,
        domain: Option<DomId>,
        returned: c_int,
    ) -> Result<c_int, Error> {
        if returned >= 0 {
            return Ok(returned);
        }
        let source = io::Error::last_os_error();
        let facts = Facts {
            version: &self.version,
            is_dom0: || detection::is_dom0(Path::new(SYSFS)),
            flask_enforces: || self.flask_enforces(),
        };
        Err(facts.error(call, domain, source))
    }

    /// Returns whether the hypervisor enforces a security policy. Without one, dom0 gets EACCES
    /// only if the interface versions differ.
    fn flask_enforces(&self) -> bool {
        // SAFETY: the handle is open. This call fails if there is no FLASK; it does not depend on
        // the interface version that is in doubt here.
        let enforcing = unsafe { self.library.xc_flask_getenforce(self.handle.as_ptr()) };
        enforcing > 0
    }
}

/// What tells apart the reasons for one and the same errno.
struct Facts<'a, D, F> {
    version: &'a str,
    is_dom0: D,
    flask_enforces: F,
}

impl<D: Fn() -> Option<bool>, F: Fn() -> bool> Facts<'_, D, F> {
    /// Returns the error of a call that failed with `source`.
    fn error(&self, call: &'static str, domain: Option<DomId>, source: io::Error) -> Error {
        let version = || self.version.to_owned();
        match (source.raw_os_error(), domain) {
            // Xen itself refuses nothing to dom0 in this way.
            (Some(libc::EPERM), _) if (self.is_dom0)() == Some(true) => Error::Filtered { call },
            (Some(libc::EPERM), _) => Error::NotDom0,
            (Some(libc::EACCES), _) if (self.flask_enforces)() => Error::Denied { call },
            (Some(libc::EACCES), _) => Error::InterfaceVersion {
                call,
                version: version(),
            },
            (Some(libc::ENOSYS | libc::EOPNOTSUPP), _) => Error::NotBuilt {
                call,
                version: version(),
            },
            (Some(libc::ESRCH), Some(domain)) => Error::DomainGone { domain },
            _ => Error::Hypercall {
                call,
                domain,
                source,
            },
        }
    }
}

impl Drop for Hypervisor {
    fn drop(&mut self) {
        // SAFETY: the handle came from `xc_interface_open`, is closed nowhere else, and is not used
        // afterwards.
        unsafe { self.library.xc_interface_close(self.handle.as_ptr()) };
    }
}

/// Turns the answer of a call about a listed domain into `None` if the domain no longer exists, if
/// its ID now belongs to a domain that lacks what was asked for (EINVAL), or if the security policy
/// denies the call for this domain.
pub(super) fn unless_gone<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::DomainGone { .. } | Error::Denied { .. }) => Ok(None),
        Err(Error::Hypercall { source, .. }) if source.raw_os_error() == Some(libc::EINVAL) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Returns the device that may not be opened. libxenctrl does not say at which one it failed.
fn refused_device() -> &'static str {
    let is_refused = |device: &&str| {
        let opened = File::options().read(true).write(true).open(device);
        opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    DEVICES.into_iter().find(is_refused).unwrap_or(DEVICES[0])
}

/// Returns why `xc_interface_open` failed, which opens the hypercall device.
fn open_error(source: io::Error) -> Error {
    match source.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => Error::Refused {
            device: refused_device(),
        },
        Some(libc::ENOENT | libc::ENXIO | libc::ENODEV) => Error::NoPrivcmd { source },
        _ => Error::Hypercall {
            call: "xc_interface_open",
            domain: None,
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_has_one_meaning_per_call() {
        let fails = |errno, is_dom0, flask| {
            let facts = Facts {
                version: "4.22.0",
                is_dom0: || is_dom0,
                flask_enforces: || flask,
            };
            facts.error("xc_physinfo", None, io::Error::from_raw_os_error(errno))
        };
        let dom0 = Some(true);
        assert!(matches!(
            fails(libc::EPERM, Some(false), false),
            Error::NotDom0
        ));
        assert!(matches!(fails(libc::EPERM, None, false), Error::NotDom0));
        let filtered = fails(libc::EPERM, dom0, false);
        assert!(matches!(
            filtered,
            Error::Filtered {
                call: "xc_physinfo"
            }
        ));
        assert!(matches!(
            fails(libc::EACCES, dom0, true),
            Error::Denied { .. }
        ));
        let other = fails(libc::EACCES, dom0, false);
        assert!(matches!(other, Error::InterfaceVersion { .. }));
        for missing in [libc::ENOSYS, libc::EOPNOTSUPP] {
            let error = fails(missing, dom0, false);
            assert!(matches!(error, Error::NotBuilt { .. }));
            assert!(
                error
                    .to_string()
                    .starts_with("xc_physinfo is missing in Xen 4.22.0")
            );
        }
        assert!(matches!(
            fails(libc::EFAULT, dom0, false),
            Error::Hypercall { .. }
        ));
    }

    #[test]
    fn only_a_missing_domain_is_no_error() {
        let refused = |code| Error::Hypercall {
            call: "xc_vcpu_getinfo",
            domain: Some(DomId(5)),
            source: io::Error::from_raw_os_error(code),
        };
        // In the middle of a list, which is then useless as a whole.
        let list = |last| {
            unless_gone(
                [Ok(0), Ok(1), last]
                    .into_iter()
                    .collect::<Result<Vec<_>, _>>(),
            )
        };
        assert!(matches!(list(Ok(2)), Ok(Some(all)) if all == [0, 1, 2]));
        let gone = Error::DomainGone { domain: DomId(5) };
        assert!(matches!(list(Err(gone)), Ok(None)));
        let call = "xc_vcpu_getinfo";
        assert!(matches!(list(Err(Error::Denied { call })), Ok(None)));
        assert!(matches!(list(Err(refused(libc::EINVAL))), Ok(None)));
        assert!(list(Err(refused(libc::EFAULT))).is_err());
        assert!(list(Err(Error::NotDom0)).is_err());
    }
}
