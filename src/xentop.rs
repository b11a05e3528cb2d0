//! The cells that `xentop -b` prints for a domain. The view in xentop's layout prints them, and
//! `compare` compares xentop's output with them.

use crate::rates::DomainRates;
use crate::snapshot::{Disk, DiskCounter, Domain, NicCounter, ShutdownReason, StateFlags};
use crate::text::{UNKNOWN, cut, safe};

/// The columns' headings and minimum widths.
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

/// The counters of disks that the cells are made of.
pub const DISK_COUNTERS: [DiskCounter; 5] = [
    DiskCounter::OutOfSlots,
    DiskCounter::ReadRequests,
    DiskCounter::WriteRequests,
    DiskCounter::ReadBytes,
    DiskCounter::WriteBytes,
];

/// Bytes in a sector.
pub(crate) const SECTOR: u64 = 512;

/// Receives the cells of a line, from left to right.
pub(crate) trait Cells {
    /// Receives the next cell.
    fn text(&mut self, cell: &str);

    /// Receives a number.
    fn number(&mut self, number: u64) {
        self.text(&number.to_string());
    }

    /// Receives a figure, to be written with one decimal.
    fn tenths(&mut self, figure: f64) {
        self.text(&format!("{figure:.1}"));
    }

    /// Receives a number; `None` if it is unknown.
    fn known(&mut self, number: Option<u64>) {
        match number {
            Some(number) => self.number(number),
            None => self.text(UNKNOWN),
        }
    }

    /// Receives a figure, to be written with one decimal; `None` if it is unknown.
    fn known_tenths(&mut self, figure: Option<f64>) {
        match figure {
            Some(figure) => self.tenths(figure),
            None => self.text(UNKNOWN),
        }
    }
}

impl Cells for Vec<String> {
    fn text(&mut self, cell: &str) {
        self.push(cell.to_owned());
    }
}

/// Passes the cells that xentop would print for this domain on a host with this much memory.
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

pub(crate) fn fill(
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
    cells.known(sum(nics, |nic| nic[NicCounter::RxBytes]).map(kib));
    cells.known(sum(nics, |nic| nic[NicCounter::TxBytes]).map(kib));
    cells.known(disks.map(|disks| disks.len() as u64));
    cells.known(of_disks(|disk| disk[DiskCounter::OutOfSlots]));
    cells.known(of_disks(|disk| disk[DiskCounter::ReadRequests]));
    cells.known(of_disks(|disk| disk[DiskCounter::WriteRequests]));
    cells.known(of_disks(|disk| disk[DiskCounter::ReadBytes]).map(sectors));
    cells.known(of_disks(|disk| disk[DiskCounter::WriteBytes]).map(sectors));
    cells.number(domain.ssid.into());
}

/// Returns the sum over a domain's devices; `None` if one is unknown.
fn sum<T>(devices: Option<&[T]>, counter: impl Fn(&T) -> Option<u64>) -> Option<u64> {
    devices?
        .iter()
        .try_fold(0_u64, |sum, device| sum.checked_add(counter(device)?))
}

/// Returns the sum over the disks that have the counter, as xentop computes it: 0 without disks,
/// `None` if no disk has it.
fn sum_of_known(disks: Option<&[Disk]>, counter: impl Fn(&Disk) -> Option<u64>) -> Option<u64> {
    let disks = disks?;
    let mut known = disks.iter().filter_map(&counter).peekable();
    if known.peek().is_none() && !disks.is_empty() {
        return None;
    }
    known.try_fold(0_u64, u64::checked_add)
}

/// Returns xentop's six letters, one for each state that is set.
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
