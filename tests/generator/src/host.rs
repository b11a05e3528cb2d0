//! Figures that are made up.

use std::time::{Duration, Instant};

use uuid::Uuid;
use xenscope::snapshot::{
    Boot, Build, Collect, Disk, DiskBackend, DiskCounter, Dom0Kernel, DomId, Domain, DomainType,
    Nic, NicCounter, Node, Pcpu, Pool, Scheduler, Snapshot, Stamp, StateFlags,
};
use xenscope::view::openmetrics::{Exposition, Scrape, Series};

/// How many pCPUs a host has.
const PCPUS: u32 = 16;

/// How many vCPUs a domain has.
const VCPUS: u32 = 2;

/// The memory of a domain in bytes.
const MEMORY: u64 = 4 << 30;

/// What stands in the place of Xen's version.
const VERSION: &str = "none: made up by lab-generator";

/// A made-up host with dom0 and guests. Each guest has a NIC and a disk, and is busy to some part, so that all of its
/// counters rise at each scrape, by amounts that differ.
pub(crate) struct Host {
    snapshot: Snapshot,
    random: Random,
    /// When the counters were last raised.
    raised: Instant,
}

impl Host {
    /// Makes up a host with this many domains, dom0 counted. `index` tells it from others: the same index is the same
    /// host.
    pub(crate) fn new(index: u16, domains: u16) -> Self {
        let mut random = Random(u64::from(index) + 1);
        let domains = (0..domains).map(|id| domain(index, id, &mut random));
        let domains = domains.collect();
        Self {
            snapshot: snapshot(domains),
            random,
            raised: Instant::now(),
        }
    }

    /// Raises the counters by what may have happened since the last time, and returns the metrics.
    pub(crate) fn exposition(&mut self) -> Exposition {
        let begun = Instant::now();
        let passed = begun - self.raised;
        self.raised = begun;
        self.raise(passed);
        let scrape = Scrape {
            snapshot: &self.snapshot,
            took: Some(begun.elapsed()),
            report: None,
            series: Series::default(),
        };
        scrape.exposition()
    }

    fn raise(&mut self, passed: Duration) {
        let ns = passed.as_nanos() as u64;
        let random = &mut self.random;
        let host = &mut self.snapshot.host;
        host.uptime_ns = host.uptime_ns.map(|uptime| uptime + ns);
        for pcpu in &mut host.pcpu {
            raise(&mut pcpu.idle_time_ns, random.below(ns));
        }
        if let Some(dom0) = &mut host.dom0 {
            raise(&mut dom0.uptime_ns, ns);
            raise(&mut dom0.cpu_time_ns, random.below(ns / 4));
            raise(&mut dom0.steal_time_ns, random.below(ns / 100));
        }
        for domain in &mut self.snapshot.domains {
            domain.cpu_time_ns += random.below(u64::from(VCPUS) * ns);
            let devices = (
                domain.nics.iter_mut().flatten(),
                domain.disks.iter_mut().flatten(),
            );
            for nic in devices.0 {
                for (bytes, packets) in [
                    (NicCounter::RxBytes, NicCounter::RxPackets),
                    (NicCounter::TxBytes, NicCounter::TxPackets),
                ] {
                    let count = random.below(ns / 100_000);
                    raise(&mut nic[packets], count);
                    raise(&mut nic[bytes], count * random.below(1500));
                }
            }
            for disk in devices.1 {
                for (bytes, requests) in [
                    (DiskCounter::ReadBytes, DiskCounter::ReadRequests),
                    (DiskCounter::WriteBytes, DiskCounter::WriteRequests),
                ] {
                    let count = random.below(ns / 10_000_000);
                    raise(&mut disk[requests], count);
                    raise(
                        &mut disk[bytes],
                        4096 * (count + random.below(1 + 8 * count)),
                    );
                }
                raise(
                    &mut disk[DiskCounter::FlushRequests],
                    random.below(ns / 1_000_000_000),
                );
            }
        }
    }
}

fn raise(counter: &mut Option<u64>, by: u64) {
    *counter = counter.map(|counter| counter + by);
}

fn domain(host: u16, id: u16, random: &mut Random) -> Domain {
    let uuid = (u128::from(host) + 1) << 64 | u128::from(random.next());
    let (name, uuid) = match id {
        0 => ("Domain-0".to_owned(), Uuid::nil()),
        _ => (format!("made-up-{host}-{id}"), Uuid::from_u128(uuid)),
    };
    // dom0 has no devices.
    let (nics, disks) = match id {
        0 => (Vec::new(), Vec::new()),
        _ => (vec![nic(id)], vec![disk()]),
    };
    Domain {
        id: DomId(id),
        uuid,
        name: Some(name.into()),
        kind: if id == 0 {
            DomainType::Pv
        } else {
            DomainType::Pvh
        },
        states: StateFlags {
            running: true,
            ..StateFlags::default()
        },
        vcpus_online: VCPUS,
        vcpus_max: VCPUS,
        cpu_time_ns: random.below(1 << 50),
        memory_bytes: MEMORY,
        memory_max_bytes: Some(MEMORY + (1 << 20)),
        memory_target_bytes: Some(MEMORY),
        nics: Some(nics),
        disks: Some(disks),
        ..Domain::default()
    }
}

fn nic(domain: u16) -> Nic {
    let mut nic = Nic {
        id: 0,
        device: format!("vif{domain}.0"),
        backend_domain: DomId::DOM0,
        mac: None,
        counters: Default::default(),
        stamp: Stamp::default(),
    };
    for counter in nic.counters.values_mut() {
        *counter = Some(0);
    }
    nic
}

fn disk() -> Disk {
    let backend = DiskBackend::Blkback;
    let mut disk = Disk::without_counters(51712, "xvda".into(), backend, Stamp::default());
    // Those that the kernel's block backend has.
    for counter in [
        DiskCounter::ReadRequests,
        DiskCounter::WriteRequests,
        DiskCounter::ReadBytes,
        DiskCounter::WriteBytes,
        DiskCounter::FlushRequests,
        DiskCounter::DiscardRequests,
        DiskCounter::OutOfSlots,
    ] {
        disk[counter] = Some(0);
    }
    disk
}

fn snapshot(domains: Vec<Domain>) -> Snapshot {
    let count = domains.len() as u64;
    let memory = (count + 8) * MEMORY;
    let pcpu = |id| Pcpu {
        id,
        idle_time_ns: Some(0),
        idle_states_ns: None,
        socket: Some(0),
        core: Some(id),
        node: Some(0),
    };
    let unknown = || "made up".to_owned();
    Snapshot {
        time: jiff::Timestamp::UNIX_EPOCH,
        boot: Boot::default(),
        stamp: Stamp::default(),
        collected: Collect::NOTHING,
        xen_clock: None,
        host: xenscope::snapshot::Host {
            xen_version: VERSION.into(),
            uptime_ns: Some(0),
            pcpus: PCPUS,
            memory_bytes: memory,
            memory_free_bytes: 8 * MEMORY,
            memory_free_after_bytes: None,
            memory_free_at_nodes_bytes: None,
            memory_claimed_bytes: 0,
            shared: None,
            cpu_khz: 2_000_000,
            pcpu: (0..PCPUS).map(pcpu).collect(),
            pcpu_stamp: Stamp::default(),
            nodes: Some(vec![Node {
                id: 0,
                memory_bytes: Some(memory),
                memory_free_bytes: Some(8 * MEMORY),
            }]),
            pools: Some(vec![Pool {
                id: 0,
                name: Some("Pool-0".into()),
                scheduler: Scheduler::Credit2,
                timeslice_ns: None,
                pcpus: (0..PCPUS).collect(),
                domains: count as u32,
            }]),
            build: Some(Build {
                changeset: unknown(),
                compiler: unknown(),
                date: unknown(),
                id: None,
                command_line: String::new(),
                capabilities: String::new(),
            }),
            dom0: Some(Dom0Kernel {
                uptime_ns: Some(0),
                cpu_time_ns: Some(0),
                steal_time_ns: Some(0),
                tick_ns: None,
                stamp: Stamp::default(),
            }),
            dom0_vcpus: None,
            pcpu_clocks: None,
            trace: None,
        },
        domains,
        orphans: Vec::new(),
        listing: None,
        notes: Vec::new(),
    }
}

/// A sequence of numbers that looks random and is always the same: xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Returns a number below this one, 0 if that is 0.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}
