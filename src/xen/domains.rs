//! The domains that the hypervisor lists.

use std::ffi::c_int;

use super::binding::*;
use super::error::Error;
use super::hypervisor::Hypervisor;
use crate::clock::stamped;
use crate::snapshot::{DomId, Domain, DomainType, ShutdownReason, Stamp, StateFlags};
use uuid::Uuid;

/// The most domains to ask for in one hypercall.
const BATCH: usize = 1024;

/// The domains to ask for in the first hypercall, before their number is known.
const FIRST: usize = 128;

/// The domains to ask for beyond the last sample's number. libxenctrl allocates and copies a buffer
/// for all that are asked for, even if they do not exist.
const SPARE: usize = 16;

/// Devices that only a device model emulates: an HVM domain has at least one of them, a PVH domain
/// has none. A PVH domain has a local APIC, and a PVH dom0 has an I/O APIC and virtual PCI as well.
const EMULATED_PC: u32 =
    XEN_X86_EMU_PM | XEN_X86_EMU_RTC | XEN_X86_EMU_PIC | XEN_X86_EMU_VGA | XEN_X86_EMU_PIT;

impl Hypervisor {
    /// Lists all domains in the order of their IDs, without the fields that come from XenStore, and
    /// stamps the whole list.
    ///
    /// # Errors
    /// If the hypervisor refuses `getdomaininfolist`.
    pub fn domains(&mut self) -> Result<(Vec<Domain>, Stamp), Error> {
        let mut size = match self.domain_count {
            0 => FIRST,
            count => BATCH.min(count + SPARE),
        };
        let mut domains = std::mem::take(&mut self.spare_domains);
        domains.reserve(self.domain_count + SPARE);
        let mut first = 0;
        let mut stamps: Option<Stamp> = None;
        let stamp = loop {
            self.domain_infos.resize(size, xc_domaininfo_t::default());
            let (returned, stamp) = stamped(|| {
                // SAFETY: the handle is open; we own the buffer and it holds `size` elements.
                unsafe {
                    self.library.xc_domain_getinfolist(
                        self.handle.as_ptr(),
                        first,
                        size as u32,
                        self.domain_infos.as_mut_ptr(),
                    )
                }
            });
            let count = self.check("xc_domain_getinfolist", None, returned)?;
            let batch = &self.domain_infos[..size.min(count.unsigned_abs() as usize)];
            domains.extend(batch.iter().map(|info| domain(info, stamp)));
            let stamp = stamps.map_or(stamp, |stamps| stamps.around(stamp));
            match batch.last() {
                // IDs have gaps, so the next batch begins after the last ID, not after the count.
                Some(last) if batch.len() == size => first = u32::from(last.domain) + 1,
                _ => break stamp,
            }
            stamps = Some(stamp);
            size = BATCH;
        };
        self.domain_count = domains.len();
        Ok((domains, stamp))
    }

    /// Takes back a list of domains that is no longer needed, to reuse its memory for the next one.
    pub fn reuse(&mut self, mut domains: Vec<Domain>) {
        domains.clear();
        self.spare_domains = domains;
    }

    /// Reads the size of a domain's paging pool in bytes; `None` for a PV domain, which has none,
    /// if the domain no longer exists, and if the library lacks the call.
    pub fn paging_pool_bytes(&self, domain: DomId) -> Option<u64> {
        let size_of = (*self.paging_mempool_size.get_or_init(|| {
            // SAFETY: in xenctrl.h of 4.17 to 4.22 the only function of this name has this type.
            unsafe { self.library.optional(b"xc_get_paging_mempool_size\0") }
        }))?;
        let mut bytes = 0;
        // SAFETY: the handle is open; we own the number and it outlives the call. The library, and
        // with it the function, stays loaded until the process ends.
        let returned: c_int =
            unsafe { size_of(self.handle.as_ptr(), domain.0.into(), &raw mut bytes) };
        (returned == 0).then_some(bytes)
    }
}

// Inlined, it is written into the list at once, without a copy.
#[inline]
fn domain(info: &xc_domaininfo_t, stamp: Stamp) -> Domain {
    Domain {
        id: DomId(info.domain),
        uuid: Uuid::from_bytes(info.handle),
        kind: kind(info),
        states: states(info.flags),
        vcpus_online: info.nr_online_vcpus,
        // `max_vcpu_id` is ~0 if there is no vCPU, which gives 0 here.
        vcpus_max: info.max_vcpu_id.wrapping_add(1),
        cpu_time_ns: info.cpu_time,
        memory_bytes: info.tot_pages << XC_PAGE_SHIFT,
        memory_max_bytes: limit(info.max_pages),
        memory_claimed_bytes: info.outstanding_pages << XC_PAGE_SHIFT,
        memory_shared_bytes: info.shr_pages << XC_PAGE_SHIFT,
        memory_paged_bytes: info.paged_pages << XC_PAGE_SHIFT,
        pool: info.cpupool,
        ssid: info.ssidref,
        stamp,
        // The rest is not in this list.
        ..Domain::default()
    }
}

fn kind(info: &xc_domaininfo_t) -> DomainType {
    let hardware = info.flags & XEN_DOMINF_hvm_guest != 0;
    match (hardware, info.arch_config.emulation_flags & EMULATED_PC) {
        (false, _) => DomainType::Pv,
        (true, 0) => DomainType::Pvh,
        (true, _) => DomainType::Hvm,
    }
}

fn states(flags: u32) -> StateFlags {
    let has = |flag| flags & flag != 0;
    StateFlags {
        dying: has(XEN_DOMINF_dying),
        shutdown: has(XEN_DOMINF_shutdown)
            .then(|| reason(flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask)),
        paused: has(XEN_DOMINF_paused),
        blocked: has(XEN_DOMINF_blocked),
        running: has(XEN_DOMINF_running),
    }
}

// The patterns are C's names.
#[allow(non_upper_case_globals)]
fn reason(code: u32) -> ShutdownReason {
    match code {
        SHUTDOWN_poweroff => ShutdownReason::Poweroff,
        SHUTDOWN_reboot => ShutdownReason::Reboot,
        SHUTDOWN_suspend => ShutdownReason::Suspend,
        SHUTDOWN_crash => ShutdownReason::Crash,
        SHUTDOWN_watchdog => ShutdownReason::Watchdog,
        SHUTDOWN_soft_reset => ShutdownReason::SoftReset,
        other => ShutdownReason::Other(other as u8),
    }
}

/// Returns a memory limit in bytes; `None` if there is no limit, which Xen writes as the largest
/// `unsigned int`.
fn limit(pages: u64) -> Option<u64> {
    (pages < u64::from(u32::MAX)).then_some(pages << XC_PAGE_SHIFT)
}
