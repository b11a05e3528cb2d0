//! Measures how long it takes to follow the states of vCPUs: 10,000 records of a host whose vCPUs all may run on each
//! pCPU, and the figures after them.
//!
//! `cargo bench --bench runstate`

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use xenscope::runstate::{Expected, Record, Runstates, VcpuId, What};
use xenscope::snapshot::{DomId, VcpuState};

const RECORDS: u64 = 10_000;

fn vcpu(number: u32) -> VcpuId {
    VcpuId {
        domain: DomId((number / 4) as u16),
        number: number % 4,
    }
}

/// Returns records of pCPUs that switch in turn, each to the vCPU that has waited longest: three vCPUs for each pCPU.
fn records(pcpus: u32, from: u64) -> Vec<Record> {
    use VcpuState::{Runnable, Running};
    let vcpus = u64::from(pcpus) * 3;
    let switch = |turn: u64| {
        let pcpu = (turn % u64::from(pcpus)) as u32;
        let at_ns = turn * 1000;
        let record = move |number: u64, old, new| {
            let vcpu = vcpu((number % vcpus) as u32);
            let what = What::Change { vcpu, old, new };
            Record { pcpu, at_ns, what }
        };
        let next = turn + u64::from(pcpus);
        [
            record(turn, Running, Runnable),
            record(next, Runnable, Running),
        ]
    };
    (from..from + RECORDS / 2).flat_map(switch).collect()
}

fn follow(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("runstate");
    group.throughput(Throughput::Elements(RECORDS));
    for pcpus in [2, 16, 128] {
        let all: Vec<u32> = (0..pcpus).collect();
        let expected = |number| Expected {
            vcpu: vcpu(number),
            state: None,
            pcpu: None,
            may_run_on: all.clone(),
        };
        let mut states = Runstates::new((0..pcpus * 3).map(expected).collect());
        states.add(records(pcpus, 0));
        let mut from = RECORDS / 2;
        group.bench_function(format!("{pcpus} pCPUs"), |bench| {
            let next = || {
                from += RECORDS / 2;
                records(pcpus, from)
            };
            bench.iter_batched(
                next,
                |records| states.add(black_box(records)),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(format!("{pcpus} pCPUs, the figures"), |bench| {
            bench.iter(|| black_box(states.so_far()));
        });
    }
    group.finish();
}

criterion_group!(benches, follow);
criterion_main!(benches);
