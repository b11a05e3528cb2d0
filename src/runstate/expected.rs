//! What hypercalls say of vCPUs that the trace does not.

use super::record::{IDLE, VcpuId};
use super::states::Expected;
use crate::snapshot::{Domain, DomainType, Pool, Vcpu, VcpuState};

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

/// Adds the idle vCPUs of these pCPUs, which run where none of the expected vCPUs does.
pub fn with_idle(mut expected: Vec<Expected>, pcpus: impl Iterator<Item = u32>) -> Vec<Expected> {
    for pcpu in pcpus {
        let runs = |one: &Expected| one.state == Some(VcpuState::Running) && one.pcpu == Some(pcpu);
        let is_idle = !expected.iter().any(runs);
        expected.push(Expected {
            vcpu: VcpuId {
                domain: IDLE,
                number: pcpu,
            },
            state: Some(match is_idle {
                true => VcpuState::Running,
                false => VcpuState::Runnable,
            }),
            pcpu: Some(pcpu),
            may_run_on: Vec::new(),
        });
    }
    expected
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
        state: match vcpu.state {
            // What is paused cannot run, so it does not wait.
            VcpuState::Runnable if domain.states.keep_from_running() => Some(VcpuState::Offline),
            // It may wait for its device model, which is neither.
            VcpuState::Runnable if domain.kind == DomainType::Hvm => None,
            state => Some(state),
        },
        pcpu: vcpu.pcpu,
        may_run_on,
    }
}
