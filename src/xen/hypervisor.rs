//! The handle that every call to the hypervisor needs.

use std::cell::OnceCell;
use std::ffi::c_int;
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
        let sysfs = Path::new("/sys");
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
        Err(match (source.raw_os_error(), domain) {
            (Some(libc::EPERM), _) => Error::NotDom0,
            (Some(libc::EACCES), _) if self.flask_enforces() => Error::Denied { call },
            (Some(libc::EACCES), _) => Error::InterfaceVersion {
                call,
                version: self.version.clone(),
            },
            (Some(libc::ESRCH), Some(domain)) => Error::DomainGone { domain },
            _ => Error::Hypercall {
                call,
                domain,
                source,
            },
        })
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

impl Drop for Hypervisor {
    fn drop(&mut self) {
        // SAFETY: the handle came from `xc_interface_open`, is closed nowhere else, and is not used
        // afterwards.
        unsafe { self.library.xc_interface_close(self.handle.as_ptr()) };
    }
}

/// Turns the answer of a call about a listed domain into `None` if the domain no longer exists, or
/// if its ID now belongs to a domain that lacks what was asked for (EINVAL).
pub(super) fn unless_gone<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::DomainGone { .. }) => Ok(None),
        Err(Error::Hypercall { source, .. }) if source.raw_os_error() == Some(libc::EINVAL) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Returns why `xc_interface_open` failed, which opens the hypercall device.
fn open_error(source: io::Error) -> Error {
    match source.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => Error::NotRoot,
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
        assert!(matches!(list(Err(refused(libc::EINVAL))), Ok(None)));
        assert!(list(Err(refused(libc::EFAULT))).is_err());
        assert!(list(Err(Error::NotDom0)).is_err());
    }
}
