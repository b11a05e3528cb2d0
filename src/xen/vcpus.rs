//! A domain's vCPUs, each asked for by a hypercall of its own.

use super::binding::{XEN_VCPUAFFINITY_HARD, XEN_VCPUAFFINITY_SOFT, xc_vcpuinfo_t};
use super::error::Error;
use super::hypervisor::Hypervisor;
use super::hypervisor::unless_gone;
use crate::clock::stamped;
use crate::snapshot::{DomId, Domain, Vcpu, VcpuState};

/// Where a vCPU may run, and where it prefers to.
type Affinities = (Vec<u32>, Vec<u32>);

impl Hypervisor {
    /// The vCPUs of a domain that was just listed; with `affinities`, where they may run too.
    /// `None` when the domain has gone meanwhile, in the middle of the list too, or when its id is
    /// another's by now. One that took over the id so fast that no vCPU was missed is not noticed.
    ///
    /// # Errors
    /// When the hypervisor refuses to tell.
    pub fn vcpus(&self, domain: &Domain, affinities: bool) -> Result<Option<Vec<Vcpu>>, Error> {
        // There are no gaps: Xen creates vCPUs in the order of their ids (`vcpu_create` in Xen,
        // common/domain.c), and `vcpus_max` goes by the highest of those that are there. So all are
        // there for as long as the domain is.
        let vcpus = (0..domain.vcpus_max).map(|id| self.vcpu(domain.id, id, affinities));
        unless_gone(vcpus.collect())
    }

    fn vcpu(&self, domain: DomId, id: u32, affinities: bool) -> Result<Vcpu, Error> {
        let mut info = xc_vcpuinfo_t::default();
        let (returned, stamp) = stamped(|| {
            // SAFETY: the handle is open; the structure is ours and outlives the call.
            unsafe {
                self.library.xc_vcpu_getinfo(
                    self.handle.as_ptr(),
                    domain.0.into(),
                    id,
                    &raw mut info,
                )
            }
        });
        // On a failure, what it wrote means nothing.
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
            stamp,
        })
    }

    fn affinities(&self, domain: DomId, id: u32) -> Result<Affinities, Error> {
        let bytes = self.cpumap_bytes()?;
        let (mut hard, mut soft) = (vec![0_u8; bytes], vec![0_u8; bytes]);
        // SAFETY: the handle is open; both maps are ours, as long as `xc_get_cpumap_size` says,
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
        Ok((members(&hard), members(&soft)))
    }

    /// How many bytes a map of all possible pCPUs takes.
    pub(super) fn cpumap_bytes(&self) -> Result<usize, Error> {
        // SAFETY: the handle is open.
        let bytes = unsafe { self.library.xc_get_cpumap_size(self.handle.as_ptr()) };
        // It fails by 0 too, with the reason in errno as always.
        let bytes = if bytes == 0 { -1 } else { bytes };
        let bytes = self.check("xc_get_cpumap_size", None, bytes)?;
        Ok(bytes.unsigned_abs() as usize)
    }
}

/// The numbers whose bits are set.
pub(super) fn members(map: &[u8]) -> Vec<u32> {
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
    fn the_lowest_bit_of_the_first_byte_is_pcpu_0() {
        assert_eq!(members(&[0b1000_0001, 0, 0b10]), [0, 7, 17]);
        assert_eq!(members(&[]), [0_u32; 0]);
    }
}
