//! The layout of `xentop -b`, so that scripts made for it keep working.
//!
//! Columns, widths, order and the lines below a domain are those of xentop on Xen 4.17 and 4.20;
//! `-p` is that of xentop on 4.21. What differs, all for the better: the first block is measured,
//! no domain is there twice, nameless domains are there, every NIC is there without a bridge too,
//! VCPUS counts the vCPUs that are online, and what is not known is `-`.
//!
//! NETTX and NETRX are what dom0's end of the NIC sent and received, as xentop has them.

mod lines;

use std::cmp::Ordering;

use super::{Sample, Shown};
use crate::rates::DomainRates;
use crate::snapshot::{
    Disk, DiskBackend, DomId, Domain, Nic, ShutdownReason, StateFlags, VcpuState,
};
use crate::text::{UNKNOWN, cut, or_unknown, percent, safe};
use lines::{Cells, Lines};

/// The columns' headings, and the widths that they have at least.
pub(crate) const COLUMNS: [(&str, usize); 19] = [
    ("NAME", 10),
    ("STATE", 6),
    ("CPU(sec)", 10),
    ("CPU(%)", 6),
    ("MEM(k)", 10),
    ("MEM(%)", 6),
    ("MAXMEM(k)", 10),
    ("MAXMEM(%)", 9),
    ("VCPUS", 5),
    ("NETS", 4),
    ("NETTX(k)", 8),
    ("NETRX(k)", 8),
    ("VBDS", 4),
    ("VBD_OO", 8),
    ("VBD_RD", 8),
    ("VBD_WR", 8),
    ("VBD_RSECT", 10),
    ("VBD_WSECT", 10),
    ("SSID", 4),
];

/// The columns that grow with what is in them.
const GROWING: [usize; 7] = [0, 10, 11, 14, 15, 16, 17];

/// Bytes in a sector.
const SECTOR: u64 = 512;

/// One block: the heading and a line for each domain, in the order of their names as xentop has
/// it.
pub fn block(sample: Sample<'_>, shown: Shown) -> String {
    let mut blocks = Blocks::new(shown);
    blocks.block(sample);
    blocks.text
}

/// Blocks one after the other.
#[derive(Debug)]
pub struct Blocks {
    shown: Shown,
    /// The domains' places in the last sample, in the order of its lines: most often the next one
    /// has the same order, and there is nothing to sort.
    order: Vec<usize>,
    /// The last one.
    text: String,
}

impl Blocks {
    /// None yet.
    pub fn new(shown: Shown) -> Self {
        Self {
            shown,
            order: Vec::new(),
            text: String::new(),
        }
    }

    /// The next one, as [`block`] has it.
    pub fn block(&mut self, sample: Sample<'_>) -> &str {
        self.sort(&sample.snapshot.domains);
        let usual = COLUMNS.map(|(_, width)| width);
        let spent = std::mem::take(&mut self.text);
        let mut lines = self.lines(sample, usual, spent);
        let mut widths = usual;
        for column in GROWING {
            widths[column] = lines.wanted[column];
        }
        if widths != usual {
            // Seldom: most numbers fit.
            lines = self.lines(sample, widths, lines.into_text());
        }
        if self.shown.pcpus {
            lines.push(&pcpus(sample));
        }
        self.text = lines.into_text();
        &self.text
    }

    fn sort(&mut self, domains: &[Domain]) {
        if self.order.len() != domains.len() {
            self.order = (0..domains.len()).collect();
        }
        let later = |domain: &Domain| self.shown.dom0_first && domain.id != DomId(0);
        self.order.sort_by(|&a, &b| {
            let (a, b) = (&domains[a], &domains[b]);
            later(a).cmp(&later(b)).then_with(|| by_name(a, b))
        });
    }

    /// The lines in columns of these widths.
    fn lines(&self, sample: Sample<'_>, widths: [usize; COLUMNS.len()], spent: String) -> Lines {
        let Shown {
            networks,
            vbds,
            repeat_header,
            full_name,
            ..
        } = self.shown;
        let host_bytes = sample.snapshot.host.memory_bytes;
        let mut lines = Lines::new(widths, spent);
        for (line, &index) in self.order.iter().enumerate() {
            let domain = &sample.snapshot.domains[index];
            let rates = &sample.rates.domains[index];
            if line == 0 || repeat_header {
                COLUMNS.iter().for_each(|(head, _)| lines.text(head));
            }
            fill(&mut lines, domain, rates, host_bytes, full_name);
            if self.shown.vcpus {
                lines.push(&vcpus(domain));
            }
            let nics = domain.nics.iter().flatten().filter(|_| networks);
            for (index, nic) in nics.enumerate() {
                lines.push(&network(index, nic));
            }
            for disk in domain.disks.iter().flatten().filter(|_| vbds) {
                lines.push(&vbd(disk));
            }
        }
        lines
    }
}

/// The order of their names without regard to case, then those without one, and then of their ids.
fn by_name(a: &Domain, b: &Domain) -> Ordering {
    match (&a.name, &b.name) {
        (Some(a), Some(b)) => lowered(a).cmp(lowered(b)),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
    .then(a.id.cmp(&b.id))
}

fn lowered(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}

/// What xentop would print of this domain on a host with so much memory, cell by cell.
pub(crate) fn cells(
    domain: &Domain,
    rates: &DomainRates,
    host_bytes: u64,
    full_name: bool,
) -> Vec<String> {
    let mut cells = Vec::with_capacity(COLUMNS.len());
    fill(&mut cells, domain, rates, host_bytes, full_name);
    cells
}

fn fill(
    cells: &mut impl Cells,
    domain: &Domain,
    rates: &DomainRates,
    host_bytes: u64,
    full_name: bool,
) {
    let share = |bytes: u64| 100.0 * bytes as f64 / host_bytes as f64;
    let kib = |bytes: u64| bytes / 1024;
    let name = safe(domain.name.as_deref().unwrap_or(UNKNOWN));
    let (nics, disks) = (domain.nics.as_deref(), domain.disks.as_deref());
    let of_disks = |counter: fn(&Disk) -> Option<u64>| sum_of_known(disks, counter);
    let sectors = |bytes: u64| bytes / SECTOR;

    cells.text(match full_name {
        true => &name,
        false => cut(&name, COLUMNS[0].1),
    });
    cells.text(str::from_utf8(&letters(domain.states)).unwrap_or(UNKNOWN));
    cells.number(domain.cpu_time_ns / 1_000_000_000);
    cells.known_tenths(rates.cpu_percent.map(|share| share.value));
    cells.number(kib(domain.memory_bytes));
    cells.tenths(share(domain.memory_bytes));
    match domain.memory_max_bytes {
        Some(bytes) => {
            cells.number(kib(bytes));
            cells.tenths(share(bytes));
        }
        None => {
            cells.text("no limit");
            cells.text("n/a");
        }
    }
    cells.number(domain.vcpus_online.into());
    cells.known(nics.map(|nics| nics.len() as u64));
    cells.known(sum(nics, |nic| nic.rx_bytes).map(kib));
    cells.known(sum(nics, |nic| nic.tx_bytes).map(kib));
    cells.known(disks.map(|disks| disks.len() as u64));
    cells.known(of_disks(|disk| disk.out_of_slots));
    cells.known(of_disks(|disk| disk.read_requests));
    cells.known(of_disks(|disk| disk.write_requests));
    cells.known(of_disks(|disk| disk.read_bytes).map(sectors));
    cells.known(of_disks(|disk| disk.write_bytes).map(sectors));
    cells.number(domain.ssid.into());
}

/// The sum over a domain's devices; `None` when one is not known.
fn sum<T>(devices: Option<&[T]>, counter: impl Fn(&T) -> Option<u64>) -> Option<u64> {
    devices?
        .iter()
        .try_fold(0_u64, |sum, device| sum.checked_add(counter(device)?))
}

/// The sum over those of a domain's disks that have the counter, as xentop makes it; `None` when
/// none of them has.
fn sum_of_known(disks: Option<&[Disk]>, counter: impl Fn(&Disk) -> Option<u64>) -> Option<u64> {
    let disks = disks?;
    let mut known = disks.iter().filter_map(&counter).peekable();
    if known.peek().is_none() && !disks.is_empty() {
        return None;
    }
    known.try_fold(0_u64, u64::checked_add)
}

/// xentop's six letters, one for each state that holds.
fn letters(states: StateFlags) -> [u8; 6] {
    let crashed = states.shutdown == Some(ShutdownReason::Crash);
    [
        (states.dying, b'd'),
        (states.shutdown.is_some() && !crashed, b's'),
        (states.blocked, b'b'),
        (crashed, b'c'),
        (states.paused, b'p'),
        (states.running, b'r'),
    ]
    .map(|(holds, letter)| if holds { letter } else { b'-' })
}

/// The online vCPUs' times in seconds, five to a line.
fn vcpus(domain: &Domain) -> String {
    let mut out = "VCPUs(sec): ".to_owned();
    for vcpu in domain.vcpus.iter().flatten() {
        if vcpu.state != VcpuState::Offline {
            if vcpu.id != 0 && vcpu.id % 5 == 0 {
                out.push_str("\n        ");
            }
            let seconds = vcpu.cpu_time_ns / 1_000_000_000;
            out.push_str(&format!(" {:2}: {seconds:10}s", vcpu.id));
        }
    }
    out.push('\n');
    out
}

/// A NIC, as dom0's end of it has it.
fn network(index: usize, nic: &Nic) -> String {
    let count = |count: Option<u64>| or_unknown(count, |count| count.to_string());
    let side = |[bytes, packets, errors, drops]: [Option<u64>; 4]| {
        format!(
            "{:>8}bytes {:>8}pkts {:>8}err {:>8}drop",
            count(bytes),
            count(packets),
            count(errors),
            count(drops)
        )
    };
    format!(
        "Net{index} RX: {}  TX: {}\n",
        side([nic.tx_bytes, nic.tx_packets, nic.tx_errors, nic.tx_drops]),
        side([nic.rx_bytes, nic.rx_packets, nic.rx_errors, nic.rx_drops])
    )
}

/// A disk.
fn vbd(disk: &Disk) -> String {
    let kind = match disk.backend {
        DiskBackend::Blkback => "BlkBack",
        DiskBackend::Tapdisk => "Tapdisk3",
        DiskBackend::Qdisk => "Unidentified",
    };
    let count = |count: Option<u64>| or_unknown(count, |count| count.to_string());
    let sectors = |bytes: Option<u64>| count(bytes.map(|bytes| bytes / SECTOR));
    format!(
        "VBD {kind} {:4} [{:2x}:{:2x}]  OO: {:>8}   RD: {:>8}   WR: {:>8}   RSECT: {:>10}   WSECT: {:>10}\n",
        disk.id,
        disk.id >> 8,
        disk.id & 0xff,
        count(disk.out_of_slots),
        count(disk.read_requests),
        count(disk.write_requests),
        sectors(disk.read_bytes),
        sectors(disk.write_bytes)
    )
}

/// The pCPUs in their box.
fn pcpus(sample: Sample<'_>) -> String {
    const EDGE: &str = "+-------+--------+\n";
    let mut out = format!("\nPhysical CPU Usage:\n{EDGE}| Core  | Usage  |\n{EDGE}");
    for (pcpu, busy) in sample.pcpus() {
        out.push_str(&format!("| {:<5} | {:>5}% |\n", pcpu.id, percent(busy)));
    }
    out.push_str(EDGE);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{SECOND, disk, domain, nic, snapshot, vcpu};
    use crate::rates::Rates;
    use crate::snapshot::Snapshot;

    /// Three domains: one without a name, devices or limit, and one with all of them.
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

    fn lines(shown: Shown) -> Vec<String> {
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
        assert_eq!(lines(Shown::default()).join("\n"), expected);
    }

    #[test]
    fn a_full_name_widens_its_column() {
        let lines = lines(Shown {
            full_name: true,
            ..Shown::default()
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
        assert_eq!(second(Shown::default()).as_deref(), Some("web-server"));
        let first = Shown {
            dom0_first: true,
            ..Shown::default()
        };
        assert_eq!(second(first).as_deref(), Some("      zero"));
    }

    #[test]
    fn what_belongs_to_a_domain_stands_below_it() {
        let lines = lines(Shown {
            networks: true,
            vbds: true,
            vcpus: true,
            repeat_header: true,
            ..Shown::default()
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
    fn the_pcpus_stand_in_a_box_below_all() {
        let lines = lines(Shown {
            pcpus: true,
            ..Shown::default()
        });
        assert_eq!(
            lines[4..].join("\n"),
            "\nPhysical CPU Usage:\n+-------+--------+\n| Core  | Usage  |\n+-------+--------+\n\
             | 0     | 100.0% |\n| 1     | 100.0% |\n+-------+--------+"
        );
    }

    #[test]
    fn a_disk_without_counters_is_there_and_counted_as_unknown() {
        let (_, mut new) = three();
        let mut silent = disk(51728, 0, 0);
        (silent.read_requests, silent.backend) = (None, DiskBackend::Qdisk);
        new.domains[0].disks = Some(vec![silent.clone()]);
        if let Some(disks) = &mut new.domains[2].disks {
            disks.push(silent);
        }
        let reads = |domain: &Domain| cells(domain, &DomainRates::default(), 1, false)[14].clone();
        assert_eq!(reads(&new.domains[0]), "-");
        assert_eq!(reads(&new.domains[2]), "77");
    }
}
