//! The domains that the hypervisor knows.

use super::binding::*;
use super::error::Error;
use super::hypervisor::Hypervisor;
use crate::clock::stamped;
use crate::snapshot::{DomId, Domain, DomainType, ShutdownReason, Stamp, StateFlags};
use uuid::Uuid;

/// Domains asked for in one hypercall at most, …
const BATCH: usize = 1024;

/// … and in the first of all, when it is not known yet how many there are.
const FIRST: usize = 128;

/// Domains asked for beyond those that there were last time. libxenctrl makes and copies a buffer
/// for all that are asked for, whether they are there or not.
const SPARE: usize = 16;

/// What only a device model serves: a domain with any of it is HVM, without it is PVH. A PVH
/// domain has a local APIC, and as dom0 an I/O APIC and virtual PCI too.
const EMULATED_PC: u32 =
    XEN_X86_EMU_PM | XEN_X86_EMU_RTC | XEN_X86_EMU_PIC | XEN_X86_EMU_VGA | XEN_X86_EMU_PIT;

impl Hypervisor {
    /// Every domain, in the order of their ids, without what XenStore knows of them, and when they
    /// were listed.
    ///
    /// # Errors
    /// When the hypervisor refuses `getdomaininfolist`.
    pub fn domains(&mut self) -> Result<(Vec<Domain>, Stamp), Error> {
        let mut size = match self.known {
            0 => FIRST,
            known => BATCH.min(known + SPARE),
        };
        let mut domains = std::mem::take(&mut self.spare);
        domains.reserve(self.known + SPARE);
        let mut first = 0;
        let mut so_far: Option<Stamp> = None;
        let listed = loop {
            self.listed.resize(size, xc_domaininfo_t::default());
            let (returned, stamp) = stamped(|| {
                // SAFETY: the handle is open; the buffer is ours and holds as many elements as
                // said.
                unsafe {
                    self.library.xc_domain_getinfolist(
                        self.handle.as_ptr(),
                        first,
                        size as u32,
                        self.listed.as_mut_ptr(),
                    )
                }
            });
            let count = self.check("xc_domain_getinfolist", None, returned)?;
            let batch = &self.listed[..size.min(count.unsigned_abs() as usize)];
            domains.extend(batch.iter().map(|info| domain(info, stamp)));
            let stamp = so_far.map_or(stamp, |so_far| so_far.around(stamp));
            match batch.last() {
                // Ids have gaps, so a count says nothing about where the next batch begins.
                Some(last) if batch.len() == size => first = u32::from(last.domain) + 1,
                _ => break stamp,
            }
            so_far = Some(stamp);
            size = BATCH;
        };
        self.known = domains.len();
        Ok((domains, listed))
    }

    /// Takes back a list of domains that is of no more use: the next one is written into its memory.
    pub fn reuse(&mut self, mut domains: Vec<Domain>) {
        domains.clear();
        self.spare = domains;
    }
}

fn domain(info: &xc_domaininfo_t, stamp: Stamp) -> Domain {
    Domain {
        id: DomId(info.domain),
        uuid: Uuid::from_bytes(info.handle),
        kind: kind(info),
        states: states(info.flags),
        vcpus_online: info.nr_online_vcpus,
        // The highest id is all ones when there is no vCPU, so that this comes to 0.
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
        // What the list does not say.
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

// The names in the patterns are C's.
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

/// A ceiling in bytes; the largest `unsigned int` is how Xen says that there is none.
fn limit(pages: u64) -> Option<u64> {
    (pages < u64::from(u32::MAX)).then_some(pages << XC_PAGE_SHIFT)
}
