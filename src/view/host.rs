//! The host: its hypervisor, memory, NUMA nodes, CPU pools, storage repositories and pCPUs.

use jiff::SignedDuration;

use super::Sample;
use super::status::latency;
use super::table::{Align, Table};
use crate::moment::lasted;
use crate::rates::Rate;
use crate::repositories;
use crate::sample::PcpuSample;
use crate::snapshot::{Build, Disk, DiskCounter, Host};
use crate::text::{UNKNOWN, numbers, or_unknown, safe};
use crate::units::{kib_per_second, mib, tenths};

/// Why the nodes have more memory than the host: Xen reports the addresses from the first to the last page of a node
/// (`memsize` of `XEN_SYSCTL_numainfo`).
const HOLES: &str =
    "(from the first address of a node to its last one, with holes between that are no memory)\n";

/// Formats the host as a paragraph and tables of nodes, pools, storage repositories and pCPUs, at most `width` columns
/// wide if texts can be shortened.
pub fn sections(sample: Sample<'_>, width: Option<usize>) -> String {
    let host = &sample.snapshot.host;
    let mut out = paragraph(sample);
    let on_nodes = host.nodes.iter().flatten();
    let on_nodes = on_nodes.filter_map(|node| node.memory_bytes);
    let holes = match on_nodes.sum::<u64>() > host.memory_bytes {
        true => HOLES,
        false => "",
    };
    for (table, note) in [
        (nodes(host), holes),
        (pools(host), ""),
        (repositories(sample), ""),
        (pcpus(sample), ""),
    ] {
        if !table.is_empty() {
            out.push('\n');
            out.push_str(&table.render(width));
            out.push_str(note);
        }
    }
    out.extend(unknown_repositories(sample));
    out
}

/// Says that the sums of storage repositories are unknown, and why; `None` if they are known, and if no known disk is in
/// one.
fn unknown_repositories(sample: Sample<'_>) -> Option<String> {
    let unknown = sample.domains().find(|one| one.domain.disks.is_none())?;
    let mut disks = sample.domains().filter_map(|one| one.domain.disks.as_ref());
    let is_stored = |disks: &Vec<Disk>| disks.iter().any(|disk| disk.storage.is_some());
    let id = unknown.domain.id;
    disks
        .any(is_stored)
        .then(|| format!("\nstorage repositories: unknown, as the disks of domain {id} are\n"))
}

fn paragraph(sample: Sample<'_>) -> String {
    let (host, rates) = (&sample.snapshot.host, &sample.rates.host);
    let share =
        |figure: Option<Rate>| or_unknown(figure, |figure| format!("{:.1} %", figure.value));
    let over = sample
        .rates
        .interval_ns
        .map_or_else(String::new, |ns| format!(", over {:.2} s", ns as f64 / 1e9));
    let mut lines = vec![("xen", safe(&host.xen_version).into_owned())];
    if let Some(build) = &host.build {
        lines.extend(built(build));
    }
    lines.extend([
        (
            "pcpus",
            format!(
                "{} online at {} MHz, {} busy{over}",
                host.pcpus,
                host.cpu_khz / 1000,
                share(rates.cpu_percent)
            ),
        ),
        (
            "memory",
            format!(
                "{} in all, {} free, {} of it claimed",
                mib(host.memory_bytes),
                mib(host.memory_free_bytes),
                mib(host.memory_claimed_bytes)
            ),
        ),
        ("domains", sample.snapshot.domains.len().to_string()),
        ("uptime", uptime(host.uptime_ns)),
    ]);
    if let Some(kernel) = &host.dom0 {
        let busy = share(rates.dom0_cpu_percent);
        let steal = share(rates.dom0_steal_percent);
        let up = uptime(kernel.uptime_ns);
        let text = format!("{busy} of one pCPU by its own count, {steal} stolen from it, up {up}");
        lines.push(("dom0", text));
    }
    lines
        .into_iter()
        .map(|(label, value)| format!("{label:<13}{value}\n"))
        .collect()
}

fn built(build: &Build) -> [(&'static str, String); 6] {
    let id = build.id.as_deref().unwrap_or(UNKNOWN);
    // A hypervisor that was not built from a repository has none.
    let changeset = match build.changeset.as_str() {
        "" => UNKNOWN.into(),
        changeset => safe(changeset),
    };
    [
        ("changeset", changeset.into_owned()),
        ("built", safe(&build.date).into_owned()),
        ("compiler", safe(&build.compiler).into_owned()),
        ("build id", id.to_owned()),
        ("command line", safe(&build.command_line).into_owned()),
        ("capabilities", safe(&build.capabilities).into_owned()),
    ]
}

fn uptime(ns: Option<u64>) -> String {
    or_unknown(ns, |ns| {
        let time = i64::try_from(ns).unwrap_or(i64::MAX);
        lasted(SignedDuration::from_nanos(time))
    })
}

fn nodes(host: &Host) -> Table {
    let mut table = Table::new(&[
        ("NODE", Align::Right),
        ("MEMORY", Align::Right),
        ("FREE", Align::Right),
        ("PCPUS", Align::Yielding),
    ]);
    for node in host.nodes.iter().flatten() {
        let on_node = host.pcpu.iter().filter(|pcpu| pcpu.node == Some(node.id));
        let on_node: Vec<u32> = on_node.map(|pcpu| pcpu.id).collect();
        table.row(vec![
            node.id.to_string(),
            or_unknown(node.memory_bytes, mib),
            or_unknown(node.memory_free_bytes, mib),
            numbers(&on_node),
        ]);
    }
    table
}

fn pools(host: &Host) -> Table {
    let mut table = Table::new(&[
        ("POOL", Align::Right),
        ("NAME", Align::Yielding),
        ("SCHEDULER", Align::Left),
        ("DOMAINS", Align::Right),
        ("PCPUS", Align::Yielding),
    ]);
    for pool in host.pools.iter().flatten() {
        table.row(vec![
            pool.id.to_string(),
            safe(pool.name.as_deref().unwrap_or(UNKNOWN)).into_owned(),
            pool.scheduler.to_string(),
            pool.domains.to_string(),
            numbers(&pool.pcpus),
        ]);
    }
    table
}

fn repositories(sample: Sample<'_>) -> Table {
    let mut table = Table::new(&[
        ("REPOSITORY", Align::Yielding),
        ("DISKS", Align::Right),
        ("LATENCY", Align::Right),
        ("BUSIEST", Align::Yielding),
        ("SHARE %", Align::Right),
        ("REQUESTS/S", Align::Right),
        ("NO SLOT/S", Align::Right),
        ("READ/S", Align::Right),
        ("WRITE/S", Align::Right),
    ]);
    for one in repositories::repositories(sample).into_iter().flatten() {
        let requests = [DiskCounter::ReadRequests, DiskCounter::WriteRequests];
        let busiest = or_unknown(one.busiest.as_ref(), |busiest| match &busiest.name {
            Some(name) => safe(name).into_owned(),
            None => format!("domain {}", busiest.id),
        });
        table.row(vec![
            one.uuid.to_string(),
            match one.measured_disks == one.disks {
                true => one.disks.to_string(),
                false => format!("{} of {}", one.measured_disks, one.disks),
            },
            latency(one.read_latency_ns, one.write_latency_ns),
            busiest,
            or_unknown(one.busiest.as_ref(), |busiest| {
                format!("{:.1}", busiest.percent)
            }),
            tenths(Rate::sum(requests.map(|counter| one[counter]))),
            tenths(one[DiskCounter::OutOfSlots]),
            kib_per_second(one[DiskCounter::ReadBytes]),
            kib_per_second(one[DiskCounter::WriteBytes]),
        ]);
    }
    table
}

pub(super) fn pcpus(sample: Sample<'_>) -> Table {
    let mut table = Table::new(&[
        ("PCPU", Align::Right),
        ("STATE", Align::Left),
        ("BUSY %", Align::Right),
        ("SOCKET", Align::Right),
        ("CORE", Align::Right),
        ("NODE", Align::Right),
        ("POOL", Align::Right),
    ]);
    let number = |number: Option<u32>| or_unknown(number, |number| number.to_string());
    let host = &sample.snapshot.host;
    for PcpuSample {
        pcpu,
        cpu_percent: busy,
        ..
    } in sample.host().pcpus()
    {
        table.row(vec![
            pcpu.id.to_string(),
            if pcpu.is_online() {
                "online"
            } else {
                "offline"
            }
            .to_owned(),
            tenths(busy),
            number(pcpu.socket),
            number(pcpu.core),
            number(pcpu.node),
            number(host.pool_of(pcpu.id).map(|pool| pool.id)),
        ]);
    }
    table
}
