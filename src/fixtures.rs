//! Snapshots for tests.

use enum_map::enum_map;
use uuid::Uuid;

use crate::snapshot::{
    Backend, Boot, Build, Collect, Disk, DiskBackend, DiskCounter, Dom0Kernel, Dom0Vcpu, DomId,
    Domain, DomainType, Host, Listing, Nic, NicCounter, Node, Pcpu, PcpuClock, Pool, Scheduler,
    Scheduling, Snapshot, Stamp, StateFlags, StateTimes, Storage, TraceTotals, Vcpu, VcpuState,
    XenClock,
};

/// A second, in nanoseconds.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// Everything but what only a trace tells.
const NOT_TRACED: Collect = Collect {
    state_times: false,
    ..Collect::ALL
};

/// Returns a stamp at this time, with an uncertainty of a millisecond.
pub(crate) fn stamp(at_ns: u64) -> Stamp {
    Stamp {
        at_ns,
        uncertainty_ns: 1_000_000,
    }
}

/// Returns a boot with this ID, and without a start time.
pub(crate) fn boot(id: u128) -> Boot {
    Boot {
        dom0_boot_id: Some(Uuid::from_u128(id)),
        xen_start: None,
    }
}

/// Returns a blocked PVH domain with one vCPU and 128 MiB. It has used `cpu_time_ns` at `at_ns`.
pub(crate) fn domain(id: u16, name: &str, at_ns: u64, cpu_time_ns: u64) -> Domain {
    Domain {
        id: DomId(id),
        uuid: Uuid::from_u128(u128::from(id) + 1),
        name: Some(name.into()),
        kind: DomainType::Pvh,
        states: StateFlags {
            blocked: true,
            ..StateFlags::default()
        },
        vcpus_online: 1,
        vcpus_max: 2,
        cpu_time_ns,
        memory_bytes: 128 << 20,
        memory_max_bytes: Some(129 << 20),
        memory_static_max_bytes: Some(256 << 20),
        memory_target_bytes: Some(128 << 20),
        stamp: stamp(at_ns),
        ..Domain::default()
    }
}

/// Returns a host of two pCPUs and 4 GiB with these domains, sampled at `at_ns`. Each pCPU has been
/// idle for `idle_ns`.
pub(crate) fn snapshot(at_ns: u64, idle_ns: u64, domains: Vec<Domain>) -> Snapshot {
    Snapshot {
        time: jiff::Timestamp::UNIX_EPOCH,
        boot: Boot::default(),
        stamp: stamp(at_ns),
        collected: Collect::default(),
        xen_clock: None,
        host: Host {
            xen_version: "4.17.5".to_owned(),
            uptime_ns: None,
            pcpus: 2,
            memory_bytes: 4 << 30,
            memory_free_bytes: 1 << 30,
            memory_free_after_bytes: None,
            memory_free_at_nodes_bytes: None,
            memory_claimed_bytes: 0,
            shared: None,
            cpu_khz: 2_000_000,
            pcpu: (0..2).map(|id| pcpu(id, idle_ns)).collect(),
            pcpu_stamp: stamp(at_ns),
            nodes: None,
            pools: None,
            build: None,
            dom0: None,
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

fn pcpu(id: u32, idle_ns: u64) -> Pcpu {
    Pcpu {
        id,
        idle_time_ns: Some(idle_ns),
        idle_states_ns: None,
        socket: None,
        core: None,
        node: None,
    }
}

/// Returns a vCPU that runs on this pCPU and may run on any.
pub(crate) fn vcpu(id: u32, pcpu: u32, cpu_time_ns: u64) -> Vcpu {
    Vcpu {
        id,
        state: VcpuState::Running,
        pcpu: Some(pcpu),
        cpu_time_ns,
        hard_affinity: Some(vec![0, 1]),
        soft_affinity: Some(vec![0, 1]),
        state_times: None,
        stamp: stamp(0),
    }
}

/// Returns a NIC that received and sent this many bytes, in packets of 1 KiB.
pub(crate) fn nic(id: u32, rx_bytes: u64, tx_bytes: u64) -> Nic {
    Nic {
        id,
        device: format!("vif9.{id}"),
        backend_domain: DomId::DOM0,
        mac: Some("00:16:3e:00:00:01".to_owned()),
        counters: enum_map! {
            NicCounter::RxBytes => Some(rx_bytes),
            NicCounter::RxPackets => Some(rx_bytes / 1024),
            NicCounter::TxBytes => Some(tx_bytes),
            NicCounter::TxPackets => Some(tx_bytes / 1024),
            _ => Some(0),
        },
        stamp: stamp(0),
    }
}

/// Returns a disk that read and wrote this many bytes, in 77 reads and no writes.
pub(crate) fn disk(id: u32, read_bytes: u64, write_bytes: u64) -> Disk {
    let mut disk = Disk::without_counters(id, "xvda".to_owned(), DiskBackend::Blkback, stamp(0));
    disk.counters.extend([
        (DiskCounter::ReadRequests, Some(77)),
        (DiskCounter::WriteRequests, Some(0)),
        (DiskCounter::ReadBytes, Some(read_bytes)),
        (DiskCounter::WriteBytes, Some(write_bytes)),
        (DiskCounter::OutOfSlots, Some(0)),
    ]);
    disk
}

/// Changes when a device was read, and its counters.
pub(crate) trait ReadAt<Counter> {
    /// Returns this device as read at `at_ns`, with these counters changed.
    fn at<const N: usize>(self, at_ns: u64, counters: [(Counter, Option<u64>); N]) -> Self;
}

impl ReadAt<NicCounter> for Nic {
    fn at<const N: usize>(mut self, at_ns: u64, counters: [(NicCounter, Option<u64>); N]) -> Self {
        self.stamp = stamp(at_ns);
        self.counters.extend(counters);
        self
    }
}

impl ReadAt<DiskCounter> for Disk {
    fn at<const N: usize>(mut self, at_ns: u64, counters: [(DiskCounter, Option<u64>); N]) -> Self {
        self.stamp = stamp(at_ns);
        self.counters.extend(counters);
        self
    }
}

/// Returns a host with every field that a view shows, and the same host two seconds later. No two
/// counters have the same rate. The domains are dom0 without devices, `web`, and `db`, whose vCPUs
/// are `None`.
///
/// `web` has no memory limit and two vCPUs, one of them offline. Its first NIC has all values; the
/// second lacks the MAC and the bytes sent. It has a disk of tapdisk, on a storage repository, and a
/// disk of qdisk.
pub(crate) fn equipped() -> (Snapshot, Snapshot) {
    let at = |second: u64| {
        let at_ns = second * SECOND;
        let dom0 = Domain {
            vcpus: Some(vec![Vcpu {
                stamp: stamp(at_ns),
                ..vcpu(0, 0, at_ns / 4)
            }]),
            nics: Some(Vec::new()),
            disks: Some(Vec::new()),
            ..domain(0, "Domain-0", at_ns, at_ns / 4)
        };
        let web = Domain {
            memory_max_bytes: None,
            scheduling: Some(Scheduling::Credit2 {
                weight: 512,
                cap_percent: Some(150),
            }),
            vcpus: Some(vec![
                Vcpu {
                    soft_affinity: Some(vec![1]),
                    stamp: stamp(at_ns),
                    ..vcpu(0, 1, at_ns / 2)
                },
                Vcpu {
                    state: VcpuState::Offline,
                    pcpu: None,
                    stamp: stamp(at_ns),
                    ..vcpu(1, 0, 7 * SECOND)
                },
            ]),
            nics: Some(vec![
                nic(0, second * (48 << 20), second * (16 << 10)).at(
                    at_ns,
                    [
                        (NicCounter::RxErrors, Some(1)),
                        (NicCounter::RxDrops, Some(2)),
                        (NicCounter::TxErrors, Some(3)),
                        (NicCounter::TxDrops, Some(4)),
                    ],
                ),
                Nic {
                    mac: None,
                    ..nic(1, second * (2 << 10), second * (5 << 10))
                        .at(at_ns, [(NicCounter::TxBytes, None)])
                },
            ]),
            disks: Some(vec![
                Disk {
                    backend: DiskBackend::Tapdisk,
                    storage: Some(Storage {
                        repository: Uuid::from_u128(0x51),
                        image: Uuid::from_u128(0x7d1),
                    }),
                    ..disk(51712, second * (4 << 20), second * (1 << 20)).at(
                        at_ns,
                        [
                            (DiskCounter::ReadRequests, Some(second * 128)),
                            (DiskCounter::WriteRequests, Some(second * 32)),
                            (DiskCounter::FlushRequests, Some(5)),
                            (DiskCounter::DiscardRequests, Some(6)),
                            (DiskCounter::OutOfSlots, Some(8)),
                            (DiskCounter::Errors, Some(9)),
                            (DiskCounter::ReadTime, Some(second * 64_000_000)),
                            (DiskCounter::WriteTime, Some(second * 80_000_000)),
                        ],
                    )
                },
                Disk::without_counters(51728, "xvdb".to_owned(), DiskBackend::Qdisk, stamp(at_ns)),
            ]),
            ..domain(5, "web", at_ns, at_ns / 2)
        };
        let db = Domain {
            nics: Some(vec![
                nic(0, second * (3 << 10), second * (7 << 10)).at(at_ns, []),
            ]),
            disks: Some(vec![
                disk(51712, second * (9 << 10), second * (11 << 10)).at(at_ns, []),
            ]),
            ..domain(9, "db", at_ns, at_ns / 8)
        };
        let mut snapshot = snapshot(at_ns, 0, vec![dom0, web, db]);
        snapshot.collected = NOT_TRACED;
        let mut host = full(snapshot.host);
        host.pcpu = pcpus(3, at_ns);
        host.pcpu[1].idle_time_ns = Some(at_ns / 4);
        host.uptime_ns = Some(at_ns + 93_850 * SECOND);
        host.dom0 = Some(Dom0Kernel {
            stamp: stamp(at_ns),
            uptime_ns: Some(at_ns + 93_784 * SECOND),
            cpu_time_ns: Some(at_ns / 5),
            steal_time_ns: Some(at_ns / 50),
            ..Dom0Kernel::default()
        });
        snapshot.host = host;
        snapshot
    };
    (at(1), at(3))
}

/// Returns a snapshot without the counters of devices that `collect` leaves out.
pub(crate) fn counting(collect: Collect, mut snapshot: Snapshot) -> Snapshot {
    for domain in &mut snapshot.domains {
        let wanted = collect.of(domain.identity());
        for nic in domain.nics.iter_mut().flatten() {
            for figure in nic.counters.values_mut() {
                *figure = figure.filter(|_| wanted.nic_counters);
            }
        }
        for disk in domain.disks.iter_mut().flatten() {
            for (counter, figure) in &mut disk.counters {
                *figure = figure.filter(|_| wanted.disk_counters[counter]);
            }
        }
    }
    snapshot.collected = collect;
    snapshot
}

/// Returns a busy host with `count` domains, including dom0, and the same host a second later. Each
/// domain has two NICs and a disk. A domain with a higher ID uses more of everything.
pub(crate) fn at_work(count: u16) -> (Snapshot, Snapshot) {
    let at = |second: u64| {
        let domains = (0..count).map(|id| {
            let name = match id {
                0 => "Domain-0".to_owned(),
                id => format!("guest-{id}"),
            };
            let done = second * u64::from(id);
            let mut domain = domain(id, &name, second * SECOND, done * SECOND / u64::from(count));
            (domain.states.running, domain.states.blocked) = (id % 3 == 1, id % 3 == 2);
            let mut nics = vec![nic(0, done << 10, done << 8), nic(1, 0, done << 4)];
            let mut disk = disk(51712, done << 20, done << 12);
            disk.stamp = domain.stamp;
            for nic in &mut nics {
                nic.stamp = domain.stamp;
            }
            (domain.nics, domain.disks) = (Some(nics), Some(vec![disk]));
            domain
        });
        let mut snapshot = snapshot(second * SECOND, second * SECOND / 4, domains.collect());
        snapshot.collected = Collect {
            names: true,
            targets: true,
            nics: true,
            nic_counters: true,
            disks: true,
            driver_domains: true,
            disk_counters: Collect::ALL.disk_counters,
            ..Collect::default()
        };
        snapshot
    };
    (at(1), at(2))
}

/// Returns this many pCPUs on two sockets and four nodes. pCPU `N` has been busy for `N / count` of
/// the time; the last one is offline.
pub(crate) fn pcpus(count: u32, at_ns: u64) -> Vec<Pcpu> {
    let group = |id: u32, groups: u32| Some(id * groups / count);
    (0..count)
        .map(|id| Pcpu {
            id,
            idle_time_ns: (id + 1 < count)
                .then(|| at_ns - at_ns * u64::from(id) / u64::from(count)),
            idle_states_ns: None,
            socket: group(id, 2),
            core: Some(id),
            node: group(id, 4),
        })
        .collect()
}

/// Fills in every field of the host that a view shows.
pub(crate) fn full(host: Host) -> Host {
    Host {
        nodes: Some(vec![Node {
            id: 0,
            memory_bytes: Some(host.memory_bytes),
            memory_free_bytes: Some(host.memory_free_bytes),
        }]),
        pools: Some(vec![Pool {
            id: 0,
            name: Some("Pool-0".to_owned()),
            scheduler: Scheduler::Credit2,
            timeslice_ns: None,
            pcpus: vec![0, 1],
            domains: 1,
        }]),
        build: Some(Build {
            changeset: String::new(),
            compiler: "gcc".to_owned(),
            date: "today".to_owned(),
            id: None,
            command_line: "dom0_mem=768M".to_owned(),
            capabilities: "xen-3.0-x86_64".to_owned(),
        }),
        dom0: Some(Dom0Kernel::default()),
        dom0_vcpus: None,
        pcpu_clocks: None,
        ..host
    }
}

/// Returns two samples of a traced host, two seconds apart, whose domains suffer: `web` waits for `batch`, `batch` is
/// throttled by its cap of 20 %, `mail` lacks memory, `db` has a disk out of slots and a NIC that drops packets, and
/// `idle` wants nothing.
pub(crate) fn troubled() -> (Snapshot, Snapshot) {
    let at = |second: u64| {
        let tenths = |tenths: u64| second * SECOND / 10 * tenths;
        let with = |id, name, [running, ready, blocked, offline]: [u64; 4]| Domain {
            vcpus_max: 1,
            state_times: Some(StateTimes {
                running_ns: tenths(running),
                ready_ns: tenths(ready),
                blocked_ns: tenths(blocked),
                offline_ns: tenths(offline),
                ..StateTimes::default()
            }),
            scheduling: Some(Scheduling::Credit2 {
                weight: 256,
                cap_percent: (name == "batch").then_some(20),
            }),
            ..domain(id, name, second * SECOND, tenths(running))
        };
        let mut domains = vec![
            with(1, "idle", [0, 0, 10, 0]),
            with(2, "web", [6, 3, 1, 0]),
            with(3, "batch", [2, 0, 0, 8]),
            with(4, "mail", [1, 0, 9, 0]),
            with(5, "db", [1, 0, 9, 0]),
        ];
        domains[1].waited_for_ns = vec![(DomId(3), tenths(2)), (DomId(0x7fff), tenths(1))];
        domains[3].memory_target_bytes = Some(192 << 20);
        let stamp = stamp(second * SECOND);
        let mut disk = disk(51712, 0, 0);
        (disk.stamp, disk[DiskCounter::OutOfSlots]) = (stamp, Some(second * 40));
        let mut nic = nic(0, 0, 0);
        (nic.stamp, nic[NicCounter::RxDrops]) = (stamp, Some(second * 3));
        (domains[4].disks, domains[4].nics) = (Some(vec![disk]), Some(vec![nic]));
        let mut snapshot = snapshot(second * SECOND, 0, domains);
        snapshot.collected = Collect::ALL;
        snapshot.host.trace = Some(TraceTotals {
            begin_ns: 1,
            elapsed_ns: second * SECOND,
            records: second,
            contradictions: 0,
            lost_ns: 0,
            running_ns: tenths(20),
            ready_ns: tenths(3),
            most_ready: Some(1),
            stamp,
        });
        snapshot
    };
    (at(1), at(3))
}

/// Returns a host that passes every check of an audit, sampled at `at_ns`. dom0's vCPU has run 30 %
/// of the time, `web`'s two vCPUs 60 % and 30 %. The two pCPUs were idle for the rest of the time.
pub(crate) fn audited(at_ns: u64) -> Snapshot {
    let part = |tenths: u64| at_ns / 10 * tenths;
    let with_vcpus = |mut domain: Domain, tenths: &[u64]| {
        let vcpus = (0..).zip(tenths).map(|(id, &tenths)| Vcpu {
            stamp: stamp(at_ns),
            ..vcpu(id, id, part(tenths))
        });
        domain.vcpus = Some(vcpus.collect());
        domain.vcpus_online = tenths.len() as u32;
        domain.vcpus_max = domain.vcpus_online;
        domain.vcpus_available = Some(vec![Some(true); tenths.len()]);
        (domain.nics, domain.disks) = (Some(Vec::new()), Some(Vec::new()));
        domain.memory_static_max_bytes = Some(128 << 20);
        domain
    };
    let dom0 = with_vcpus(domain(0, "Domain-0", at_ns, part(3)), &[3]);
    let mut web = with_vcpus(domain(5, "web", at_ns, part(9)), &[6, 3]);
    web.xenstore_uuid = Some(web.uuid);
    (web.nics, web.disks) = (Some(vec![nic(0, 0, 0)]), Some(vec![disk(51712, 0, 0)]));
    let mut snapshot = snapshot(at_ns, 0, vec![dom0, web]);
    snapshot.collected = NOT_TRACED;
    snapshot.xen_clock = Some(XenClock {
        ns: at_ns,
        stamp: Stamp {
            at_ns,
            uncertainty_ns: 100_000,
        },
    });
    let backend = |kind: &str, device: u32| Backend {
        kind: kind.to_owned(),
        domain: DomId(5),
        device,
    };
    snapshot.listing = Some(Listing {
        domains: vec![DomId(0), DomId(5)],
        backends: vec![backend("vbd", 51712), backend("vif", 0)],
        too_long: Vec::new(),
    });
    let mut host = full(snapshot.host);
    host.memory_free_after_bytes = Some(host.memory_free_bytes);
    host.memory_free_at_nodes_bytes = Some(host.memory_free_bytes);
    for (pcpu, tenths) in host.pcpu.iter_mut().zip([5, 3]) {
        pcpu.idle_time_ns = Some(part(tenths));
    }
    for pool in host.pools.iter_mut().flatten() {
        pool.domains = 2;
    }
    host.dom0 = Some(Dom0Kernel {
        steal_time_ns: Some(0),
        tick_ns: Some(10_000_000),
        stamp: stamp(at_ns),
        ..Dom0Kernel::default()
    });
    let clock = |pcpu: u32| PcpuClock {
        pcpu,
        ns: at_ns,
        stamp: Stamp {
            at_ns,
            uncertainty_ns: 0,
        },
    };
    host.pcpu_clocks = Some([0, 1].map(clock).to_vec());
    host.dom0_vcpus = Some(vec![Dom0Vcpu {
        id: 0,
        running_ns: part(3),
        blocked_ns: part(7),
        stamp: stamp(at_ns),
        ..Dom0Vcpu::default()
    }]);
    snapshot.host = host;
    snapshot
}
