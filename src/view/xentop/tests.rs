//! Tests of xentop's layout.

use super::*;
use crate::fixtures::{SECOND, disk, domain, nic, snapshot, vcpu};
use crate::rates::DomainRates;
use crate::rates::Rates;
use crate::snapshot::Snapshot;
use crate::snapshot::{DiskBackend, DiskCounter, ShutdownReason, StateFlags};
use crate::xentop::{SECTOR, cells};

/// Returns two samples of three domains: one has no name, devices or limit, and one has all.
fn three() -> (Snapshot, Snapshot) {
    let mut shell = domain(7, "", 3 * SECOND, 0);
    shell.name = None;
    shell.memory_max_bytes = None;
    shell.nics = Some(vec![]);
    shell.disks = Some(vec![]);
    shell.states = StateFlags {
        paused: true,
        shutdown: Some(ShutdownReason::Crash),
        ..StateFlags::default()
    };
    let mut web = domain(9, "web-server-01", 3 * SECOND, 2 * SECOND);
    web.vcpus = Some(vec![vcpu(0, 1, SECOND), vcpu(1, 1, SECOND)]);
    web.nics = Some(vec![nic(0, 4096, 2048)]);
    web.disks = Some(vec![disk(51712, 123_456_789 * SECTOR, 0)]);
    let old = snapshot(0, 0, vec![domain(9, "web-server-01", 0, 0)]);
    let new = snapshot(3 * SECOND, 0, vec![domain(0, "Domain-0", 0, 0), shell, web]);
    (old, new)
}

fn lines(shown: DisplayOptions) -> Vec<String> {
    let (old, new) = three();
    let sample = Sample {
        snapshot: &new,
        rates: &Rates::between(Some(&old), &new),
    };
    block(sample, shown).lines().map(str::to_owned).collect()
}

#[test]
fn the_layout_is_xentops() {
    let expected = "      NAME  STATE   CPU(sec) CPU(%)     MEM(k) MEM(%)  MAXMEM(k) MAXMEM(%) VCPUS NETS NETTX(k) NETRX(k) VBDS   VBD_OO   VBD_RD   VBD_WR  VBD_RSECT  VBD_WSECT SSID
  Domain-0 --b---          0      -     131072    3.1     132096       3.1     1    -        -        -    -        -        -        -          -          -    0
web-server --b---          2   66.7     131072    3.1     132096       3.1     1    1        4        2    1        0       77        0  123456789          0    0
         - ---cp-          0      -     131072    3.1   no limit       n/a     1    0        0        0    0        0        0        0          0          0    0";
    assert_eq!(lines(DisplayOptions::default()).join("\n"), expected);
}

#[test]
fn a_full_name_widens_its_column() {
    let lines = lines(DisplayOptions {
        full_name: true,
        ..DisplayOptions::default()
    });
    assert!(lines[0].starts_with("         NAME  STATE"), "{}", lines[0]);
    assert!(lines[2].starts_with("web-server-01 --b---"), "{}", lines[2]);
}

#[test]
fn dom0_comes_first_when_asked_for() {
    let (old, mut new) = three();
    new.domains[0].name = Some("zero".into());
    let sample = Sample {
        snapshot: &new,
        rates: &Rates::between(Some(&old), &new),
    };
    let second = |shown| {
        block(sample, shown)
            .lines()
            .nth(1)
            .map(|line| line[..10].to_owned())
    };
    assert_eq!(
        second(DisplayOptions::default()).as_deref(),
        Some("web-server")
    );
    let first = DisplayOptions {
        dom0_first: true,
        ..DisplayOptions::default()
    };
    assert_eq!(second(first).as_deref(), Some("      zero"));
}

#[test]
fn parts_are_below_their_domain() {
    let lines = lines(DisplayOptions {
        networks: true,
        vbds: true,
        vcpus: true,
        repeat_header: true,
        ..DisplayOptions::default()
    });
    let heads = lines.iter().filter(|line| line.contains("NAME")).count();
    assert_eq!(heads, 3);
    let web = lines
        .iter()
        .position(|line| line.starts_with("web-server"))
        .unwrap_or(0);
    assert_eq!(
        lines[web + 1..web + 4],
        [
            "VCPUs(sec):   0:          1s  1:          1s",
            "Net0 RX:     2048bytes        2pkts        0err        0drop  TX:     4096bytes        4pkts        0err        0drop",
            "VBD BlkBack 51712 [ca: 0]  OO:        0   RD:       77   WR:        0   RSECT:  123456789   WSECT:          0",
        ]
    );
}

#[test]
fn pcpus_are_in_a_box_at_the_end() {
    let lines = lines(DisplayOptions {
        pcpus: true,
        ..DisplayOptions::default()
    });
    assert_eq!(
        lines[4..].join("\n"),
        "\nPhysical CPU Usage:\n+-------+--------+\n| Core  | Usage  |\n+-------+--------+\n\
         | 0     | 100.0% |\n| 1     | 100.0% |\n+-------+--------+"
    );
}

#[test]
fn a_disk_without_counters_is_unknown() {
    let (_, mut new) = three();
    let mut unknown = disk(51728, 0, 0);
    (unknown[DiskCounter::ReadRequests], unknown.backend) = (None, DiskBackend::Qdisk);
    new.domains[0].disks = Some(vec![unknown.clone()]);
    if let Some(disks) = &mut new.domains[2].disks {
        disks.push(unknown);
    }
    let reads = |domain: &Domain| cells(domain, &DomainRates::default(), 1, false)[14].clone();
    assert_eq!(reads(&new.domains[0]), "-");
    assert_eq!(reads(&new.domains[2]), "77");
}
