//! What there is of trace buffers, without using them.

use super::control::STATES;
use super::libraries::XenMemory;
use crate::xen::error::Error;
use crate::xen::hypervisor::Hypervisor;

/// The trace buffers of this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// The events that are traced, or will be (`xentrace -e`).
    pub mask: u32,
    /// The size of each pCPU's buffer in bytes; `None` if no program has made them in this boot.
    pub bytes: Option<u64>,
}

impl Buffers {
    /// Returns whether xenscope can read along with the program that uses them: it traces what vCPUs do.
    pub fn have_states(&self) -> bool {
        self.bytes.is_some() && has_states(self.mask)
    }
}

/// Returns whether these events have all that vCPUs do.
pub(super) const fn has_states(mask: u32) -> bool {
    mask & STATES == STATES
}

impl Hypervisor {
    /// Reads how large the trace buffers are. Nothing is switched on.
    ///
    /// # Errors
    /// If Xen cannot trace, or refuses to say.
    pub fn trace_buffers(&self) -> Result<Buffers, Error> {
        let info = self.trace_info()?;
        let bytes = match info.bytes {
            0 => None,
            _ => {
                // `struct t_info` (xen/trace.h) begins with the number of pages of a buffer, in 16 bits.
                let list = XenMemory::open()?.map(&[info.frame], false)?;
                list.read(0).map(|word| u64::from(word & 0xffff) * 4096)
            }
        };
        Ok(Buffers {
            mask: info.mask,
            bytes,
        })
    }
}
