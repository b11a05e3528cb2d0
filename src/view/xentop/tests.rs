//! Tests of xentop's layout.

use std::iter;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::fixtures::{SECOND, disk, domain, nic, snapshot, stamp, vcpu};
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
    assert_eq!(reads(&new.domains[2]), "-", "not the 77 of the other disk");
}

#[test]
fn devices_of_other_domains_are_left_out() {
    let (_, mut new) = three();
    let web = &mut new.domains[2];
    let (mut away, mut far) = (nic(1, 7, 7), disk(51728, 7, 7));
    (away.backend_domain, far.backend_domain) = (DomId(3), DomId(4));
    (away.counters, far.counters) = Default::default();
    web.nics.get_or_insert_default().push(away);
    web.disks.get_or_insert_default().push(far);
    let shown = DisplayOptions {
        networks: true,
        vbds: true,
        ..DisplayOptions::default()
    };
    let (_, before) = three();
    let of = |snapshot: &Snapshot| {
        let rates = &Rates::between(None, snapshot);
        block(Sample { snapshot, rates }, shown)
    };
    assert_eq!(of(&new), of(&before));
}

/// A change of one value of a domain: the domain, what changes, and which of its values it gets.
type Change = (usize, usize, usize);

/// The number of things that can change.
const CHANGEABLE: usize = 9;

/// The number of values of each.
const VALUES: usize = 4;

fn change(domains: &mut [Option<Domain>], (domain, what, value): Change) {
    let nics = |bytes: &[u64]| {
        Some(
            bytes
                .iter()
                .map(|&bytes| nic(0, bytes, bytes / 3))
                .collect(),
        )
    };
    let disks = |bytes: &[u64]| Some(bytes.iter().map(|&bytes| disk(1, bytes, 7)).collect());
    let slot = &mut domains[domain];
    let Some(domain) = slot else {
        // It is created with the same ID.
        *slot = Some(self::domain(domain as u16, "new", 0, 0));
        return;
    };
    let name = ["web", "a name that is cut", "漢字\u{301}\u{1b}", "Z"][value];
    let huge = 10_u64.pow(15);
    match what {
        0 => *slot = None,
        1 => domain.name = (value > 0).then(|| name.into()),
        2 => domain.cpu_time_ns += [0, 200_000, SECOND, 10 * huge][value],
        3 => domain.memory_bytes = [0, 4096, 128 << 20, u64::MAX][value],
        4 => domain.memory_max_bytes = [None, Some(0), Some(4096), Some(u64::MAX)][value],
        5 => domain.states.paused = value > 1,
        6 => domain.nics = [None, nics(&[]), nics(&[1000]), nics(&[1024, huge])][value].clone(),
        7 => domain.disks = [None, disks(&[]), disks(&[512]), disks(&[huge, huge])][value].clone(),
        _ => (domain.ssid, domain.vcpus_online) = ([7, 77_777][value % 2], value as u32),
    }
}

fn options() -> impl Strategy<Value = DisplayOptions> {
    any::<[bool; 7]>().prop_map(|[networks, vbds, vcpus, pcpus, repeat, full, dom0]| {
        DisplayOptions {
            networks,
            vbds,
            vcpus,
            pcpus,
            repeat_header: repeat,
            full_name: full,
            dom0_first: dom0,
        }
    })
}

proptest! {
    /// A line that is copied from the block before is what a new formatter prints.
    #[test]
    fn a_block_does_not_depend_on_the_one_before(
        shown in options(),
        steps in vec(vec((0..6_usize, 0..CHANGEABLE, 0..VALUES), 0..4), 1..12),
    ) {
        let mut domains: Vec<_> = (0..6).map(|id| Some(domain(id, "web", 0, 0))).collect();
        let mut blocks = Blocks::new(shown);
        let mut old: Option<Snapshot> = None;
        for (second, changes) in iter::zip(1.., steps) {
            changes.into_iter().for_each(|one| change(&mut domains, one));
            let now = domains.iter().flatten().cloned();
            let now = now.map(|domain| Domain { stamp: stamp(second * SECOND), ..domain });
            let new = snapshot(second * SECOND, 0, now.collect());
            let rates = Rates::between(old.as_ref(), &new);
            let sample = Sample { snapshot: &new, rates: &rates };
            prop_assert_eq!(blocks.block(sample), block(sample, shown));
            old = Some(new);
        }
    }
}
