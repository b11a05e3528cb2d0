//! What snapshots say of vCPUs that the trace does not.

use crate::runstate::{Expected, VcpuId};
use crate::snapshot::{Domain, Snapshot, Vcpu, VcpuState};

/// Returns what is known of the vCPUs in a snapshot with vCPUs, affinities and CPU pools, which was taken after the
/// trace began.
pub fn expected(snapshot: &Snapshot) -> Vec<Expected> {
    let mut all = Vec::new();
    for domain in &snapshot.domains {
        let vcpus = domain.vcpus.iter().flatten();
        all.extend(vcpus.map(|vcpu| expected_of(snapshot, domain, vcpu)));
    }
    all
}

fn expected_of(snapshot: &Snapshot, domain: &Domain, vcpu: &Vcpu) -> Expected {
    let mut pools = snapshot.host.pools.iter().flatten();
    let pool = pools.find(|pool| pool.id == domain.pool);
    let affinity = vcpu.hard_affinity.as_deref();
    let may_run_on = match (pool, affinity) {
        (Some(pool), Some(affinity)) => {
            let allowed = pool.pcpus.iter().filter(|pcpu| affinity.contains(pcpu));
            allowed.copied().collect()
        }
        _ => Vec::new(),
    };
    Expected {
        vcpu: VcpuId {
            domain: domain.id,
            number: vcpu.id,
        },
        state: Some(match vcpu.state {
            // What is paused cannot run, so it does not wait.
            VcpuState::Runnable if is_paused(domain) => VcpuState::Offline,
            state => state,
        }),
        pcpu: vcpu.pcpu,
        may_run_on,
    }
}

/// Returns whether Xen lets no vCPU of the domain run.
pub(super) fn is_paused(domain: &Domain) -> bool {
    let states = domain.states;
    states.paused || states.dying || states.shutdown.is_some()
}
