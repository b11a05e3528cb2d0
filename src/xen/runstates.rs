//! How long a domain's vCPUs were ready, by the hypervisors of XCP-ng and XenServer.
//!
//! They count it for each domain all the time, without a trace (`XEN_DOMCTL_get_runstate_info`, which other
//! hypervisors do not have), and their libxenctrl has a function for it. There is no header to make a binding from,
//! so the answer is taken apart here. It is the whole `struct xen_domctl`: command, interface version, domain; then
//! state and missed changes in 32 bits, and in 64 bits each the time of the last change, six times of the domain's
//! vCPUs together, and the mean time that a vCPU was ready.

use std::ffi::{c_int, c_void};

use super::binding::xc_interface;
use super::hypervisor::Hypervisor;
use crate::snapshot::{DomId, Domain};

/// `xc_get_runstate_info_ext`: the handle, the domain, and where to write the answer.
type GetRunstates = unsafe extern "C" fn(*mut xc_interface, u32, *mut c_void) -> c_int;

/// The number of `XEN_DOMCTL_get_runstate_info`.
const COMMAND: u32 = 98;

/// More than a `struct xen_domctl`, which has 144 bytes.
const WORDS: usize = 64;

/// Where the mean time that a vCPU was ready is in the answer.
const READY: usize = 10;

type Answer = [u64; WORDS];

impl Hypervisor {
    /// Returns for how many nanoseconds a domain's vCPUs have been ready since it was created, all of them together;
    /// `None` if the hypervisor does not count that, or if the domain no longer exists.
    pub fn ready_ns(&self, domain: &Domain) -> Option<u64> {
        // SAFETY: this is the type of the function in the only libraries that have it.
        let get = unsafe {
            self.library
                .optional::<GetRunstates>(b"xc_get_runstate_info_ext\0")
        }?;
        let mut answer: Answer = [0; WORDS];
        let to = answer.as_mut_ptr().cast();
        // SAFETY: the handle is open; the answer is larger than what the function writes, and outlives the call.
        let returned = unsafe { get(self.handle.as_ptr(), domain.id.0.into(), to) };
        let mean_ns = mean(domain.id, &answer).filter(|_| returned == 0)?;
        Some(mean_ns.saturating_mul(domain.vcpus_max.into()))
    }
}

/// Returns the mean time that a vCPU was ready; `None` if this is not an answer about this domain.
fn mean(domain: DomId, answer: &Answer) -> Option<u64> {
    let is_answer = answer[0] as u32 == COMMAND && answer[1] as u16 == domain.0;
    is_answer.then_some(answer[READY])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_about_the_domain_counts() {
        let mut answer: Answer = [7; WORDS];
        answer[0] = u64::from(COMMAND) | 0x15 << 32;
        // The rest of the word is padding.
        answer[1] = 5 | 0xabcd << 16;
        answer[READY] = 1234;
        assert_eq!(mean(DomId(5), &answer), Some(1234));
        assert_eq!(mean(DomId(6), &answer), None);
        answer[0] += 1;
        assert_eq!(mean(DomId(5), &answer), None);
    }
}
