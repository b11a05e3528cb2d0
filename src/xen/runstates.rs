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
use crate::snapshot::Domain;

/// `xc_get_runstate_info_ext`: the handle, the domain, and where to write the answer.
type GetRunstates = unsafe extern "C" fn(*mut xc_interface, u32, *mut c_void) -> c_int;

/// The number of `XEN_DOMCTL_get_runstate_info`.
const COMMAND: u32 = 98;

/// More than a `struct xen_domctl`, which has 144 bytes.
const WORDS: usize = 64;

/// Where the state and, in the upper half, the missed changes are in the answer.
const STATE: usize = 2;

/// Where the mean time that a vCPU was ready is in the answer.
const READY: usize = 10;

type Answer = [u64; WORDS];

/// How long a domain's vCPUs have been ready, by the hypervisor's own count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyCount {
    /// Nanoseconds since the domain was created, of all its vCPUs together.
    pub ns: u64,
    /// How many changes of a vCPU's state are not in it (`missed_changes`).
    pub missed_changes: u32,
}

impl Hypervisor {
    /// Returns how long a domain's vCPUs have been ready; `None` if the hypervisor does not count that, or if the domain
    /// no longer exists.
    pub fn ready(&self, domain: &Domain) -> Option<ReadyCount> {
        // SAFETY: this is the type of the function in the only libraries that have it.
        let get = unsafe {
            self.library
                .optional::<GetRunstates>(b"xc_get_runstate_info_ext\0")
        }?;
        let mut answer: Answer = [0; WORDS];
        let to = answer.as_mut_ptr().cast();
        // SAFETY: the handle is open; the answer is larger than what the function writes, and outlives the call.
        let returned = unsafe { get(self.handle.as_ptr(), domain.id.0.into(), to) };
        parse(domain, &answer).filter(|_| returned == 0)
    }
}

/// Returns the count that is in this answer; `None` if it is not about this domain.
fn parse(domain: &Domain, answer: &Answer) -> Option<ReadyCount> {
    let is_answer = answer[0] as u32 == COMMAND && answer[1] as u16 == domain.id.0;
    is_answer.then(|| ReadyCount {
        ns: answer[READY].saturating_mul(domain.vcpus_max.into()),
        missed_changes: (answer[STATE] >> 32) as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::domain;

    #[test]
    fn only_an_answer_about_the_domain_counts() {
        let mut answer: Answer = [7; WORDS];
        answer[0] = u64::from(COMMAND) | 0x15 << 32;
        // The rest of the word is padding.
        answer[1] = 5 | 0xabcd << 16;
        answer[STATE] = 1 | 42 << 32;
        answer[READY] = 1234;
        let of = |id, answer: &Answer| parse(&domain(id, "", 0, 0), answer);
        let expected = ReadyCount {
            ns: 2 * 1234,
            missed_changes: 42,
        };
        assert_eq!(of(5, &answer), Some(expected), "it has two vCPUs");
        assert_eq!(of(6, &answer), None);
        answer[0] += 1;
        assert_eq!(of(5, &answer), None);
    }
}
