//! Compares all of a sample with `xl` and dom0's kernel, also while domains change.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::follow::{Followed, Running};
use super::{MOST_PERCENT, revert, wait_until};
use crate::command::{run, say, tool, xenscope};
use crate::record::{Domain, Record, all};

/// Runs a command that measures, and returns its record.
fn measure(words: &[&str]) -> Record {
    let options = ["--interval", "0.5", "--format", "json"];
    Record::one(&say(&[words, &options].concat()).fine())
}

/// Returns the value of a label of `xl info`.
fn xl_info(label: &str) -> String {
    tool("xl", &["info", label]).trim().to_owned()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_host_agrees_with_xl_info() {
    let record = measure(&["host"]);
    let host = &record.host;
    assert_eq!(host.pcpus.to_string(), xl_info("nr_cpus"));
    assert_eq!(
        (host.memory_bytes >> 20).to_string(),
        xl_info("total_memory")
    );
    let mhz: f64 = xl_info("cpu_mhz").parse().unwrap();
    assert!((f64::from(host.cpu_khz) / 1e3 - mhz).abs() < 0.01, "{mhz}");
    let build = host.build.as_ref().unwrap();
    assert_eq!(build.changeset, xl_info("xen_changeset"));
    assert_eq!(build.command_line, xl_info("xen_commandline"));
    assert_eq!(build.capabilities.trim(), xl_info("xen_caps"));
    assert_eq!(build.date, xl_info("cc_compile_date"));

    let pools = host.pools.as_ref().unwrap();
    assert_eq!(pools.len(), 1);
    assert_eq!(pools[0].name.as_deref(), Some("Pool-0"));
    assert_eq!(pools[0].scheduler, xl_info("xen_scheduler"));
    assert_eq!(
        usize::try_from(pools[0].domains).unwrap(),
        record.domains.len()
    );
    let nodes = host.nodes.as_ref().unwrap();
    assert_eq!(nodes.len().to_string(), xl_info("nr_nodes"));
    // Node 0 starts at address 0, and the firmware uses some of it.
    assert!(nodes[0].memory_bytes.unwrap() >= host.memory_bytes);

    assert_eq!(host.pcpu.len(), 2);
    let mut idle = 0.0;
    for pcpu in &host.pcpu {
        assert!(pcpu.online);
        assert_eq!(
            (pcpu.socket, pcpu.node, pcpu.pool),
            (Some(0), Some(0), Some(0))
        );
        idle += 100.0 - pcpu.cpu_percent.unwrap();
    }
    let all = host.cpu_percent.unwrap();
    assert!((200.0 - idle - 2.0 * all).abs() < 0.1, "{host:?}");

    let dom0 = host.dom0.as_ref().unwrap();
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    let ours = dom0.uptime_ns.unwrap() as f64 / 1e9;
    assert!(ours <= uptime && ours > uptime - 30.0, "{ours} {uptime}");
    assert!(dom0.cpu_percent.is_some() && dom0.steal_percent.is_some());

    let table = say(&["host", "--interval", "0.1"]).fine();
    for part in [
        "command line ",
        "Pool-0  ",
        "online",
        &xl_info("xen_version"),
    ] {
        assert!(table.contains(part), "no {part:?} in {table}");
    }
    let csv = say(&["host", "--interval", "0.1", "--format", "csv"]).fine();
    let kinds: Vec<&str> = csv
        .lines()
        .map(|line| line.split(',').next().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["kind", "host", "pcpu", "pcpu", "node", "pool"],
        "{csv}"
    );
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn vcpus_agree_with_xl_vcpu_list() {
    tool("xl", &["vcpu-pin", "pv-disk", "1", "0", "1"]);
    let record = measure(&["vcpus"]);
    let list = tool("xl", &["vcpu-list"]);
    let table = say(&["vcpus", "--interval", "0.1"]).fine();
    tool("xl", &["vcpu-pin", "pv-disk", "1", "1", "all"]);

    let ours: Vec<(u16, u32)> = record
        .domains
        .iter()
        .flat_map(|domain| {
            domain
                .vcpus
                .iter()
                .flatten()
                .map(|vcpu| (domain.id, vcpu.id))
        })
        .collect();
    let theirs: Vec<(u16, u32)> = list
        .lines()
        .skip(1)
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[1].parse().unwrap(), words[2].parse().unwrap())
        })
        .collect();
    assert_eq!(ours, theirs);
    assert_eq!(table.lines().count(), list.lines().count(), "{table}{list}");

    for domain in &record.domains {
        let vcpus = domain.vcpus.as_ref().unwrap();
        // The vCPUs are read after the domain, so their sum is slightly newer, and the clocks of
        // two emulated pCPUs differ by milliseconds at times.
        let sum: u64 = vcpus.iter().map(|vcpu| vcpu.cpu_time_ns).sum();
        assert!(sum + 20_000_000 >= domain.cpu_time_ns, "{domain:?}");
        for vcpu in vcpus {
            let percent = vcpu.cpu_percent.unwrap();
            assert!((0.0..=MOST_PERCENT).contains(&percent), "{domain:?}");
        }
    }
    let pinned = &record.domain("pv-disk").vcpus.as_ref().unwrap()[1];
    assert_eq!(pinned.hard_affinity.as_deref(), Some(&[0][..]));
    assert_eq!(pinned.soft_affinity.as_deref(), Some(&[1][..]));

    let one = measure(&["vcpus", "pv-disk"]);
    assert_eq!(one.domains.len(), 1);
    let csv = say(&["vcpus", "pv-disk", "--interval", "0.1", "--format", "csv"]).fine();
    assert_eq!(csv.lines().count(), 3, "a heading and two vCPUs: {csv}");
}

/// `xl` takes a vCPU offline, then online again.
#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn an_unplugged_vcpu_is_offline_and_idle() {
    let until_online = |count: u32| {
        tool("xl", &["vcpu-set", "pv-disk", &count.to_string()]);
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let record = measure(&["status", "pv-disk"]);
            if record.domain("pv-disk").vcpus_online == count {
                return record;
            }
            assert!(Instant::now() < end, "{record:?}");
        }
    };
    let top = Followed::start(&mut xenscope(&[
        "top", "-b", "-d", "0.5", "--format", "json",
    ]));
    top.more(2);
    until_online(1);
    let record = measure(&["status", "pv-disk"]);
    let table = say(&["status", "pv-disk", "--interval", "0.1"]).fine();
    let back = until_online(2);
    top.more(2);

    let mut changes = 0;
    let on_the_way: Vec<Record> = top.said();
    for pair in on_the_way.windows(2) {
        let [old, new] = [&pair[0], &pair[1]].map(|record| record.domain("pv-disk"));
        let unchanged = old.vcpus_online == new.vcpus_online;
        let share = new.cpu_percent_of_vcpus;
        let known = unchanged && new.cpu_percent.is_some();
        assert_eq!(share.is_some(), known, "{old:?} {new:?}");
        assert!(
            share.is_none_or(|share| share <= MOST_PERCENT),
            "{old:?} {new:?}"
        );
        changes += usize::from(!unchanged);
    }
    assert!(changes >= 2, "{on_the_way:?}");

    let disk = record.domain("pv-disk");
    assert_eq!((disk.vcpus_online, disk.vcpus_max), (1, 2));
    let vcpus = disk.vcpus.as_ref().unwrap();
    assert_eq!(
        (vcpus[1].online, vcpus[1].state.as_str()),
        (false, "offline")
    );
    assert_eq!((vcpus[1].pcpu, vcpus[1].cpu_percent), (None, Some(0.0)));
    assert!(vcpus[0].online && vcpus[0].cpu_percent.unwrap() > 0.0);
    // Its earlier CPU time is still reported.
    assert!(vcpus[1].cpu_time_ns > 0);
    assert!(table.contains("1 online of 2"), "{table}");
    assert!(table.contains("offline"), "{table}");
    assert!(back.domain("pv-disk").vcpus.as_ref().unwrap()[1].online);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn weight_and_cap_agree_with_xl() {
    tool(
        "xl",
        &["sched-credit2", "-d", "pv-net", "-w", "300", "-c", "50"],
    );
    let record = measure(&["status", "pv-net"]);
    let table = say(&["status", "pv-net", "--interval", "0.1"]).fine();
    tool(
        "xl",
        &["sched-credit2", "-d", "pv-net", "-w", "256", "-c", "0"],
    );
    let net = record.domain("pv-net");
    assert_eq!(net.scheduler.as_deref(), Some("credit2"));
    assert_eq!((net.weight, net.cap_percent), (Some(300), Some(50)));
    assert_eq!((net.period_ns, net.budget_ns), (None, None));
    assert!(table.contains("weight 300"), "{table}");
    // Without a cap it is `None`, not 0 %.
    let net = measure(&["status", "pv-net"]);
    assert_eq!(net.domain("pv-net").cap_percent, None);
}

/// Reads a counter of the kernel.
fn counter(path: &str) -> u64 {
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn device_counters_agree_with_sysfs() {
    let id = measure(&["status", "pv-disk"]).domain("pv-disk").id;
    let sectors = format!("/sys/bus/xen-backend/devices/vbd-{id}-51712/statistics/rd_sect");
    let before = counter(&sectors);
    let record = measure(&["status", "pv-disk", "pv-net"]);
    let after = counter(&sectors);
    let disk = &record.domain("pv-disk").disks.as_ref().unwrap()[0];
    assert_eq!((disk.id, disk.device.as_str()), (51712, "xvda"));
    assert_eq!(disk.backend, "blkback");
    let read = disk.read_bytes.unwrap();
    assert!((before * 512..=after * 512).contains(&read), "{disk:?}");
    assert!(disk.read_bytes_per_second.unwrap() > 0.0, "{disk:?}");
    assert_eq!(disk.write_bytes_per_second, Some(0.0));

    let net = record.domain("pv-net");
    let nic = &net.nics.as_ref().unwrap()[0];
    assert_eq!(nic.device, format!("vif{}.0", net.id));
    assert_eq!(nic.mac.as_deref(), Some("00:16:3e:4c:00:01"));
    // dom0's interface receives what the guest sends.
    let statistics =
        |name: &str| counter(&format!("/sys/class/net/vif{}.0/statistics/{name}", net.id));
    assert!(nic.tx_bytes.unwrap() <= statistics("rx_bytes"));
    assert!(nic.rx_bytes.unwrap() <= statistics("tx_bytes"));
    assert!(nic.tx_packets_per_second.unwrap() > 0.0, "{nic:?}");
    let others = record.domain("pv-disk").nics.as_ref().unwrap();
    assert_eq!((others.len(), others[0].id), (1, 0));

    // CSV has the same names and figures; the counters have increased meanwhile.
    let csv = say(&[
        "status",
        "pv-disk",
        "pv-net",
        "--interval",
        "0.1",
        "--format",
        "csv",
    ])
    .fine();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |kind: &str, name: &str, column: &str| {
        let at = |column: &str| header.iter().position(|head| head == column).unwrap();
        let mut rows = rows.iter();
        let row = rows.find(|row| &row[0] == kind && &row[at("name")] == name);
        row.unwrap_or_else(|| panic!("no {kind} of {name} in {csv}"))[at(column)].to_owned()
    };
    let number = |kind, name, column| cell(kind, name, column).parse::<u64>().unwrap();
    assert_eq!(number("domain", "pv-net", "id"), u64::from(net.id));
    assert_eq!(cell("domain", "pv-net", "nics.rx_bytes"), "");
    assert_eq!(number("disk", "pv-disk", "disks.id"), 51712);
    assert!(
        number("disk", "pv-disk", "disks.read_bytes") >= read,
        "{csv}"
    );
    assert_eq!(cell("nic", "pv-net", "nics.mac"), "00:16:3e:4c:00:01");
    for (column, before) in [
        ("nics.rx_bytes", nic.rx_bytes),
        ("nics.tx_bytes", nic.tx_bytes),
    ] {
        let after = number("nic", "pv-net", column);
        let name = if column == "nics.rx_bytes" {
            "tx_bytes"
        } else {
            "rx_bytes"
        };
        assert!(
            (before.unwrap()..=statistics(name)).contains(&after),
            "{column} {csv}"
        );
    }
}

/// Renames an interface until it is dropped.
pub struct Renamed(String);

impl Renamed {
    pub const NAME: &str = "uplink";

    pub fn new(interface: String) -> Self {
        Self::rename(&interface, Self::NAME);
        Self(interface)
    }

    fn rename(from: &str, to: &str) {
        tool("ip", &["link", "set", from, "down"]);
        tool("ip", &["link", "set", from, "name", to]);
        tool("ip", &["link", "set", to, "up"]);
    }
}

impl Drop for Renamed {
    fn drop(&mut self) {
        revert(|| {
            Self::rename(Self::NAME, &self.0);
        });
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_renamed_interface_belongs_to_its_domain() {
    let id = measure(&["status", "pv-disk"]).domain("pv-disk").id;
    let _renamed = Renamed::new(format!("vif{id}.0"));
    let record = measure(&["status", "pv-disk"]);
    let nics = record.domain("pv-disk").nics.as_ref().unwrap();
    assert_eq!(
        (nics.len(), nics[0].id, nics[0].device.as_str()),
        (1, 0, Renamed::NAME)
    );
    assert!(nics[0].rx_bytes.is_some());
}

/// Creates and destroys domains until it is dropped.
struct Churn(Option<Running>);

impl Churn {
    /// At times, a domain with fewer vCPUs gets a domain's ID in the middle of a sample.
    fn start() -> Self {
        let script = "while :; do
            lab-shells create 8@600:vcpus=4; lab-shells destroy 600 8
            lab-shells create 8@600; lab-shells destroy 600 8
        done";
        let shell = Running::start(Command::new("sh").args(["-c", script]));
        Self(Some(shell))
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        self.0.take();
        let is_there = |id: u16| {
            let list = say(&["list", "--format", "json"]);
            let records: Vec<Record> = all(&list.stdout);
            records[0].domains.iter().any(|domain| domain.id == id)
        };
        revert(|| {
            // What the shell has started goes on.
            wait_until("lab-shells has ended", || {
                run(Command::new("pidof").arg("lab-shells")).code != Some(0)
            });
            // `lab-shells destroy` stops at the first ID without a domain.
            for id in (600..608).filter(|id| is_there(*id)) {
                tool("lab-shells", &["destroy", &id.to_string(), "1"]);
            }
        });
    }
}

/// Asserts what is true for a domain even while others change.
fn assert_sane(domain: &Domain) {
    let percents = domain.cpu_percent.into_iter().chain(
        domain
            .vcpus
            .iter()
            .flatten()
            .filter_map(|vcpu| vcpu.cpu_percent),
    );
    for percent in percents {
        assert!((0.0..=250.0).contains(&percent), "{domain:?}");
    }
    // Either all vCPUs are known or none.
    if let Some(vcpus) = &domain.vcpus {
        assert_eq!(vcpus.len(), domain.vcpus_max as usize, "{domain:?}");
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn samples_are_sane_while_domains_come_and_go() {
    let _churn = Churn::start();
    let words = [
        "top", "-b", "-v", "-n", "-x", "-d", "0.02", "-i", "25", "--format", "json",
    ];
    let mut seen = BTreeSet::new();
    let records: Vec<Record> = all(&say(&words).fine());
    for record in &records {
        let ids: Vec<u16> = record.domains.iter().map(|domain| domain.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        seen.insert(ids.len());
        record.domains.iter().for_each(assert_sane);
    }
    // Domains did come and go.
    assert!(seen.len() > 1, "{seen:?}");
    for _ in 0..5 {
        let status = say(&["status", "0", "pv-burn", "--interval", "0.05"]);
        assert_eq!(status.code, Some(0), "{status:?}");
    }
}
