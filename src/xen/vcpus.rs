//! A domain's vCPUs, read with a hypercall each.

use super::binding::{XEN_VCPUAFFINITY_HARD, XEN_VCPUAFFINITY_SOFT, xc_vcpuinfo_t};
use super::error::Error;
use super::hypervisor::Hypervisor;
use super::hypervisor::unless_gone;
use crate::clock::stamped;
use crate::snapshot::{DomId, Domain, Vcpu, VcpuState};

/// A vCPU's hard and soft affinity, as numbers of pCPUs.
type Affinities = (Vec<u32>, Vec<u32>);

impl Hypervisor {
    /// Reads the vCPUs of a listed domain, and their affinities if `affinities` is set. `None` if
    /// the domain no longer exists, if its ID now belongs to a domain with fewer vCPUs, or if the
    /// security policy denies it. A new domain with the same ID and as many vCPUs goes unnoticed.
    ///
    /// # Errors
    /// If the hypervisor refuses `vcpu_getinfo` or `vcpu_getaffinity`.
    pub fn vcpus(&self, domain: &Domain, affinities: bool) -> Result<Option<Vec<Vcpu>>, Error> {
        // vCPU IDs have no gaps: Xen creates vCPUs in the order of their IDs (`vcpu_create` in Xen,
        // common/domain.c), and `vcpus_max` is the highest existing ID plus 1. They all exist as
        // long as the domain does.
        let vcpus = (0..domain.vcpus_max).map(|id| self.vcpu(domain.id, id, affinities));
        unless_gone(vcpus.collect())
    }

    pub(super) fn vcpu(&self, domain: DomId, id: u32, affinities: bool) -> Result<Vcpu, Error> {
        let mut info = xc_vcpuinfo_t::default();
        let (returned, stamp) = stamped(|| {
            // SAFETY: the handle is open; we own the structure and it outlives the call.
            unsafe {
                self.library.xc_vcpu_getinfo(
                    self.handle.as_ptr(),
                    domain.0.into(),
                    id,
                    &raw mut info,
                )
            }
        });
        // After a failure, the content of `info` means nothing.
        self.check("xc_vcpu_getinfo", Some(domain), returned)?;
        let (hard_affinity, soft_affinity) = affinities
            .then(|| self.affinities(domain, id))
            .transpose()?
            .unzip();
        let state = match (info.online, info.running, info.blocked) {
            (0, ..) => VcpuState::Offline,
            (_, 1.., _) => VcpuState::Running,
            (_, _, 1..) => VcpuState::Blocked,
            _ => VcpuState::Runnable,
        };
        Ok(Vcpu {
            id,
            state,
            pcpu: (state != VcpuState::Offline).then_some(info.cpu),
            cpu_time_ns: info.cpu_time,
            hard_affinity,
            soft_affinity,
            state_times: None,
            stamp,
        })
    }

    fn affinities(&self, domain: DomId, id: u32) -> Result<Affinities, Error> {
        let bytes = self.cpumap_bytes()?;
        let (mut hard, mut soft) = (vec![0_u8; bytes], vec![0_u8; bytes]);
        // SAFETY: the handle is open; we own both maps, they are `xc_get_cpumap_size` bytes long,
        // and outlive the call.
        let returned = unsafe {
            self.library.xc_vcpu_getaffinity(
                self.handle.as_ptr(),
                domain.0.into(),
                id as i32,
                hard.as_mut_ptr(),
                soft.as_mut_ptr(),
                XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT,
            )
        };
        self.check("xc_vcpu_getaffinity", Some(domain), returned)?;
        Ok((set_bits(&hard), set_bits(&soft)))
    }

    /// Returns the size of a map of all possible pCPUs, in bytes.
    pub(super) fn cpumap_bytes(&self) -> Result<usize, Error> {
        // SAFETY: the handle is open.
        let bytes = unsafe { self.library.xc_get_cpumap_size(self.handle.as_ptr()) };
        // It reports a failure by 0 as well, with the reason in errno.
        let bytes = if bytes == 0 { -1 } else { bytes };
        let bytes = self.check("xc_get_cpumap_size", None, bytes)?;
        Ok(bytes.unsigned_abs() as usize)
    }
}

/// Returns the positions of the bits that are set. Position 0 is the lowest bit of the first byte.
pub(super) fn set_bits(map: &[u8]) -> Vec<u32> {
    (0..)
        .zip(
            map.iter()
                .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1)),
        )
        .filter_map(|(number, bit)| (bit == 1).then_some(number))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_bit_of_first_byte_is_pcpu_0() {
        assert_eq!(set_bits(&[0b1000_0001, 0, 0b10]), [0, 7, 17]);
        assert_eq!(set_bits(&[]), [0_u32; 0]);
    }
}
