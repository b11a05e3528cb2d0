//! The cells that `xentop -b` prints for a domain. The view in xentop's layout prints them, and
//! `compare` compares xentop's output with them.

use std::fmt;

use crate::rates::DomainRates;
use crate::snapshot::{
    Disk, DiskCounter, DomId, Domain, Nic, NicCounter, ShutdownReason, StateFlags,
};
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

    /// Receives a figure with one decimal.
    fn tenths(&mut self, figure: Tenths) {
        self.text(&figure.to_string());
    }

    /// Receives a number; `None` if it is unknown.
    fn known(&mut self, number: Option<u64>) {
        match number {
            Some(number) => self.number(number),
            None => self.text(UNKNOWN),
        }
    }
}

impl Cells for Vec<String> {
    fn text(&mut self, cell: &str) {
        self.push(cell.to_owned());
    }
}

/// A figure that is printed with one decimal. Figures that are printed the same are equal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tenths(pub(crate) f64);

impl Tenths {
    /// Returns the figure in tenths, rounded like `{:.1}`. `None` if it is negative, is at least
    /// 10⁸, or is so close to the middle between two tenths that this method could round wrongly.
    pub(crate) fn whole(self) -> Option<u64> {
        let tenths = self.0 * 10.0;
        let whole = tenths.round();
        let plain = self.0.is_sign_positive() && whole < 1e9 && (tenths - whole).abs() < 0.499;
        plain.then_some(whole as u64)
    }
}

impl PartialEq for Tenths {
    fn eq(&self, other: &Self) -> bool {
        let same = || self.whole().is_some() && self.whole() == other.whole();
        self.0.to_bits() == other.0.to_bits() || same()
    }
}

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}", self.0)
    }
}

/// The figures that xentop prints for a domain. Domains with the same name and equal figures have
/// the same cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    states: StateFlags,
    cpu_seconds: u64,
    cpu_percent: Option<Tenths>,
    host_bytes: u64,
    memory_bytes: u64,
    memory_max_bytes: Option<u64>,
    vcpus: u32,
    ssid: u32,
    nics: Option<usize>,
    tx_kib: Option<u64>,
    rx_kib: Option<u64>,
    disks: Option<usize>,
    out_of_slots: Option<u64>,
    reads: Option<u64>,
    writes: Option<u64>,
    sectors_read: Option<u64>,
    sectors_written: Option<u64>,
}

impl Figures {
    /// Returns the figures of a domain on a host with this much memory.
    pub(crate) fn of(domain: &Domain, rates: &DomainRates, host_bytes: u64) -> Self {
        let kib = |counter: NicCounter| Some(sum(nics(domain)?, |nic| nic[counter])? / 1024);
        let of_disks = |counter: DiskCounter| sum(disks(domain)?, |disk| disk[counter]);
        let sectors = |counter: DiskCounter| Some(of_disks(counter)? / SECTOR);
        Self {
            states: domain.states,
            cpu_seconds: domain.cpu_time_ns / 1_000_000_000,
            cpu_percent: rates.cpu_percent.map(|percent| Tenths(percent.value)),
            host_bytes,
            memory_bytes: domain.memory_bytes,
            memory_max_bytes: domain.memory_max_bytes,
            vcpus: domain.vcpus_online,
            ssid: domain.ssid,
            nics: nics(domain).map(Iterator::count),
            tx_kib: kib(NicCounter::RxBytes),
            rx_kib: kib(NicCounter::TxBytes),
            disks: disks(domain).map(Iterator::count),
            out_of_slots: of_disks(DiskCounter::OutOfSlots),
            reads: of_disks(DiskCounter::ReadRequests),
            writes: of_disks(DiskCounter::WriteRequests),
            sectors_read: sectors(DiskCounter::ReadBytes),
            sectors_written: sectors(DiskCounter::WriteBytes),
        }
    }

    /// Passes the cells that xentop prints for a domain with this name. `None` means that it has no
    /// name.
    pub(crate) fn fill(&self, cells: &mut impl Cells, name: Option<&str>, full_name: bool) {
        let share = |bytes: u64| Tenths(100.0 * bytes as f64 / self.host_bytes as f64);
        let count = |things: Option<usize>| things.map(|things| things as u64);
        let name = safe(name.unwrap_or(UNKNOWN));
        cells.text(match full_name {
            true => &name,
            false => cut(&name, COLUMNS[0].1),
        });
        cells.text(str::from_utf8(&letters(self.states)).unwrap_or(UNKNOWN));
        cells.number(self.cpu_seconds);
        match self.cpu_percent {
            Some(percent) => cells.tenths(percent),
            None => cells.text(UNKNOWN),
        }
        cells.number(self.memory_bytes / 1024);
        cells.tenths(share(self.memory_bytes));
        match self.memory_max_bytes {
            Some(bytes) => {
                cells.number(bytes / 1024);
                cells.tenths(share(bytes));
            }
            None => {
                cells.text("no limit");
                cells.text("n/a");
            }
        }
        cells.number(self.vcpus.into());
        cells.known(count(self.nics));
        cells.known(self.tx_kib);
        cells.known(self.rx_kib);
        cells.known(count(self.disks));
        cells.known(self.out_of_slots);
        cells.known(self.reads);
        cells.known(self.writes);
        cells.known(self.sectors_read);
        cells.known(self.sectors_written);
        cells.number(self.ssid.into());
    }
}

/// Returns the cells that xentop prints for a domain on a host with this much memory.
pub(crate) fn cells(
    domain: &Domain,
    rates: &DomainRates,
    host_bytes: u64,
    full_name: bool,
) -> Vec<String> {
    let mut cells = Vec::with_capacity(COLUMNS.len());
    let figures = Figures::of(domain, rates, host_bytes);
    figures.fill(&mut cells, domain.name.as_deref(), full_name);
    cells
}

/// Returns a domain's NICs that xentop sees: those that dom0 serves. `None` if they are unknown.
pub(crate) fn nics(domain: &Domain) -> Option<impl Iterator<Item = &Nic>> {
    let nics = domain.nics.as_ref()?.iter();
    Some(nics.filter(|nic| nic.backend_domain == DomId::DOM0))
}

/// Returns the same as [`nics`] for disks.
pub(crate) fn disks(domain: &Domain) -> Option<impl Iterator<Item = &Disk>> {
    let disks = domain.disks.as_ref()?.iter();
    Some(disks.filter(|disk| disk.backend_domain == DomId::DOM0))
}

/// Returns the sum over devices; `None` if one is unknown.
fn sum<T>(mut devices: impl Iterator<Item = T>, counter: impl Fn(T) -> Option<u64>) -> Option<u64> {
    devices.try_fold(0_u64, |sum, device| sum.checked_add(counter(device)?))
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
