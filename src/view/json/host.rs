//! The host.

use serde::Serialize;

use super::value;
use crate::snapshot::{self, Scheduler};
use crate::view::Sample;

#[derive(Default, Serialize)]
pub(super) struct Host<'a> {
    xen_version: &'a str,
    pcpus: u32,
    cpu_khz: u32,
    memory_bytes: u64,
    memory_free_bytes: u64,
    memory_claimed_bytes: u64,
    cpu_percent: Option<f64>,
    pcpu: Vec<Pcpu>,
    nodes: Option<Vec<Node>>,
    pools: Option<Vec<Pool<'a>>>,
    build: Option<Build<'a>>,
    dom0: Option<Dom0>,
}

#[derive(Default, Serialize)]
struct Pcpu {
    id: u32,
    online: bool,
    socket: Option<u32>,
    core: Option<u32>,
    node: Option<u32>,
    pool: Option<u32>,
    idle_time_ns: Option<u64>,
    cpu_percent: Option<f64>,
}

#[derive(Default, Serialize)]
struct Node {
    id: u32,
    memory_bytes: Option<u64>,
    memory_free_bytes: Option<u64>,
}

#[derive(Default, Serialize)]
struct Pool<'a> {
    id: u32,
    name: Option<&'a str>,
    scheduler: Scheduler,
    pcpus: &'a [u32],
    domains: u32,
}

#[derive(Default, Serialize)]
struct Build<'a> {
    changeset: &'a str,
    compiler: &'a str,
    date: &'a str,
    id: Option<&'a str>,
    command_line: &'a str,
    capabilities: &'a str,
}

#[derive(Default, Serialize)]
struct Dom0 {
    uptime_ns: Option<u64>,
    cpu_time_ns: Option<u64>,
    cpu_percent: Option<f64>,
    steal_time_ns: Option<u64>,
    steal_percent: Option<f64>,
}

/// A host with one of each part; what counts are the names of the fields.
pub(super) fn example() -> Host<'static> {
    Host {
        pcpu: vec![Pcpu::default()],
        nodes: Some(vec![Node::default()]),
        pools: Some(vec![Pool::default()]),
        build: Some(Build::default()),
        dom0: Some(Dom0::default()),
        ..Host::default()
    }
}

/// The host of a sample.
pub(super) fn host(sample: Sample<'_>) -> Host<'_> {
    let (host, rates) = (&sample.snapshot.host, &sample.rates.host);
    let pcpu = |(pcpu, percent): (&snapshot::Pcpu, _)| Pcpu {
        id: pcpu.id,
        online: pcpu.is_online(),
        socket: pcpu.socket,
        core: pcpu.core,
        node: pcpu.node,
        pool: host.pool_of(pcpu.id).map(|pool| pool.id),
        idle_time_ns: pcpu.idle_time_ns,
        cpu_percent: value(percent),
    };
    Host {
        xen_version: &host.xen_version,
        pcpus: host.pcpus,
        cpu_khz: host.cpu_khz,
        memory_bytes: host.memory_bytes,
        memory_free_bytes: host.memory_free_bytes,
        memory_claimed_bytes: host.memory_claimed_bytes,
        cpu_percent: value(rates.cpu_percent),
        pcpu: sample.pcpus().map(pcpu).collect(),
        nodes: all(&host.nodes, |node| Node {
            id: node.id,
            memory_bytes: node.memory_bytes,
            memory_free_bytes: node.memory_free_bytes,
        }),
        pools: all(&host.pools, |pool| Pool {
            id: pool.id,
            name: pool.name.as_deref(),
            scheduler: pool.scheduler,
            pcpus: &pool.pcpus,
            domains: pool.domains,
        }),
        build: host.build.as_ref().map(|build| Build {
            changeset: &build.changeset,
            compiler: &build.compiler,
            date: &build.date,
            id: build.id.as_deref(),
            command_line: &build.command_line,
            capabilities: &build.capabilities,
        }),
        dom0: host.dom0.as_ref().map(|kernel| Dom0 {
            uptime_ns: kernel.uptime_ns,
            cpu_time_ns: kernel.cpu_time_ns,
            cpu_percent: value(rates.dom0_cpu_percent),
            steal_time_ns: kernel.steal_time_ns,
            steal_percent: value(rates.dom0_steal_percent),
        }),
    }
}

fn all<'a, T, J>(parts: &'a Option<Vec<T>>, make: impl Fn(&'a T) -> J) -> Option<Vec<J>> {
    Some(parts.as_ref()?.iter().map(make).collect())
}
