//! The columns of the table of domains.
//!
//! Every figure of a domain is a column. The most used columns have titles and widths chosen by
//! hand; the others get theirs from the figure's name.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::fields::{self, Kind, Thing, Unit};
use crate::filter::{self, Compared, Figure, Filter};
use crate::sample::DomainSample;
use crate::snapshot::Collect;

/// A column of the table of domains, as its index in the list of all columns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column(usize);

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
    /// Mean CPU use over the kept samples.
    CpuMean,
    /// The greatest CPU use of the kept samples.
    CpuPeak,
    /// Why the domain suffers.
    Why,
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
    pub(super) widths: (usize, usize),
    /// A narrow line drops the columns with the lowest priority first. A column outside the default
    /// set has a higher priority than the bar and the history, because the user chose it.
    pub(super) priority: u8,
    /// Whether its text is left-aligned.
    pub(super) left: bool,
}

/// A column whose titles and widths were chosen by hand.
struct Laid {
    key: &'static str,
    /// The name of its figure; empty for a column that is not a figure.
    figure: &'static str,
    titles: (&'static str, &'static str),
    widths: (usize, usize),
    priority: u8,
    when: When,
}

/// When a column is shown that the user did not choose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// If there is room beside the columns that are always shown. What it shows is collected anyway.
    Room,
    Never,
}
use When::{Always, Never, Room};

/// The priority of the columns that are not in [`LAID`].
const OTHERS_PRIORITY: u8 = 8;

/// The columns laid out by hand, in display order.
#[rustfmt::skip]
const LAID: [Laid; 30] = [
    laid("id",           "id",                               ("ID", "ID"),          (3, 5),   15, Always),
    laid("name",         "name",                             ("NAME", "NAME"),      (8, 12),  21, Always),
    laid("type",         "type",                             ("TYPE", "TYPE"),      (5, 5),    8, Room),
    laid("state",        "state",                            ("STATE", "STATE"),    (8, 9),   16, Never),
    laid("vcpus",        "vcpus_online",                     ("VCPUS", "VCPU"),     (5, 6),    2, Always),
    laid("cpu",          "cpu_percent",                      ("CPU %", "CPU%"),     (5, 7),   19, Always),
    laid("cpu_of_vcpus", "cpu_percent_of_vcpus",             ("VCPU %", "VCP%"),    (5, 7),   10, Room),
    laid("ready",        "ready_percent",                    ("READY %", "RDY%"),   (5, 8),   17, Never),
    laid("throttled",    "throttled_percent",                ("THR %", "THR%"),     (5, 6),   17, Never),
    laid("lost",         "lost_percent",                     ("LOST %", "LOST"),    (5, 6),   17, Never),
    laid("cpu_bar",      "",                                 ("RAN LOST", "RAN"),    (5, 20),   3, Always),
    laid("cpu_history",  "",                                 ("HISTORY", "PAST"),   (5, 40),   1, Always),
    laid("cpu_mean",     "",                                 ("MEAN %", "MEAN"),    (5, 6),    8, Room),
    laid("cpu_peak",     "",                                 ("PEAK %", "PEAK"),    (5, 6),    8, Room),
    laid("cpu_time",     "cpu_time_ns",                      ("CPU TIME", "TIME"),  (7, 9),    7, Never),
    laid("memory",       "memory_bytes",                     ("MEMORY", "MEM"),     (5, 7),   18, Always),
    laid("memory_short", "memory_short_bytes",               ("GAP", "GAP"),        (5, 5),    4, Always),
    laid("memory_share", "",                                 ("MEM %", "MEM%"),     (5, 6),    9, Room),
    laid("memory_max",   "memory_max_bytes",                 ("MEM MAX", "MAX"),    (5, 8),    6, Room),
    laid("net_received", "nics_rx_bytes_per_second",         ("NET RX/s", "RX/s"),  (5, 9),   14, Always),
    laid("net_sent",     "nics_tx_bytes_per_second",         ("NET TX/s", "TX/s"),  (5, 9),   13, Always),
    laid("disk_read",    "disks_read_bytes_per_second",      ("DISK RD/s", "RD/s"), (5, 10),  12, Always),
    laid("disk_written", "disks_write_bytes_per_second",     ("DISK WR/s", "WR/s"), (5, 10),  11, Always),
    laid("disk_reads",   "disks_read_requests_per_second",   ("READS/s", "RDS"),    (5, 8),    8, Never),
    laid("disk_writes",  "disks_write_requests_per_second",  ("WRITES/s", "WRS"),   (5, 9),    8, Never),
    laid("no_slots",     "disks_out_of_slots_per_second",    ("NO SLOT/s", "NSLT"), (5, 10),   8, Room),
    laid("drops",        "nics_drops_per_second",            ("DROP/s", "DROP"),    (5, 7),    8, Room),
    laid("pool",         "pool",                             ("POOL", "POOL"),      (5, 5),    5, Room),
    laid("why",          "",                                 ("WHY", "WHY"),        (5, 48),  10, Always),
    laid("uuid",         "uuid",                             ("UUID", "UUID"),      (36, 36),  4, Never),
];

const fn laid(
    key: &'static str,
    figure: &'static str,
    titles: (&'static str, &'static str),
    widths: (usize, usize),
    priority: u8,
    when: When,
) -> Laid {
    Laid {
        key,
        figure,
        titles,
        widths,
        priority,
        when,
    }
}

/// Every column, in display order: those laid out by hand, then all other figures.
static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let figures = || DomainSample::fields().iter().chain(fields::sums());
    let laid = LAID.iter().map(|laid| {
        let figure = figures().find(|field| field.name == laid.figure);
        let (shows, doc, left) = match (figure, laid.key) {
            (Some(figure), _) => (Shows::Figure(figure), figure.doc, is_text(figure)),
            (None, "cpu_bar") => (
                Shows::CpuBar,
                "CPU use of its vCPUs as a bar, then what they lost",
                true,
            ),
            (None, "cpu_history") => (Shows::CpuHistory, "CPU use of its vCPUs over time", true),
            (None, "cpu_mean") => (Shows::CpuMean, "mean CPU use over the kept samples", false),
            (None, "cpu_peak") => (
                Shows::CpuPeak,
                "greatest CPU use of the kept samples",
                false,
            ),
            (None, "why") => (Shows::Why, "why the domain hurts", true),
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

/// Returns the filter that a text describes. Figures may have the names of columns, or their titles if these are one
/// word.
///
/// # Errors
/// If the text is no filter.
pub fn filter(text: &str) -> Result<Filter, filter::Error> {
    Filter::parse(text, &of_domain)
}

/// Returns the filter for rows that are not domains. A name is that of the row's own figure, which `own` returns, or
/// else that of the domain's. If the text is no filter in this way, all names are those of the domain's figures.
///
/// # Errors
/// If the text is no filter in either way.
pub(super) fn filter_of_rows(
    text: &str,
    own: &dyn Fn(&str) -> Option<Compared>,
) -> Result<Filter, filter::Error> {
    let of_row = |name: &str| own(name).or_else(|| of_domain(name));
    Filter::parse(text, &of_row).or_else(|problem| filter(text).map_err(|_| problem))
}

/// Returns the figure of the domain in the column with this name or title; `None` if there is no such column.
fn of_domain(name: &str) -> Option<Compared> {
    let titled = |name: &str| {
        let is_it = |title: &str| title.eq_ignore_ascii_case(name);
        let of = |column: &Column| {
            let (long, short) = column.shape().titles;
            is_it(long) || is_it(short)
        };
        Column::all().find(of)
    };
    let column = Column::by_key(name).or_else(|| titled(name));
    match column?.shape().shows {
        Shows::Figure(figure) => Some(Compared::Domain(figure)),
        _ => None,
    }
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
    /// The share of the time that its vCPUs wanted to run in which they could not.
    pub const LOST: Self = Self::laid("lost");
    /// How far its memory is below its target.
    pub const MEMORY_SHORT: Self = Self::laid("memory_short");
    /// CPU use of its vCPUs as a bar.
    pub const CPU_BAR: Self = Self::laid("cpu_bar");
    /// CPU use of its vCPUs over time.
    pub const CPU_HISTORY: Self = Self::laid("cpu_history");
    /// Why the domain suffers.
    pub const WHY: Self = Self::laid("why");

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
        Self::those(Always)
    }

    /// Returns the columns that a wide screen shows as well.
    pub(super) fn of_wide_screens() -> impl Iterator<Item = Self> {
        Self::those(Room)
    }

    fn those(when: When) -> impl Iterator<Item = Self> {
        let those = LAID
            .iter()
            .enumerate()
            .filter(move |(_, laid)| laid.when == when);
        those.map(|(place, _)| Self(place))
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
            _ => Collect::default(),
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
            _ => true,
        }
    }

    /// Returns whether it is a bar or a chart.
    pub(super) fn is_drawn(self) -> bool {
        matches!(self.shape().shows, Shows::CpuBar | Shows::CpuHistory)
    }

    /// Returns whether it shows an amount, of which 0 is nothing worth reading.
    pub(super) fn is_amount(self) -> bool {
        match self.shape().shows {
            Shows::Figure(field) => !matches!(field.unit, Unit::None | Unit::Number),
            Shows::MemoryShare | Shows::CpuMean | Shows::CpuPeak => true,
            Shows::CpuBar | Shows::CpuHistory | Shows::Why => false,
        }
    }
}

/// Returns the chosen columns that a sample has something for: without a trace, none that only a trace tells; with
/// one, also ready and throttled time, after the CPU use. Then the columns for which there may be room.
pub(super) fn shown(chosen: &[Column], traced: bool) -> (Vec<Column>, Vec<Column>) {
    let mut columns = chosen.to_vec();
    if !traced {
        columns.retain(|column| !column.part().state_times);
    } else if !columns.iter().any(|column| column.part().state_times) {
        let cpu = columns.iter().position(|&column| column == Column::CPU);
        let place = cpu.map_or(columns.len(), |cpu| cpu + 1);
        columns.splice(place..place, [Column::READY, Column::THROTTLED]);
    }
    // Who chose columns wants no others.
    let are_usual = Column::defaults().eq(chosen.iter().copied());
    let mut more: Vec<Column> = Column::of_wide_screens().filter(|_| are_usual).collect();
    if traced {
        more.extend([Column::LOST].iter().filter(|_| are_usual));
    }
    (columns, more)
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
    fn a_filter_takes_titles_of_columns() {
        // The balloon target is collected for the one, nothing more for the other.
        let part = |text| filter(text).map(|filter| filter.part()).ok();
        assert_eq!(part("gap>0"), part("memory_short_bytes>0"));
        assert!(part("MEM<1G").is_some() && part("MEM<1G") != part("gap>0"));
        assert!(filter("why>1").is_err(), "no figure");
    }

    #[test]
    fn every_figure_has_one_column() {
        let mut keys: Vec<&str> = Column::all().map(Column::key).collect();
        let figures = DomainSample::fields().len() + fields::sums().len();
        let others = LAID.iter().filter(|laid| laid.figure.is_empty()).count();
        assert_eq!(keys.len(), figures + others);
        for laid in &LAID {
            let is_figure = DomainSample::fields().iter().chain(fields::sums());
            let is_figure = is_figure
                .map(|field| field.name)
                .any(|name| name == laid.figure);
            assert_eq!(is_figure, !laid.figure.is_empty(), "{}", laid.key);
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), figures + others);
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
