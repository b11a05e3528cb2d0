//! What hypercalls say of vCPUs that the trace does not.

use super::record::VcpuId;
use super::states::Expected;
use crate::snapshot::{Domain, Pool, Vcpu, VcpuState};

/// Returns what is known of the vCPUs of these domains, which were read with affinities after the trace began.
pub fn expected<'a>(
    domains: impl IntoIterator<Item = &'a Domain>,
    pools: &[Pool],
) -> Vec<Expected> {
    let mut all = Vec::new();
    for domain in domains {
        let pool = pools.iter().find(|pool| pool.id == domain.pool);
        let vcpus = domain.vcpus.iter().flatten();
        all.extend(vcpus.map(|vcpu| expected_of(domain, pool, vcpu)));
    }
    all
}

fn expected_of(domain: &Domain, pool: Option<&Pool>, vcpu: &Vcpu) -> Expected {
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
            VcpuState::Runnable if domain.states.keep_from_running() => VcpuState::Offline,
            state => state,
        }),
        pcpu: vcpu.pcpu,
        may_run_on,
    }
}
