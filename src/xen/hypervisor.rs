//! The handle that every call to the hypervisor goes through.

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

/// An open line to the hypervisor below this kernel.
pub struct Hypervisor {
    pub(super) library: &'static LibXenCtrl,
    pub(super) handle: NonNull<xc_interface>,
    /// The handle points into it.
    _logger: Logger,
    /// Looked up when it is first asked for; `None` inside if the library lacks it.
    pub(super) paging_mempool_size: OnceCell<Option<PagingMempoolSize>>,
    /// Its version, such as `4.17.5`.
    pub(super) version: String,
    /// What `xc_domain_getinfolist` writes to, kept from sample to sample.
    pub(super) listed: Vec<super::binding::xc_domaininfo_t>,
    /// How many domains there were last time; 0 before the first.
    pub(super) known: usize,
    /// What the next list of domains is written into, empty.
    pub(super) spare: Vec<Domain>,
    /// What `xc_getcpuinfo` writes to, kept from sample to sample.
    pub(super) idle: Vec<super::binding::xc_cpuinfo_t>,
}

impl Hypervisor {
    /// Opens the line to the hypervisor that runs below this kernel.
    ///
    /// `allow_untested` goes on where the hypervisor's version is outside the range that the
    /// binding is proven on.
    ///
    /// # Errors
    /// Each with its remedy: no Xen, an unproven version, libxenctrl missing or unusable, not
    /// root, not dom0.
    pub fn open(allow_untested: bool) -> Result<Self, Error> {
        let sysfs = Path::new("/sys");
        let version = detection::running(sysfs)?;
        // Whatever else a guest lacks, there is no remedy for it there.
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
        // SAFETY: the logger outlives the handle, for `Drop` closes the handle before the fields
        // go; null is the documented "no logger for domain building".
        let handle = unsafe { library.xc_interface_open(logger.as_ptr(), std::ptr::null_mut(), 0) };
        let handle = NonNull::new(handle).ok_or_else(|| not_opened(io::Error::last_os_error()))?;
        let mut hypervisor = Self {
            library,
            handle,
            _logger: logger,
            paging_mempool_size: OnceCell::new(),
            version: String::new(),
            listed: Vec::new(),
            known: 0,
            spare: Vec::new(),
            idle: Vec::new(),
        };
        hypervisor.version = hypervisor.read_version()?;
        let (xen, library) = (&hypervisor.version, library::name(version));
        tracing::debug!(xen, library, "the hypervisor answers");
        Ok(hypervisor)
    }

    /// Turns what a call of libxenctrl returned, -1 for a failure with the reason in errno, into a
    /// result that says which call failed, and for which domain.
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

    /// Whether the hypervisor has a security policy that it enforces. Without one, nothing but a
    /// mismatched interface version makes dom0 read EACCES.
    fn flask_enforces(&self) -> bool {
        // SAFETY: the handle is open. This call is refused where there is no FLASK; it does not
        // depend on the interface version that is in doubt here.
        let enforcing = unsafe { self.library.xc_flask_getenforce(self.handle.as_ptr()) };
        enforcing > 0
    }
}

impl Drop for Hypervisor {
    fn drop(&mut self) {
        // SAFETY: the handle came from `xc_interface_open`, is closed nowhere else, and is not
        // used after this.
        unsafe { self.library.xc_interface_close(self.handle.as_ptr()) };
    }
}

/// What was told of a domain that had been listed; `None` when it has gone meanwhile, or when its id
/// is another's by now, which does not have what was asked for (EINVAL).
pub(super) fn unless_gone<T>(told: Result<T, Error>) -> Result<Option<T>, Error> {
    match told {
        Ok(told) => Ok(Some(told)),
        Err(Error::DomainGone { .. }) => Ok(None),
        Err(Error::Hypercall { source, .. }) if source.raw_os_error() == Some(libc::EINVAL) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Why `xc_interface_open` failed: it opens the device that hypercalls go through.
fn not_opened(source: io::Error) -> Error {
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
    fn a_domain_that_went_is_no_failure_and_all_else_is() {
        let refused = |code| Error::Hypercall {
            call: "xc_vcpu_getinfo",
            domain: Some(DomId(5)),
            source: io::Error::from_raw_os_error(code),
        };
        // In the middle of a list: the half that was read is of no use.
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
