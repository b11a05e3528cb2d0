//! The columns of the table of domains.
//!
//! Every figure of a domain is a column. The most used columns have titles and widths chosen by
//! hand; the others get theirs from the figure's name.

mod fit;

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::fields::{self, Field, Kind, Thing, Unit};
use crate::sample::DomainSample;
use crate::snapshot::Collect;

pub(super) use fit::{Slot, fit};

/// A column of the table of domains, as its index in the list of all columns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Column(usize);

/// A figure of a domain.
pub(super) type Figure = &'static Field<DomainSample<'static>>;

/// What a column shows.
#[derive(Clone, Copy)]
pub(super) enum Shows {
    /// A figure.
    Figure(Figure),
    /// Memory in per cent of the host's memory.
    MemoryShare,
    /// CPU use of its vCPUs as a bar.
    CpuBar,
    /// CPU use of its vCPUs over time.
    CpuHistory,
}

/// The layout of a column.
pub(super) struct Shape {
    /// Its name in the configuration file.
    key: &'static str,
    pub(super) shows: Shows,
    /// Its title, and a shorter one for a narrow column.
    pub(super) titles: (&'static str, &'static str),
    /// Its description in the list of columns.
    pub(super) doc: &'static str,
    /// Its minimum and maximum width, in columns of the terminal.
    widths: (usize, usize),
    /// A narrow line drops the columns with the lowest priority first. A column outside the default
    /// set has a higher priority than the bar and the history, because the user chose it.
    priority: u8,
    /// Whether its text is left-aligned.
    pub(super) left: bool,
}

/// A column whose titles and widths were chosen by hand.
struct Laid {
    key: &'static str,
    /// The name of its figure; empty for the bar, the history and the share of memory.
    figure: &'static str,
    titles: (&'static str, &'static str),
    widths: (usize, usize),
    priority: u8,
    /// Whether it is in the default set.
    is_default: bool,
}

/// The priority of the columns that are not in [`LAID`].
const OTHERS_PRIORITY: u8 = 8;

/// The columns laid out by hand, in display order.
#[rustfmt::skip]
const LAID: [Laid; 23] = [
    laid("id",           "id",                               ("ID", "ID"),          (3, 5),   15, true),
    laid("name",         "name",                             ("NAME", "NAME"),      (8, 12),  21, true),
    laid("type",         "type",                             ("TYPE", "TYPE"),      (5, 5),    8, false),
    laid("state",        "state",                            ("STATE", "STATE"),    (8, 9),   16, true),
    laid("vcpus",        "vcpus_online",                     ("VCPUS", "VCPU"),     (5, 6),    2, true),
    laid("cpu",          "cpu_percent",                      ("CPU %", "CPU%"),     (5, 7),   19, true),
    laid("cpu_of_vcpus", "cpu_percent_of_vcpus",             ("VCPU %", "VCP%"),    (5, 7),   10, false),
    laid("ready",        "ready_percent",                    ("READY %", "RDY%"),   (5, 8),   17, false),
    laid("throttled",    "throttled_percent",                ("THR %", "THR%"),     (5, 6),   17, false),
    laid("cpu_bar",      "",                                 ("BUSY", "BUSY"),      (5, 20),   3, true),
    laid("cpu_history",  "",                                 ("HISTORY", "PAST"),   (5, 40),   1, true),
    laid("cpu_time",     "cpu_time_ns",                      ("CPU TIME", "TIME"),  (7, 9),    7, false),
    laid("memory",       "memory_bytes",                     ("MEMORY", "MEM"),     (5, 7),   18, true),
    laid("memory_share", "",                                 ("MEM %", "MEM%"),     (5, 6),    9, false),
    laid("memory_max",   "memory_max_bytes",                 ("MEM MAX", "MAX"),    (5, 8),    6, false),
    laid("net_received", "nics_rx_bytes_per_second",         ("NET RX/s", "RX/s"),  (5, 9),   14, true),
    laid("net_sent",     "nics_tx_bytes_per_second",         ("NET TX/s", "TX/s"),  (5, 9),   13, true),
    laid("disk_read",    "disks_read_bytes_per_second",      ("DISK RD/s", "RD/s"), (5, 10),  12, true),
    laid("disk_written", "disks_write_bytes_per_second",     ("DISK WR/s", "WR/s"), (5, 10),  11, true),
    laid("disk_reads",   "disks_read_requests_per_second",   ("READS/s", "RDS"),    (5, 8),    8, false),
    laid("disk_writes",  "disks_write_requests_per_second",  ("WRITES/s", "WRS"),   (5, 9),    8, false),
    laid("pool",         "pool",                             ("POOL", "POOL"),      (5, 5),    5, false),
    laid("uuid",         "uuid",                             ("UUID", "UUID"),      (36, 36),  4, false),
];

const fn laid(
    key: &'static str,
    figure: &'static str,
    titles: (&'static str, &'static str),
    widths: (usize, usize),
    priority: u8,
    is_default: bool,
) -> Laid {
    Laid {
        key,
        figure,
        titles,
        widths,
        priority,
        is_default,
    }
}

/// Every column, in display order: those laid out by hand, then all other figures.
static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let figures = || DomainSample::fields().iter().chain(fields::sums());
    let laid = LAID.iter().map(|laid| {
        let figure = figures().find(|field| field.name == laid.figure);
        let (shows, doc, left) = match (figure, laid.key) {
            (Some(figure), _) => (Shows::Figure(figure), figure.doc, is_text(figure)),
            (None, "cpu_bar") => (Shows::CpuBar, "CPU use of its vCPUs, as a bar", true),
            (None, "cpu_history") => (Shows::CpuHistory, "CPU use of its vCPUs over time", true),
            (None, _) => (Shows::MemoryShare, "memory, per cent of the host's", false),
        };
        Shape {
            key: laid.key,
            shows,
            titles: laid.titles,
            doc,
            widths: laid.widths,
            priority: laid.priority,
            left,
        }
    });
    let is_laid = |field: &Figure| LAID.iter().any(|laid| laid.figure == field.name);
    let others = figures().filter(|field| !is_laid(field)).map(|field| {
        let title = title(field);
        let width = title.len() + 1;
        Shape {
            key: field.name,
            shows: Shows::Figure(field),
            titles: (title, title),
            doc: field.doc,
            // A narrow column shortens its title.
            widths: (width.min(8), width),
            priority: OTHERS_PRIORITY,
            left: is_text(field),
        }
    });
    laid.chain(others).collect()
});

/// Returns whether the figure has no unit; its text is then left-aligned.
fn is_text(field: Figure) -> bool {
    field.unit == Unit::None
}

/// Returns the title of a column that is not in [`LAID`]: the figure's name, followed by ` %` or
/// `/s` if that is its unit.
fn title(field: Figure) -> &'static str {
    let (name, sign) = match field.unit {
        Unit::Percent => (field.name.trim_end_matches("_percent"), " %"),
        Unit::PerSecond | Unit::BytesPerSecond => {
            let name = field.name.trim_end_matches("_per_second");
            (name.trim_end_matches("_bytes"), "/s")
        }
        Unit::Bytes => (field.name.trim_end_matches("_bytes"), ""),
        Unit::Nanoseconds => (field.name.trim_end_matches("_ns"), ""),
        _ => (field.name, ""),
    };
    let title = name.replace('_', " ").to_uppercase() + sign;
    // Leaks once per figure: the table of columns lives as long as the program.
    Box::leak(title.into_boxed_str())
}

impl Column {
    /// The domain's ID.
    pub const ID: Self = Self::laid("id");
    /// Its name.
    pub const NAME: Self = Self::laid("name");
    /// Its state.
    pub const STATE: Self = Self::laid("state");
    /// CPU use in per cent of one pCPU.
    pub const CPU: Self = Self::laid("cpu");
    /// CPU use in per cent of its vCPUs.
    pub const CPU_OF_VCPUS: Self = Self::laid("cpu_of_vcpus");
    /// Time that its vCPUs waited for a pCPU, in per cent of one.
    pub const READY: Self = Self::laid("ready");
    /// Time that its cap kept its vCPUs from running, in per cent of one.
    pub const THROTTLED: Self = Self::laid("throttled");
    /// CPU use of its vCPUs as a bar.
    pub const CPU_BAR: Self = Self::laid("cpu_bar");
    /// CPU use of its vCPUs over time.
    pub const CPU_HISTORY: Self = Self::laid("cpu_history");

    /// Returns the column with this key in [`LAID`]; an unknown key does not compile.
    const fn laid(key: &str) -> Self {
        let mut place = 0;
        while !is_same(LAID[place].key, key) {
            place += 1;
        }
        Self(place)
    }

    /// Returns every column, in display order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        (0..SHAPES.len()).map(Self)
    }

    /// Returns the default columns.
    pub fn defaults() -> impl Iterator<Item = Self> {
        let defaults = LAID.iter().enumerate().filter(|(_, laid)| laid.is_default);
        defaults.map(|(place, _)| Self(place))
    }

    /// Returns the column with this name in the configuration file; `None` if there is none.
    pub fn by_key(key: &str) -> Option<Self> {
        Self::all().find(|column| column.key() == key)
    }

    /// Returns its name in the configuration file.
    pub fn key(self) -> &'static str {
        self.shape().key
    }

    pub(super) fn shape(self) -> &'static Shape {
        &SHAPES[self.0]
    }

    /// Returns what a sample must collect for it.
    pub(super) fn part(self) -> Collect {
        match self.shape().shows {
            Shows::Figure(field) => field.part,
            Shows::MemoryShare | Shows::CpuBar | Shows::CpuHistory => Collect::default(),
        }
    }

    /// Returns its index in the list of all columns.
    pub(super) fn index(self) -> usize {
        self.0
    }

    /// Returns whether it sorts in descending order by default.
    pub(super) fn descends(self) -> bool {
        match self.shape().shows {
            Shows::Figure(field) => !matches!(field.kind, Kind::Text | Kind::State { .. }),
            Shows::MemoryShare | Shows::CpuBar | Shows::CpuHistory => true,
        }
    }
}

/// Returns the chosen columns that a sample has something for: without a trace, none that only a trace tells; with
/// one, also ready and throttled time, after the CPU use.
pub(super) fn shown(chosen: &[Column], traced: bool) -> Vec<Column> {
    let mut columns = chosen.to_vec();
    if !traced {
        columns.retain(|column| !column.part().state_times);
    } else if !columns.iter().any(|column| column.part().state_times) {
        let cpu = columns.iter().position(|&column| column == Column::CPU);
        let place = cpu.map_or(columns.len(), |cpu| cpu + 1);
        columns.splice(place..place, [Column::READY, Column::THROTTLED]);
    }
    columns
}

/// Returns whether two texts are equal, in a const context.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        Self::by_key(&key).ok_or_else(|| de::Error::custom(format!("unknown column `{key}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn defaults() -> Vec<Column> {
        Column::defaults().collect()
    }

    #[test]
    fn every_figure_has_one_column() {
        let mut keys: Vec<&str> = Column::all().map(Column::key).collect();
        let figures = DomainSample::fields().len() + fields::sums().len();
        // The bar, the history and the share of memory are not figures.
        assert_eq!(keys.len(), figures + 3);
        for laid in &LAID {
            let is_figure = DomainSample::fields().iter().chain(fields::sums());
            let is_figure = is_figure
                .map(|field| field.name)
                .any(|name| name == laid.figure);
            assert_eq!(is_figure, !laid.figure.is_empty(), "{}", laid.key);
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), figures + 3);
    }

    #[test]
    fn chosen_columns_outrank_bar_and_history() {
        for column in Column::all() {
            if !defaults().contains(&column) {
                let drawn = [Column::CPU_BAR, Column::CPU_HISTORY];
                assert!(
                    drawn
                        .iter()
                        .all(|drawn| column.shape().priority > drawn.shape().priority)
                );
            }
        }
    }
}
