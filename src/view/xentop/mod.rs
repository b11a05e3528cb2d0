//! The layout of `xentop -b`, so that scripts for xentop work with xenscope.
//!
//! Columns, widths, order and the lines below a domain are those of xentop on Xen 4.17 and 4.20;
//! `-p` is that of xentop on 4.21. The differences are deliberate: the first block has rates, no
//! domain appears twice, domains without a name are included, NICs without a bridge are included,
//! VCPUS is the number of online vCPUs, and an unknown value is `-`.
//!
//! NETTX and NETRX are what dom0's side of the NIC sent and received, as in xentop.

mod lines;
mod parts;

use std::cmp::Ordering;

use super::{DisplayOptions, Sample};
use crate::snapshot::{DomId, Domain};
use crate::xentop::{COLUMNS, Cells, fill};
use lines::Lines;

pub use crate::xentop::DISK_COUNTERS;

/// The columns that are widened to fit their cells.
const GROWING: [usize; 7] = [0, 10, 11, 14, 15, 16, 17];

/// Returns a single block.
#[cfg(test)]
pub(crate) fn block(sample: Sample<'_>, shown: DisplayOptions) -> String {
    let mut blocks = Blocks::new(shown);
    blocks.block(sample);
    blocks.text
}

/// Formats blocks, one for each sample.
#[derive(Debug)]
pub struct Blocks {
    shown: DisplayOptions,
    /// The indices of the domains in the last sample, in the order of its lines. The next sample
    /// usually has the same order, so sorting is fast.
    order: Vec<usize>,
    /// The last block.
    text: String,
}

impl Blocks {
    /// Returns a formatter that has no block yet.
    pub fn new(shown: DisplayOptions) -> Self {
        Self {
            shown,
            order: Vec::new(),
            text: String::new(),
        }
    }

    /// Formats the next block: the heading and a line for each domain, ordered by name as in
    /// xentop.
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
            // This is rare, because most numbers fit.
            lines = self.lines(sample, widths, lines.into_text());
        }
        if self.shown.pcpus {
            lines.push(&parts::pcpus(sample));
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

    /// Returns the lines, with columns of these widths.
    fn lines(&self, sample: Sample<'_>, widths: [usize; COLUMNS.len()], spent: String) -> Lines {
        let DisplayOptions {
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
                lines.push(&parts::vcpus(domain));
            }
            let nics = domain.nics.iter().flatten().filter(|_| networks);
            for (index, nic) in nics.enumerate() {
                lines.push(&parts::network(index, nic));
            }
            for disk in domain.disks.iter().flatten().filter(|_| vbds) {
                lines.push(&parts::vbd(disk));
            }
        }
        lines
    }
}

/// Compares by name, ignoring case, with domains without a name last, and then by ID.
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

#[cfg(test)]
mod tests {
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
}
